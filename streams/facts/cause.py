"""One cause, put together for judging: reschedule chains with their appointments and calls.

Everything here is a view of facts: no clock, nothing kept. `fresh` asks for a second view in which the named bookings
are shown by their reads begun at or after an instant only: what one round of questions proves.
"""

import msgspec

from streams.facts.booking import BookingState, changed_at, newest_told, state_of, unpaid
from streams.facts.index import FactIndex, Key
from streams.facts.row import RowState, newest_fact_is_older, partings, row_state
from streams.model.facts import AppointmentRow, BookingFacts, CallRow, Lookup, RowFacts, Told
from streams.model.ids import is_numeric

_NOTHING = BookingFacts()


class Link(msgspec.Struct, gc=True):
    """One booking as a link of its chain."""

    uid: str
    facts: BookingFacts
    state: BookingState | None
    changed_at: int
    superseded: bool
    chain: "Chain" = None  # type: ignore[assignment]  # set when the chain is put together

    @property
    def told(self) -> Told | None:
        return newest_told(self.facts)

    @property
    def is_newest(self) -> bool:
        return self.chain.newest is self

    @property
    def numeric_ids(self) -> set[str]:
        ids = {told.numeric_id for told in self.facts.told} | {read.numeric_id for read in self.facts.reads}
        if is_numeric(self.uid):
            ids.add(self.uid)
        return {numeric_id for numeric_id in ids if numeric_id}

    @property
    def event_type(self) -> str | None:
        types = [read.event_type for read in self.facts.reads] + [told.event_type for told in self.facts.told]
        return next((event_type for event_type in types if event_type is not None), None)

    @property
    def payable(self) -> bool:
        """Payment was initiated and not yet made: pending is then not live."""
        return unpaid(self.facts) and (self.state is None or self.state.status != "accepted")

    @property
    def live(self) -> bool:
        return self.state is not None and self.state.live and not self.payable


class Chain(msgspec.Struct):
    """Links of one reschedule chain, oldest first."""

    links: list[Link]

    @property
    def newest(self) -> Link:
        return self.links[-1]

    @property
    def oldest(self) -> Link:
        return self.links[0]

    @property
    def refs(self) -> tuple[str, ...]:
        """Every text by which a row may name this chain."""
        return tuple(sorted({link.uid for link in self.links}.union(*(link.numeric_ids for link in self.links))))


class Appointment(msgspec.Struct):
    """One appointment row with the link it names."""

    id: str
    facts: RowFacts
    state: RowState
    row: AppointmentRow
    link: Link | None

    @property
    def changed_at(self) -> int:
        return self.state.changed_at

    @property
    def active(self) -> bool:
        """By status; that its end lies ahead is said by a violation's `until`."""
        return self.row.status in ACTIVE_WORDS


class Call(msgspec.Struct):
    """One call row with the link it names and the appointments that name it."""

    id: str
    facts: RowFacts
    state: RowState
    row: CallRow
    link: Link | None
    changed_at: int
    appointments: list[Appointment]


class Cause(msgspec.Struct):
    """Everything that hangs together, as one picture."""

    tenant: str
    chains: list[Chain]
    appointments: list[Appointment]
    calls: list[Call]

    def appointments_of(self, *links: Link) -> list[Appointment]:
        """Rows, not deleted, that name one of these links."""
        wanted = {link.uid for link in links}
        return [a for a in self.appointments if a.link is not None and a.link.uid in wanted]

    def calls_naming(self, chain: Chain) -> list[Call]:
        return [call for call in self.calls if call.link is not None and call.link.chain is chain]


ACTIVE_WORDS = frozenset({"scheduled", "confirmed", "pending"})


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
            changed_at=max(changed_at(facts, implied=superseded), left.get(key, 0)),
            superseded=superseded,
        )
    return links


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
    if link is not None and _excluded(key.id, facts, link.facts.lookup):
        link = None
    return [Appointment(key.id, facts, state, row, link)]


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
