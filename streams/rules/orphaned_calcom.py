"""orphaned_calcom: a live booking in scope has no appointment, and no active one names another link of its chain."""

from collections.abc import Iterator

from streams.facts.cause import Cause
from streams.model.judgement import Judgement
from streams.model.records import Difference
from streams.model.rule import Rule, SubjectKind
from streams.rules.unheld import needs_of, unheld_chains
from streams.rules.violation import Violation, calcom_side, ends_at, violation


def judge(cause: Cause, judgement: Judgement) -> Iterator[Violation]:
    """Judged by the chain's newest link; the subject is its oldest, so that a reschedule makes no second alert."""
    for chain in unheld_chains(cause, judgement):
        newest = chain.newest
        calls = cause.calls_naming(chain)
        yield violation(
            Rule.ORPHANED_CALCOM,
            SubjectKind.BOOKING,
            chain.oldest.uid,
            two_sided=True,
            links=chain.links,
            until=ends_at(newest),
            needs=needs_of(chain),
            booking_uid=newest.uid,
            call_id=calls[0].id if calls else None,
            calcom=calcom_side(newest),
            differences=(Difference(field="appointment", local=None, calcom=newest.uid),),
            starts_at=newest.state and newest.state.start,
        )
