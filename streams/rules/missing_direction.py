"""missing_direction: a call without direction (S4 rule 3)."""

from collections.abc import Iterator

from streams.facts.cause import Cause
from streams.model.judgement import Judgement
from streams.model.rule import Rule
from streams.rules.flags import flag
from streams.rules.violation import Violation


def judge(cause: Cause, _judgement: Judgement) -> Iterator[Violation]:
    for call in cause.calls:
        if not call.row.direction:
            yield flag(Rule.MISSING_DIRECTION, call, "direction")
