"""tenant_mismatch: the booking of one tenant's account is held by another tenant's appointment.

Learnt by the SELECT of a proving round, which looks across tenants. Said in the booking's tenant; whose row it is
stands in restricted evidence alone.
"""

from collections.abc import Iterator

from streams.facts.cause import Cause, Chain
from streams.model.judgement import Judgement
from streams.model.records import Difference, Evidence
from streams.model.rule import Rule, SubjectKind
from streams.rules.unheld import needs_of, unheld_chains
from streams.rules.violation import Violation, calcom_side, ends_at, violation


def judge(cause: Cause, judgement: Judgement) -> Iterator[Violation]:
    for chain in unheld_chains(cause, judgement):
        holders = _holders(chain)
        if not holders:
            continue
        newest = chain.newest
        yield violation(
            Rule.TENANT_MISMATCH,
            SubjectKind.BOOKING,
            chain.oldest.uid,
            two_sided=True,
            links=chain.links,
            until=ends_at(newest),
            needs=needs_of(chain),
            booking_uid=newest.uid,
            calcom=calcom_side(newest),
            differences=(Difference(field="tenant", local=None, calcom=cause.tenant),),
            starts_at=newest.state and newest.state.start,
            extra=tuple(_evidence(holder) for holder in holders),
        )


def _holders(chain: Chain) -> tuple[str, ...]:
    """Active rows of other tenants that name a link, by the newest SELECT of each."""
    found = {holder for link in chain.links if link.facts.lookup for holder in link.facts.lookup.foreign}
    return tuple(sorted(found))


def _evidence(holder: str) -> Evidence:
    tenant, _, row = holder.partition("|")
    return Evidence(source="database", what=f"held by appointment {row} of tenant {tenant}", restricted=True)
