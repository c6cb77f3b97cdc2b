"""stuck_pending: the sync of an appointment is pending and does not get on."""

from collections.abc import Iterator

from streams.facts.cause import Appointment, Cause
from streams.model.judgement import Judgement
from streams.model.rule import Rule
from streams.rules.sync_words import PENDING, unhappened, unsynced
from streams.rules.violation import RowOf, Violation


def judge(cause: Cause, _judgement: Judgement) -> Iterator[Violation]:
    for appointment in unhappened(cause):
        if appointment.row.sync == PENDING:
            needs = (RowOf("appointment", appointment.id),)
            yield unsynced(Rule.STUCK_PENDING, appointment, newest=_pending_since(appointment), needs=needs)


def _pending_since(appointment: Appointment) -> int:
    """Since the change to pending; where nobody saw it (a snapshot, a first read), since the row was made."""
    state, created_at = appointment.state, appointment.row.created_at
    if state.sync_seen or created_at is None:
        return state.sync_at
    return min(state.sync_at, created_at)
