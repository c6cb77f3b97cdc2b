"""end_time_drift: both sides live, their starts agree, their ends differ by more than the tolerance."""

from collections.abc import Iterator

from streams.facts.cause import Cause
from streams.model.ids import iso
from streams.model.judgement import Judgement
from streams.model.records import Difference
from streams.model.rule import Rule, SubjectKind
from streams.rules.pairs import drift, live_pairs
from streams.rules.violation import Violation


def judge(cause: Cause, judgement: Judgement) -> Iterator[Violation]:
    """Silent where the start differs too: one cause, one alert."""
    for appointment, link, state in live_pairs(cause, judgement):
        start, end = appointment.row.start, appointment.row.end
        if start is None or state.start is None or abs(start - state.start) > judgement.tolerance_ms:
            continue
        if end is None or state.end is None or abs(end - state.end) <= judgement.tolerance_ms:
            continue
        difference = Difference(field="end", local=iso(end), calcom=iso(state.end))
        yield drift(Rule.END_TIME_DRIFT, SubjectKind.APPOINTMENT, appointment, link, difference)
