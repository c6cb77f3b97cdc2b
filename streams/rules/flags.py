"""A call whose own columns contradict one another: what the flag rules share."""

from streams.facts.cause import Call
from streams.model.records import Difference
from streams.model.rule import Rule, SubjectKind
from streams.rules.violation import Need, RowOf, Violation, call_side, violation

#: The outcome of a call that booked an appointment (S4 §2).
BOOKED = "appointment_booked"


def flag(
    rule: Rule, call: Call, *columns: str, until: int | None = None, needs: tuple[Need, ...] | None = None
) -> Violation:
    """One side only: proved by one SELECT of the call, without lag wait, unless `needs` says otherwise."""
    side = call_side(call, *columns)
    return violation(
        rule,
        SubjectKind.CALL,
        call.id,
        two_sided=False,
        calls=[call],
        until=until,
        needs=(RowOf("call", call.id),) if needs is None else needs,
        call_id=call.id,
        booking_uid=call.link.uid if call.link else call.row.booking,
        appointment_id=call.appointments[0].id if call.appointments else None,
        local=side,
        differences=tuple(Difference(field=column, local=side.extra[column], calcom=None) for column in columns),
        starts_at=call.appointments[0].row.start if call.appointments else None,
    )
