"""missed_reschedule: an active appointment still names an old uid of a chain whose newest link is accepted."""

from collections.abc import Iterator

from streams.facts.cause import Cause
from streams.model.judgement import Judgement
from streams.model.records import Difference
from streams.model.rule import Rule, SubjectKind
from streams.rules.scope import source_in_scope
from streams.rules.violation import (
    LookupOf,
    ReadOf,
    RowOf,
    Violation,
    calcom_side,
    ends_at,
    latest,
    local_side,
    row_ends_at,
    violation,
)


def judge(cause: Cause, judgement: Judgement) -> Iterator[Violation]:
    """Silent where another active row names the newest link: then the old row is a status_drift."""
    for appointment in cause.appointments:
        link = appointment.link
        if link is None or link.is_newest or not appointment.active or not source_in_scope(appointment, judgement):
            continue
        newest = link.chain.newest
        if newest.state is None or newest.state.status != "accepted":
            continue
        if any(other.active for other in cause.appointments_of(newest)):
            continue
        chain = link.chain
        yield violation(
            Rule.MISSED_RESCHEDULE,
            SubjectKind.APPOINTMENT,
            appointment.id,
            two_sided=True,
            links=chain.links,
            appointments=[appointment],
            until=latest(row_ends_at(appointment), ends_at(newest)),
            needs=(
                ReadOf(newest.uid),
                RowOf("appointment", appointment.id),
                LookupOf(tuple(each.uid for each in chain.links), chain.refs),
            ),
            booking_uid=newest.uid,
            appointment_id=appointment.id,
            call_id=appointment.row.call,
            local=local_side(appointment),
            calcom=calcom_side(newest),
            differences=(Difference(field="booking", local=appointment.row.booking, calcom=newest.uid),),
            starts_at=newest.state.start,
        )
