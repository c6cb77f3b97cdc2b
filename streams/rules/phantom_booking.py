"""phantom_booking: the call's outcome says booked, its flag says that no appointment was made (S4 rule 1)."""

from collections.abc import Iterator

from streams.facts.cause import Cause
from streams.model.judgement import Judgement
from streams.model.rule import Rule
from streams.rules.flags import BOOKED, flag
from streams.rules.violation import Violation


def judge(cause: Cause, _judgement: Judgement) -> Iterator[Violation]:
    """A flag that is null gives no judgement."""
    for call in cause.calls:
        if call.row.outcome == BOOKED and call.row.made is False:
            yield flag(Rule.PHANTOM_BOOKING, call, "session_outcome", "appointment_made")
