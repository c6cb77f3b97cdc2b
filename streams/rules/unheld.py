"""Live bookings that no appointment of their tenant holds: what orphaned_calcom and tenant_mismatch share."""

from collections.abc import Iterator

from streams.facts.cause import Cause, Chain
from streams.model.judgement import Judgement
from streams.rules.scope import event_type_in_scope
from streams.rules.violation import KnownOf, LookupOf, Need, ReadOf


def unheld_chains(cause: Cause, judgement: Judgement) -> Iterator[Chain]:
    """Chains in scope whose newest link is live; no row names it, and no active row names an older link."""
    for chain in cause.chains:
        newest = chain.newest
        if not newest.live or not event_type_in_scope(newest, judgement):
            continue
        if not cause.appointments_of(newest) and not any(a.active for a in cause.appointments_of(*chain.links)):
            yield chain


def needs_of(chain: Chain) -> tuple[Need, ...]:
    """Each predecessor is read back to the root before the SELECT asks for all their names."""
    uids = tuple(link.uid for link in chain.links)
    return (
        ReadOf(chain.newest.uid),
        *(KnownOf(link.uid) for link in chain.links[:-1]),
        LookupOf(uids, chain.refs),
    )
