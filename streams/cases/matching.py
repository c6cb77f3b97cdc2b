"""What never has a partner: event types without one appointment, sources of rows without one booking (design §4).

A private calendar, or walk-ins: after complete coverage such a group is taken out of scope, told once, and counted
instead of alerted. Never where an alert is open, a call names one of its bookings, or the group is configured; and the
first partner brings it back.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from streams.cases.book import CaseBook
from streams.cases.case import Phase
from streams.facts.booking import state_of
from streams.facts.cause import Cause, event_type_of
from streams.facts.index import FactIndex, Key, decode_key
from streams.facts.row import row_state
from streams.model.facts import AppointmentRow, Fact
from streams.model.judgement import Judgement
from streams.model.observation import PassSeen
from streams.model.source_records import MatchedShare

#: So many of a group, and not one with a partner.
GROUP_MIN = 10
#: Covered: complete passes of both sides that reach back so far, ms.
COVERED_BACK_MS = 30 * 86_400_000
RECOUNT_MS = 600_000
KIND = "o"


class OutOfScope(Fact, frozen=True):
    """One tenant's groups without partners; kept in the changelog."""

    event_types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


class Group(msgspec.Struct):
    """One event type's bookings, or one source's appointments, as counted. `kept_in`: it must stay in scope."""

    total: int = 0
    matched: int = 0
    kept_in: bool = False


Groups = defaultdict[tuple[str, str, str], Group]  # (tenant, kind of group, its id)

_decoder = msgspec.msgpack.Decoder(OutOfScope)


class Matching:
    """Shares of matched bookings and rows by tenant, and what follows for the scope."""

    def __init__(self, index: FactIndex, book: CaseBook) -> None:
        self._index = index
        self._book = book
        self._out: dict[str, OutOfScope] = {}
        self._shares: dict[str, tuple[MatchedShare, ...]] = {}
        self._covered: set[tuple[str, str]] = set()
        self._changed: set[str] = set()
        self._recount_at = 0

    def passed(self, one: PassSeen) -> None:
        """A complete pass: with both sides covered the evidence counts."""
        if one.begun - one.starts_from >= COVERED_BACK_MS:
            self._covered.add((one.side, one.tenant))
            self._recount_at = 0

    def narrow(self, judgement: Judgement) -> Judgement:
        """The bounds of judging with what is out of scope for each tenant."""
        tenants = dict(judgement.tenants)
        for tenant, out in self._out.items():
            tenants[tenant] = msgspec.structs.replace(
                judgement.of(tenant),
                unmatched_event_types=frozenset(out.event_types),
                unmatched_sources=frozenset(out.sources),
            )
        return msgspec.structs.replace(judgement, tenants=tenants)

    def judged(self, cause: Cause) -> bool:
        """Whether a group that was out has its first partner: it is in again."""
        out = self._out.get(cause.tenant)
        if out is None:
            return False
        met = [(a.link.event_type, a.row.source) for a in cause.appointments if a.link is not None]
        types = {event_type for event_type, _ in met} & set(out.event_types)
        sources = {source for _, source in met} & set(out.sources)
        if not types and not sources:
            return False
        self._put(cause.tenant, set(out.event_types) - types, set(out.sources) - sources)
        return True

    def recount(self, now: int) -> list[str]:
        """Every 10 min, and after a pass: count anew. The tenants whose scope changed by it."""
        if now < self._recount_at:
            return []
        self._recount_at = now + RECOUNT_MS
        groups: Groups = defaultdict(Group)
        self._count_bookings(groups)
        self._count_rows(groups)
        shares = defaultdict(list)
        for (tenant, kind, group_id), group in sorted(groups.items()):
            shares[tenant].append(self._share(tenant, kind, group_id, group))
        self._shares = {tenant: tuple(found) for tenant, found in shares.items()}
        return [tenant for tenant in sorted(shares) if self._settle(tenant)]

    def note(self, tenant: str) -> str:
        """What is out of scope for a tenant, as a line for the log."""
        out = self._out[tenant]
        return f"tenant {tenant}: never matched, so out of scope: event types {out.event_types}, sources {out.sources}"

    def shares_of(self, tenant: str) -> tuple[MatchedShare, ...]:
        """As last counted."""
        return self._shares.get(tenant, ())

    def members(self, tenant: str) -> Iterator[Key]:
        """Everything of the tenant, to be judged again when its scope changes."""
        for entities in (self._index.bookings, self._index.rows):
            yield from (key for key in entities if key.tenant == tenant)

    def load(self, key: bytes, body: bytes) -> None:
        """One changelog record."""
        self._out[decode_key(key).tenant] = _decoder.decode(body)

    def take_writes(self) -> list[tuple[bytes, Fact]]:
        """What changed since the last call, for the changelog."""
        changed, self._changed = self._changed, set()
        return [(Key(KIND, tenant, "-").encode(), self._out[tenant]) for tenant in sorted(changed)]

    def _count_bookings(self, groups: Groups) -> None:
        for key, facts in self._index.bookings.items():
            event_type = event_type_of(facts)
            if event_type is None or state_of(facts) is None:
                continue
            group = groups[key.tenant, "event_type", event_type]
            group.total += 1
            partners = {other.kind for other in self._index.linked(key)}
            group.matched += "a" in partners
            group.kept_in |= "c" in partners or self._alerted(key)

    def _count_rows(self, groups: Groups) -> None:
        for key, facts in self._index.rows.items():
            state = row_state(facts) if key.kind == "a" else None
            row = state.row if state is not None else None
            if not isinstance(row, AppointmentRow) or not row.source:
                continue
            group = groups[key.tenant, "source", row.source]
            group.total += 1
            group.matched += row.booking is not None
            group.kept_in |= self._alerted(key)

    def _alerted(self, key: Key) -> bool:
        return any(case.phase is Phase.CONFIRMED for case in self._book.about([key]))

    def _share(self, tenant: str, kind: str, group_id: str, group: Group) -> MatchedShare:
        covered = {("calcom", tenant), ("database", tenant)} <= self._covered
        held = self._out.get(tenant, OutOfScope())
        was_out = group_id in (held.event_types if kind == "event_type" else held.sources)
        alone = group.total >= GROUP_MIN and not group.matched and not group.kept_in
        return MatchedShare(
            kind="event_type" if kind == "event_type" else "source",
            id=group_id,
            total=group.total,
            matched=group.matched,
            out=alone and (covered or was_out),
        )

    def _settle(self, tenant: str) -> bool:
        shares = [share for share in self._shares[tenant] if share.out]
        types = {share.id for share in shares if share.kind == "event_type"}
        sources = {share.id for share in shares if share.kind == "source"}
        held = self._out.get(tenant, OutOfScope())
        if (types, sources) == (set(held.event_types), set(held.sources)):
            return False
        self._put(tenant, types, sources)
        return True

    def _put(self, tenant: str, event_types: Iterable[str], sources: Iterable[str]) -> None:
        self._out[tenant] = OutOfScope(tuple(sorted(event_types)), tuple(sorted(sources)))
        self._changed.add(tenant)
