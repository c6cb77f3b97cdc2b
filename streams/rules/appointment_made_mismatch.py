"""appointment_made_mismatch: the call's flag says made, its outcome is set and says something else (S4 §4)."""

from collections.abc import Iterator

from streams.facts.cause import Cause
from streams.model.judgement import Judgement
from streams.model.rule import Rule
from streams.rules.flags import BOOKED, flag
from streams.rules.violation import Violation


def judge(cause: Cause, _judgement: Judgement) -> Iterator[Violation]:
    for call in cause.calls:
        if call.row.made is True and call.row.outcome and call.row.outcome != BOOKED:
            yield flag(Rule.APPOINTMENT_MADE_MISMATCH, call, "appointment_made", "session_outcome")
