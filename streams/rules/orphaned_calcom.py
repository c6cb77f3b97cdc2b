"""orphaned_calcom: a live booking in scope has no appointment, and no active one names another link of its chain."""

from collections.abc import Iterator

from streams.facts.cause import Cause, Chain
from streams.model.judgement import Judgement
from streams.model.records import Difference
from streams.model.rule import Rule, SubjectKind
from streams.rules.scope import event_type_in_scope
from streams.rules.violation import (
    KnownOf,
    LookupOf,
    Need,
    ReadOf,
    Violation,
    calcom_side,
    ends_at,
    violation,
)


def judge(cause: Cause, judgement: Judgement) -> Iterator[Violation]:
    """Judged by the chain's newest link; the subject is its oldest, so that a reschedule makes no second alert."""
    for chain in cause.chains:
        newest = chain.newest
        if not newest.live or not event_type_in_scope(newest, judgement):
            continue
        if cause.appointments_of(newest) or any(a.active for a in cause.appointments_of(*chain.links)):
            continue
        calls = cause.calls_naming(chain)
        yield violation(
            Rule.ORPHANED_CALCOM,
            SubjectKind.BOOKING,
            chain.oldest.uid,
            two_sided=True,
            links=chain.links,
            until=ends_at(newest),
            needs=_needs(chain),
            booking_uid=newest.uid,
            call_id=calls[0].id if calls else None,
            calcom=calcom_side(newest),
            differences=(Difference(field="appointment", local=None, calcom=newest.uid),),
            starts_at=newest.state and newest.state.start,
        )


def _needs(chain: Chain) -> tuple[Need, ...]:
    """Each predecessor is read back to the root before the SELECT asks for all their names."""
    uids = tuple(link.uid for link in chain.links)
    return (
        ReadOf(chain.newest.uid),
        *(KnownOf(link.uid) for link in chain.links[:-1]),
        LookupOf(uids, chain.refs),
    )
