"""start_time_drift: both sides live, their starts differ by more than the tolerance."""

from collections.abc import Iterator

from streams.facts.cause import Cause
from streams.model.ids import iso
from streams.model.judgement import Judgement
from streams.model.records import Difference
from streams.model.rule import Rule, SubjectKind
from streams.rules.pairs import drift, live_pairs
from streams.rules.violation import Violation


def judge(cause: Cause, judgement: Judgement) -> Iterator[Violation]:
    """Instants are compared, never their texts (facts/calcom.md §1.4)."""
    for appointment, link, state in live_pairs(cause, judgement):
        start = appointment.row.start
        if start is None or state.start is None or abs(start - state.start) <= judgement.tolerance_ms:
            continue
        difference = Difference(field="start", local=iso(start), calcom=iso(state.start))
        yield drift(Rule.START_TIME_DRIFT, SubjectKind.APPOINTMENT, appointment, link, difference)
