"""duplicate_booking: two accepted bookings of one host for one start (facts/calcom.md §6.16: races at Cal.com)."""

from collections.abc import Iterator
from itertools import combinations

from streams.facts.cause import Cause, Link
from streams.model.judgement import Judgement
from streams.model.records import Difference, Evidence
from streams.model.rule import Rule, SubjectKind
from streams.rules.scope import event_type_in_scope
from streams.rules.violation import ReadOf, Violation, calcom_side, ends_at, violation


def judge(cause: Cause, judgement: Judgement) -> Iterator[Violation]:
    """Said of each booking that was made later than another one; of links of one chain only the newest counts."""
    newest = [chain.newest for chain in cause.chains if _countable(chain.newest, judgement)]
    told = set[str]()
    for earlier, later in combinations(sorted(newest, key=_made), 2):
        if later.uid in told or not _same_seat(earlier, later):
            continue
        told.add(later.uid)
        yield violation(
            Rule.DUPLICATE_BOOKING,
            SubjectKind.BOOKING,
            later.uid,
            two_sided=True,
            links=(earlier, later),
            certain=bool(earlier.facts.reads and later.facts.reads),
            until=ends_at(later),
            needs=(ReadOf(earlier.uid), ReadOf(later.uid)),
            booking_uid=later.uid,
            calcom=calcom_side(later),
            differences=(Difference(field="booking", local=None, calcom=earlier.uid),),
            starts_at=later.state and later.state.start,
            extra=(Evidence(source="calcom_api", what=f"the same host and start as {earlier.uid}"),),
        )


def _countable(link: Link, judgement: Judgement) -> bool:
    accepted = link.state is not None and link.state.status == "accepted"
    return accepted and not link.seated and bool(link.hosts) and event_type_in_scope(link, judgement)


def _same_seat(a: Link, b: Link) -> bool:
    """One host, one start; occurrences of one series are meant to stand together."""
    assert a.state is not None, "only accepted bookings are compared"
    assert b.state is not None, "only accepted bookings are compared"
    if a.series is not None and a.series == b.series:
        return False
    return a.state.start == b.state.start and not a.hosts.isdisjoint(b.hosts)


def _made(link: Link) -> tuple[int, int, str]:
    """By createdAt, then by the numeric id, which grows."""
    made = max((read.made_at for read in link.facts.reads), default=0)
    return (made, max((int(each) for each in link.numeric_ids), default=0), link.uid)
