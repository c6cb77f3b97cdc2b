"""never_synced: an active appointment to come, of a source in scope, has no booking."""

from collections.abc import Iterator

from streams.facts.cause import Appointment, Cause
from streams.model.judgement import Judgement
from streams.model.records import Difference
from streams.model.rule import Rule, SubjectKind
from streams.rules.scope import source_in_scope
from streams.rules.violation import RowOf, Violation, local_side, violation

#: So long before its start it is critical, ms: tomorrow's calendar shows a free hour.
CRITICAL_MS = 24 * 3_600_000


def judge(cause: Cause, judgement: Judgement) -> Iterator[Violation]:
    """Over with its start: from then on no booking can be made for it."""
    for appointment in cause.appointments:
        row = appointment.row
        if row.booking or row.start is None or not appointment.active or not source_in_scope(appointment, judgement):
            continue
        yield violation(
            Rule.NEVER_SYNCED,
            SubjectKind.APPOINTMENT,
            appointment.id,
            two_sided=False,
            appointments=[appointment],
            until=row.start,
            grace_ms=_grace_ms(appointment, row.start, judgement.grace_ms[Rule.NEVER_SYNCED]),
            critical_from=row.start - CRITICAL_MS,
            needs=(RowOf("appointment", appointment.id),),
            appointment_id=appointment.id,
            call_id=row.call,
            local=local_side(appointment),
            differences=(Difference(field="booking", local=None, calcom=None),),
            starts_at=row.start,
        )


def _grace_ms(appointment: Appointment, start: int, longest_ms: int) -> int:
    """At most half the time from its making to its start, so that something can still be done about it."""
    made_at = appointment.row.created_at or appointment.state.source_at
    return min(longest_ms, max(0, (start - made_at) // 2))
