"""sync_failed: the sync of an appointment gave up, by its own word or by the number of its attempts."""

from collections.abc import Iterator

from streams.facts.cause import Cause
from streams.model.judgement import Judgement
from streams.model.rule import Rule
from streams.rules.sync_words import FAILED, SYNCED, unhappened, unsynced
from streams.rules.violation import Violation

#: So many attempts without success are a failure, whatever the status says.
ATTEMPTS_MAX = 3


def judge(cause: Cause, _judgement: Judgement) -> Iterator[Violation]:
    """A cancelled row counts too: its booking still blocks the hour. The word is the application's: nothing is read."""
    for appointment in unhappened(cause):
        row = appointment.row
        exhausted = (row.attempts or 0) >= ATTEMPTS_MAX and row.sync != SYNCED
        if row.sync == FAILED or exhausted:
            yield unsynced(Rule.SYNC_FAILED, appointment, newest=appointment.state.sync_at, needs=())
