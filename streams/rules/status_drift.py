"""status_drift: the mapped status of appointment and booking differs (the map of S1 and design §5)."""

from collections.abc import Iterator

from streams.facts.booking import BookingState
from streams.facts.cause import Appointment, Cause, Link
from streams.model.judgement import Judgement
from streams.model.records import Difference
from streams.model.rule import Rule, SubjectKind
from streams.rules.pairs import drift
from streams.rules.scope import source_in_scope
from streams.rules.violation import Violation

#: Which row words agree with which booking status. A word in no set gives no judgement.
AGREES: dict[str, frozenset[str]] = {
    "accepted": frozenset({"confirmed", "scheduled"}),
    "pending": frozenset({"pending", "scheduled"}),
    "cancelled": frozenset({"cancelled"}),
    "rejected": frozenset({"cancelled"}),
}
#: Words for what has happened: they agree with an accepted booking once it has started.
OVER = frozenset({"completed", "no_show"})
ROW_WORDS = frozenset().union(*AGREES.values(), OVER)


def judge(cause: Cause, judgement: Judgement) -> Iterator[Violation]:
    for appointment in cause.appointments:
        link = appointment.link
        if link is None or link.state is None or not source_in_scope(appointment, judgement):
            continue
        compared = _compared(cause, appointment, link)
        if compared is None or compared.state is None or compared.payable or _history(cause, appointment, link):
            continue
        if _differs(appointment, compared.state):
            difference = Difference(field="status", local=appointment.row.status, calcom=compared.state.status)
            also = () if compared is link else (link,)
            yield drift(
                Rule.STATUS_DRIFT,
                SubjectKind.APPOINTMENT,
                appointment,
                compared,
                difference,
                also=also,
                absent=_absent(appointment, link),
                beside=_instead(cause, appointment, link) if compared is link else (),
            )


def _compared(cause: Cause, appointment: Appointment, link: Link) -> Link | None:
    """The link to compare with: the named one, or the newest where the chain went on.

    Null: another rule or patience answers (accepted newest: missed_reschedule; pending newest: wait).
    """
    newest = link.chain.newest
    if link is newest or not appointment.active or _absent(appointment, link) is not None:
        return link
    assert newest.state is not None, "an unread newest link is absent until it is read"
    if newest.state.dead:
        return newest
    return link if _instead(cause, appointment, link) else None


def _instead(cause: Cause, appointment: Appointment, link: Link) -> tuple[Appointment, ...]:
    """Active rows that name the newest link, where this one names an older: their coming leaves this one over."""
    newest = link.chain.newest
    if link is newest or not appointment.active:
        return ()
    return tuple(other for other in cause.appointments_of(newest) if other.active and other is not appointment)


def _absent(appointment: Appointment, link: Link) -> Link | None:
    """The newest link, where it answers 404 or was never read: the row is then compared with the link it names."""
    newest = link.chain.newest
    if link is newest or not appointment.active or not (newest.state is None or newest.state.missing):
        return None
    return newest


def _history(cause: Cause, appointment: Appointment, link: Link) -> bool:
    """A closed row whose booking another active row holds tells of the past only."""
    return not appointment.active and any(
        other.active and other is not appointment for other in cause.appointments_of(*link.chain.links)
    )


def _differs(appointment: Appointment, state: BookingState) -> bool:
    agreeing = AGREES.get(state.status)
    word = appointment.row.status
    if agreeing is None or word not in ROW_WORDS:
        return False
    if word in OVER:
        # "Has started" is told by the row itself: these words are written after the start.
        return state.status != "accepted"
    return word not in agreeing
