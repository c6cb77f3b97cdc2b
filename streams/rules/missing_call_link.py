"""missing_call_link: an appointment made by a call does not name it (S4 rule 4)."""

from collections.abc import Iterator

from streams.facts.cause import Appointment, Call, Cause
from streams.model.judgement import Judgement
from streams.model.records import Difference, Side
from streams.model.rule import Rule, SubjectKind
from streams.rules.violation import RowOf, Violation, calcom_side, local_side, row_ends_at, violation

#: The source of appointments that the phone agent writes.
PHONE_AGENT = "retell_webhook"
#: Neither cancelled nor over.
_CLOSED = frozenset({"cancelled", "completed", "no_show"})


def judge(cause: Cause, _judgement: Judgement) -> Iterator[Violation]:
    """Known by its source, or by a call that names this very booking and that no appointment has."""
    for appointment in cause.appointments:
        if appointment.row.call or appointment.row.status in _CLOSED:
            continue
        calls = _calls(cause, appointment)
        if appointment.row.source != PHONE_AGENT and not calls:
            continue
        link = appointment.link
        yield violation(
            Rule.MISSING_CALL_LINK,
            SubjectKind.APPOINTMENT,
            appointment.id,
            two_sided=False,
            appointments=[appointment],
            calls=calls,
            until=row_ends_at(appointment),
            needs=(RowOf("appointment", appointment.id), *(RowOf("call", call.id) for call in calls)),
            booking_uid=link.uid if link else appointment.row.booking,
            appointment_id=appointment.id,
            call_id=calls[0].id if calls else None,
            local=local_side(appointment),
            calcom=calcom_side(link) if link else Side(),
            differences=(Difference(field="call", local=None, calcom=None),),
            starts_at=appointment.row.start,
        )


def _calls(cause: Cause, appointment: Appointment) -> list[Call]:
    if appointment.link is None:
        return []
    return [
        call for call in cause.calls_naming(appointment.link.chain) if call.row.made is True and not call.appointments
    ]
