"""Appointment and booking as a pair: what the drift rules share."""

from collections.abc import Iterator

from streams.facts.booking import BookingState
from streams.facts.cause import Appointment, Cause, Link
from streams.model.judgement import Judgement
from streams.model.records import Difference
from streams.model.rule import Rule, SubjectKind
from streams.rules.scope import source_in_scope
from streams.rules.violation import (
    AbsenceOf,
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


def live_pairs(cause: Cause, judgement: Judgement) -> Iterator[tuple[Appointment, Link, BookingState]]:
    """Active appointments in scope with the live, newest link that they name."""
    for appointment in cause.appointments:
        link = appointment.link
        if link is None or link.state is None or not link.is_newest:
            continue
        if appointment.active and link.live and source_in_scope(appointment, judgement):
            yield appointment, link, link.state


def drift(
    rule: Rule,
    kind: SubjectKind,
    appointment: Appointment,
    link: Link,
    *differences: Difference,
    also: tuple[Link, ...] = (),
    absent: Link | None = None,
    beside: tuple[Appointment, ...] = (),
) -> Violation:
    """A difference between an appointment and a link.

    `also` names further links that decide, `beside` further rows. `absent` is a newest link that must answer 404,
    twice, for `link` to count.
    """
    links = (link, *also)
    absences = () if absent is None else (absent,)
    return violation(
        rule,
        kind,
        appointment.id,
        two_sided=True,
        certain=all(each.state is not None for each in absences),
        links=(*links, *absences),
        appointments=[appointment, *beside],
        until=latest(row_ends_at(appointment), ends_at(link)),
        needs=(
            *(ReadOf(each.uid) for each in links),
            *(AbsenceOf(each.uid) for each in absences),
            *(RowOf("appointment", each.id) for each in (appointment, *beside)),
        ),
        booking_uid=link.uid,
        appointment_id=appointment.id,
        call_id=appointment.row.call,
        local=local_side(appointment),
        calcom=calcom_side(link),
        differences=differences,
        starts_at=appointment.row.start,
    )
