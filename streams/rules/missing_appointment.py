"""missing_appointment: the call made an appointment, and no appointment has this call (S4 rule 2)."""

from collections.abc import Iterator

from streams.facts.cause import Call, Cause
from streams.model.judgement import Judgement
from streams.model.records import Difference, Side
from streams.model.rule import Rule, SubjectKind
from streams.rules.violation import (
    AbsenceOf,
    CallLookupOf,
    LookupOf,
    Need,
    RowOf,
    Violation,
    calcom_side,
    call_side,
    ends_at,
    violation,
)


def judge(cause: Cause, _judgement: Judgement) -> Iterator[Violation]:
    """Where an appointment without a call names the call's booking, it is missing_call_link instead.

    Where one with another call does, it is call_link_mismatch.
    """
    for call in cause.calls:
        if call.row.made is not True or call.appointments:
            continue
        link = call.link
        if link is not None and any(a.row.call != call.id for a in cause.appointments_of(*link.chain.links)):
            continue
        yield violation(
            Rule.MISSING_APPOINTMENT,
            SubjectKind.CALL,
            call.id,
            two_sided=link is not None,
            links=link.chain.links if link else (),
            calls=[call],
            until=ends_at(link.chain.newest) if link else None,
            needs=_needs(call),
            call_id=call.id,
            booking_uid=link.uid if link else None,
            local=call_side(call, "appointment_made"),
            calcom=calcom_side(link.chain.newest) if link else Side(),
            differences=(Difference(field="appointment", local=None, calcom=call.row.booking),),
            starts_at=link.state.start if link and link.state else None,
        )


def _needs(call: Call) -> tuple[Need, ...]:
    """The booking that the call names is read first: whose row it is decides which rule speaks.

    A numeric id that nobody has told of is looked for around the call: it was booked during it.
    """
    needs: list[Need] = [RowOf("call", call.id), CallLookupOf(call.id)]
    if call.link is not None:
        chain = call.link.chain
        around = call.row.created_at
        needs += [
            AbsenceOf(chain.newest.uid, around, around),
            LookupOf(tuple(each.uid for each in chain.links), chain.refs),
        ]
    return tuple(needs)
