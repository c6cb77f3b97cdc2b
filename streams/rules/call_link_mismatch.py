"""call_link_mismatch: call and appointment name different partners (S4 §4).

Either the appointments of a call name another booking than the call does, or another call's appointment holds the
booking that this call made.
"""

from collections.abc import Iterator

from streams.facts.cause import Appointment, Call, Cause, Link
from streams.model.judgement import Judgement
from streams.model.records import Difference
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
    latest,
    row_ends_at,
    violation,
)


def judge(cause: Cause, _judgement: Judgement) -> Iterator[Violation]:
    for call in cause.calls:
        link = call.link
        if link is None:
            continue
        if call.appointments:
            yield from _other_booking(call, link)
        elif call.row.made is True:
            yield from _other_call(cause, call, link)


def _other_booking(call: Call, link: Link) -> Iterator[Violation]:
    """Of the call's appointments none names a link of the chain that the call names; those without booking are mute."""
    named = [(a, a.link) for a in call.appointments if a.link is not None]
    active = [a for a, _ in named if a.active]
    if not active or any(theirs.chain is link.chain for _, theirs in named):
        return
    made_at = call.row.created_at
    unread = {each.uid: AbsenceOf(each.uid, made_at, made_at) for each in _unread(link)}
    for appointment, theirs in named:
        row = appointment.row
        unread |= {each.uid: AbsenceOf(each.uid, row.start, row.created_at) for each in _unread(theirs)}
    needs: tuple[Need, ...] = (*(RowOf("appointment", a.id) for a, _ in named), *unread.values())
    certain = all(each.state is not None for each in (link, *(theirs for _, theirs in named)))
    difference = Difference(field="booking", local=active[0].row.booking, calcom=link.uid)
    yield _mismatch(call, link, active, difference, needs, certain=certain)


def _unread(link: Link) -> list[Link]:
    """Links of its chain that no read has shown: each may turn out to be an alias, or to have a predecessor."""
    return [each for each in link.chain.links if not any(read.found for read in each.facts.reads)]


def _other_call(cause: Cause, call: Call, link: Link) -> Iterator[Violation]:
    """The call made an appointment, and the one that holds its booking is another call's."""
    holders = [a for a in cause.appointments_of(*link.chain.links) if a.row.call != call.id]
    if not holders or any(not a.row.call for a in holders):
        return  # missing_appointment, or missing_call_link
    difference = Difference(field="call", local=holders[0].row.call, calcom=None)
    chain = link.chain
    yield _mismatch(call, link, holders, difference, (LookupOf(tuple(each.uid for each in chain.links), chain.refs),))


def _mismatch(
    call: Call,
    link: Link,
    appointments: list[Appointment],
    difference: Difference,
    needs: tuple[Need, ...],
    *,
    certain: bool = True,
) -> Violation:
    return violation(
        Rule.CALL_LINK_MISMATCH,
        SubjectKind.CALL,
        call.id,
        certain=certain,
        two_sided=False,
        appointments=appointments,
        calls=[call],
        until=latest(*(row_ends_at(a) for a in appointments)),
        needs=(RowOf("call", call.id), CallLookupOf(call.id), *needs),
        call_id=call.id,
        appointment_id=appointments[0].id,
        booking_uid=link.uid,
        local=call_side(call, "appointment_made"),
        calcom=calcom_side(link.chain.newest),
        differences=(difference,),
        starts_at=appointments[0].row.start,
    )
