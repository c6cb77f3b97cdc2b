"""orphaned_local: an active appointment in scope names a booking for which Cal.com answers 404."""

from collections.abc import Iterator

from streams.facts.cause import Cause
from streams.model.judgement import Judgement
from streams.model.records import Difference
from streams.model.rule import Rule, SubjectKind
from streams.rules.scope import source_in_scope
from streams.rules.violation import (
    AbsenceOf,
    RowOf,
    Violation,
    calcom_side,
    local_side,
    row_ends_at,
    violation,
)


def judge(cause: Cause, judgement: Judgement) -> Iterator[Violation]:
    """A booking that nobody has read is a suspicion only; a link with a successor was there once."""
    for appointment in cause.appointments:
        link = appointment.link
        if link is None or not appointment.active or not source_in_scope(appointment, judgement):
            continue
        if link.superseded or (link.state is not None and not link.state.missing):
            continue
        row = appointment.row
        yield violation(
            Rule.ORPHANED_LOCAL,
            SubjectKind.APPOINTMENT,
            appointment.id,
            certain=link.state is not None,
            two_sided=True,
            links=[link],
            appointments=[appointment],
            until=row_ends_at(appointment),
            needs=(AbsenceOf(link.uid, row.start, row.created_at), RowOf("appointment", appointment.id)),
            booking_uid=row.booking,
            appointment_id=appointment.id,
            call_id=row.call,
            local=local_side(appointment),
            calcom=calcom_side(link),
            differences=(Difference(field="booking", local=row.booking, calcom=None),),
            starts_at=row.start,
        )
