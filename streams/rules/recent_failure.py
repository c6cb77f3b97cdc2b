"""recent_failure: a call says that making its appointment failed, within the last 24 hours (S4 §2)."""

from collections.abc import Iterator

from streams.facts.cause import Cause
from streams.model.judgement import Judgement
from streams.model.rule import Rule
from streams.rules.flags import flag
from streams.rules.violation import Violation

#: What the phone agent writes where the appointment could not be made.
FAILED = "creation_failed"
#: A failure is recent for so long after the call, ms.
RECENT_MS = 24 * 3_600_000


def judge(cause: Cause, _judgement: Judgement) -> Iterator[Violation]:
    """The application's own word: nothing is read to prove it, and a day later nobody can mend it by a call back."""
    for call in cause.calls:
        said = {"session_outcome": call.row.outcome, "appointment_link_status": call.row.link_status}
        columns = [column for column, word in said.items() if word == FAILED]
        if columns:
            made_at = call.row.created_at or call.state.source_at
            yield flag(Rule.RECENT_FAILURE, call, *columns, until=made_at + RECENT_MS, needs=())
