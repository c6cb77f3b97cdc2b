"""The picture of one cause, put together from facts for judging.

`fresh` asks for a second picture in which the named bookings are shown by their reads begun at or after an instant
only: what one round of questions proves.
"""

import msgspec

from streams.facts.booking import changed_at, state_of
from streams.facts.cause import Appointment, Call, Cause, Chain, Link
from streams.facts.index import FactIndex, Key
from streams.facts.row import newest_fact_is_older, partings, row_state
from streams.model.facts import AppointmentRow, BookingFacts, CallRow, Lookup, RowFacts

_NOTHING = BookingFacts()
#: A row that names a series means the booking of it that starts within this time, ms.
SAME_START_MS = 60_000


class Fresh(msgspec.Struct, frozen=True):
    """Show these bookings by reads begun at or after `since` only."""

    since: int
    uids: frozenset[str]


def build_cause(index: FactIndex, keys: list[Key], fresh: Fresh | None = None) -> Cause:
    """The picture of one cause from its keys (`FactIndex.cause`)."""
    tenant = keys[0].tenant
    left = _partings(index, keys)
    links = _links(index, tenant, keys, left, fresh)
    chains = _chains(index, tenant, links)
    appointments = [a for key in keys if key.kind == "a" for a in _appointment(index, key, links)]
    calls = [c for key in keys if key.kind == "c" for c in _call(index, key, links, appointments, left)]
    appointments.sort(key=lambda a: (len(a.id), a.id))
    return Cause(tenant, chains, appointments, calls)


def _partings(index: FactIndex, keys: list[Key]) -> dict[Key, int]:
    """When a row last left each booking and call."""
    left: dict[Key, int] = {}
    for key in keys:
        facts = index.rows.get(key) if key.kind == "a" else None
        if facts is None or len(facts.versions) + len(facts.reads) < 2:
            continue
        for booking, call, at in partings(facts):
            if booking:
                uid = Key("b", key.tenant, index.uid(key.tenant, booking))
                left[uid] = max(at, left.get(uid, 0))
            if call:
                named = Key("c", key.tenant, call)
                left[named] = max(at, left.get(named, 0))
    return left


def _links(
    index: FactIndex, tenant: str, keys: list[Key], left: dict[Key, int], fresh: Fresh | None
) -> dict[str, Link]:
    links = {}
    for key in keys:
        if key.kind != "b" or index.uid(tenant, key.id) != key.id:
            continue
        facts = index.bookings.get(key, _NOTHING)
        superseded = bool(index.successors.get(key))
        since = fresh.since if fresh is not None and key.id in fresh.uids else 0
        links[key.id] = Link(
            uid=key.id,
            facts=facts,
            state=state_of(facts, superseded=superseded, since=since),
            changed_at=max(changed_at(facts, implied_at=_implied_at(index, key, facts)), left.get(key, 0)),
            superseded=superseded,
        )
    return links


def _implied_at(index: FactIndex, key: Key, facts: BookingFacts) -> int | None:
    """Since when, by the broker's clock, a successor is known: from its webhook or from a read of either."""
    if not index.successors.get(key):
        return None
    known = [read.answered for read in facts.reads if read.successor]
    for uid in index.successors[key]:
        following = index.bookings.get(Key("b", key.tenant, uid), _NOTHING)
        known += [told.arrived for told in following.told if told.predecessor == key.id]
        known += [read.answered for read in following.reads if read.predecessor == key.id]
    return min(known, default=None)


def _chains(index: FactIndex, tenant: str, links: dict[str, Link]) -> list[Chain]:
    chains, seen = [], set[str]()
    for uid in sorted(links):
        if uid in seen:
            continue
        members = _connected(index, tenant, uid, links)
        seen |= members
        chain = Chain(sorted((links[m] for m in members), key=lambda link: _age(index, tenant, link, links)))
        for link in chain.links:
            link.chain = chain
        chains.append(chain)
    return chains


def _connected(index: FactIndex, tenant: str, uid: str, links: dict[str, Link]) -> set[str]:
    members, todo = {uid}, [uid]
    while todo:
        key = Key("b", tenant, todo.pop())
        for other in (*index.successors.get(key, ()), *index.predecessors.get(key, ())):
            if other in links and other not in members:
                members.add(other)
                todo.append(other)
    return members


def _age(index: FactIndex, tenant: str, link: Link, links: dict[str, Link]) -> tuple[int, int, str]:
    """Depth in the chain first (a link comes after all its predecessors), then the numeric id, then the uid."""
    depth, level, seen = 0, {link.uid}, {link.uid}
    while level:
        level = {
            p
            for uid in level
            for p in index.predecessors.get(Key("b", tenant, uid), ())
            if p in links and p not in seen
        }
        seen |= level
        depth += bool(level)
    numeric = max((int(n) for n in link.numeric_ids), default=0)
    return (depth, numeric, link.uid)


def _appointment(index: FactIndex, key: Key, links: dict[str, Link]) -> list[Appointment]:
    facts = index.rows.get(key)
    state = row_state(facts) if facts is not None else None
    if facts is None or state is None or not isinstance(state.row, AppointmentRow):
        return []
    row = state.row
    link = links.get(index.uid(key.tenant, row.booking)) if row.booking else None
    if link is not None and link.state is None:
        link = _of_series(row, links) or link
    if link is not None and _excluded(key.id, facts, link.facts.lookup):
        link = None
    return [Appointment(key.id, facts, state, row, link)]


def _of_series(row: AppointmentRow, links: dict[str, Link]) -> Link | None:
    """The booking that a row means by naming its series: the one that starts with it (facts/calcom.md §4)."""
    if row.start is None:
        return None
    for link in links.values():
        start = link.state.start if link.state is not None else None
        if link.series == row.booking and start is not None and abs(start - row.start) <= SAME_START_MS:
            return link
    return None


def _excluded(row_id: str, facts: RowFacts, lookup: Lookup | None) -> bool:
    """A newer SELECT by this reference did not show the row: it is not attached to it."""
    return lookup is not None and row_id not in lookup.rows and newest_fact_is_older(facts, lookup)


def _call(
    index: FactIndex, key: Key, links: dict[str, Link], appointments: list[Appointment], left: dict[Key, int]
) -> list[Call]:
    facts = index.rows.get(key)
    state = row_state(facts) if facts is not None else None
    if facts is None or state is None or not isinstance(state.row, CallRow):
        return []
    row = state.row
    link = links.get(index.uid(key.tenant, row.booking)) if row.booking else None
    attached = [a for a in appointments if a.row.call == key.id and not _excluded(a.id, a.facts, facts.lookup)]
    return [Call(key.id, facts, state, row, link, max(state.changed_at, left.get(key, 0)), attached)]
