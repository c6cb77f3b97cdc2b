"""All facts of one partition and the links between them.

Links (design §4a): booking reference → appointments, call → appointments, call → booking, numeric id → uid, uid →
successor; and rows that may be two of one appointment. The links are derived from the facts, kept in memory only and
never removed while the entity lives: a stale link leads to an entity whose facts then say that it is not attached.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from streams.facts.twins import points, reach
from streams.model.facts import ACTIVE_WORDS, AppointmentRow, BookingFacts, Read, Row, RowFacts, Told
from streams.model.ids import is_numeric

#: A cause larger than this is cut off; entities beyond it are judged in their own turn.
CAUSE_ENTITIES_MAX = 256


class Key(NamedTuple):
    """One entity: `kind` is "b" booking, "a" appointment, "c" call."""

    kind: str
    tenant: str
    id: str

    def encode(self) -> bytes:
        return f"{self.kind}|{self.tenant}|{self.id}".encode()


def decode_key(raw: bytes) -> Key:
    kind, tenant, entity = raw.decode().split("|", 2)
    return Key(kind, tenant, entity)


class FactIndex:
    """Facts by key, and who is linked with whom."""

    def __init__(self) -> None:
        self.bookings: dict[Key, BookingFacts] = {}
        self.rows: dict[Key, RowFacts] = {}
        self._links: defaultdict[Key, set[Key]] = defaultdict(set)
        self._uid_of: dict[Key, str] = {}
        #: Whoever came first to a meeting point; who comes later is linked with it.
        self._met: dict[Key, Key] = {}
        #: The same for rows that may be two of one appointment, by tenant and point.
        self._twins: dict[tuple[str, str], Key] = {}
        self._tenants: set[str] = set()
        self._series: defaultdict[Key, set[Key]] = defaultdict(set)
        self.successors: defaultdict[Key, set[str]] = defaultdict(set)
        self.predecessors: defaultdict[Key, set[str]] = defaultdict(set)

    def put_booking(self, key: Key, facts: BookingFacts) -> None:
        """Keep a booking's facts and learn its alias and its neighbours in the chain."""
        self.bookings[key] = facts
        self._tenants.add(key.tenant)
        entries: list[Told | Read] = [*facts.told, *facts.reads]
        for entry in entries:
            if entry.numeric_id:
                self._learn_alias(key, entry.numeric_id)
            if entry.predecessor and entry.predecessor != key.id:
                self._chain(Key("b", key.tenant, entry.predecessor), key)
        for read in facts.reads:
            if read.successor and read.successor != key.id:
                self._chain(key, Key("b", key.tenant, read.successor))
            if read.series and read.series != key.id:
                self._learn_series(Key("b", key.tenant, read.series), key)
        for point in _meeting_points(key, facts):
            self._meet(point, key)

    def _learn_alias(self, key: Key, numeric_id: str) -> None:
        alias = Key("b", key.tenant, numeric_id)
        if alias != key:
            self._uid_of[alias] = key.id
            self._link(alias, key)

    def _learn_series(self, series: Key, key: Key) -> None:
        """A row may name the series instead of the booking; only then its bookings hang together."""
        self._series[series].add(key)
        if series in self._links:
            self._link(series, key)

    def _chain(self, old: Key, new: Key) -> None:
        self.successors[old].add(new.id)
        self.predecessors[new].add(old.id)
        self._link(old, new)

    def _link(self, a: Key, b: Key) -> None:
        self._links[a].add(b)
        self._links[b].add(a)

    def _meet(self, point: Key, key: Key) -> None:
        """Entities that must be judged together though neither names the other."""
        first = self._met.setdefault(point, key)
        if first != key:
            self._link(first, key)

    def put_row(self, key: Key, facts: RowFacts) -> None:
        """Keep a row's facts and learn what it names or ever named."""
        before = self.rows.get(key)
        self.rows[key] = facts
        self._tenants.add(key.tenant)
        rows = [entry.row for entry in facts.versions] + [entry.row for entry in facts.reads]
        for row in rows:
            if row is None:
                continue
            if row.booking:
                booking = Key("b", key.tenant, row.booking)
                self._link(key, booking)
                for each in self._series.get(booking, ()):
                    self._link(booking, each)
            if isinstance(row, AppointmentRow) and row.call:
                self._link(key, Key("c", key.tenant, row.call))
        known = _newest_rows(before)
        for newest in _newest_rows(facts):
            if newest not in known and isinstance(newest, AppointmentRow) and newest.status in ACTIVE_WORDS:
                self._meet_twins(key, newest)

    def _meet_twins(self, key: Key, row: AppointmentRow) -> None:
        """Link an active row with those that may be rows of the same appointment."""
        for point in points(row):
            first = self._twins.setdefault((key.tenant, point), key)
            if first != key:
                self._link(first, key)
        for point in reach(row):
            near = self._twins.get((key.tenant, point))
            if near is not None and near != key:
                self._link(near, key)

    def linked(self, key: Key) -> set[Key]:
        """Who is or was linked with a booking, under any of its names."""
        found = set(self._links.get(key, ()))
        for name in list(found):
            if name.kind == "b" and self._uid_of.get(name) == key.id:
                found |= self._links[name]
        return found

    def drop(self, key: Key) -> bool:
        """Forget an entity and its links; whether anything was held of it."""
        booking, row = self.bookings.pop(key, None), self.rows.pop(key, None)
        held = row is not None or booking is not None
        for point in () if booking is None else _meeting_points(key, booking):
            if self._met.get(point) == key:
                del self._met[point]
        for stand in () if row is None else _stands(key, row):
            if self._twins.get(stand) == key:
                del self._twins[stand]
        for read in () if booking is None else booking.reads:
            if read.series and (members := self._series.get(Key("b", key.tenant, read.series))):
                members.discard(key)
        for other in self._links.pop(key, ()):
            neighbours = self._links.get(other)
            if neighbours is not None:
                neighbours.discard(key)
                if not neighbours:
                    del self._links[other]
        self._uid_of.pop(key, None)
        self.successors.pop(key, None)
        self.predecessors.pop(key, None)
        return held

    def uid(self, tenant: str, ref: str) -> str:
        """The uid that a reference means; a numeric id that is nobody's alias yet stays itself."""
        if is_numeric(ref):
            return self._uid_of.get(Key("b", tenant, ref), ref)
        return ref

    def tenants(self) -> set[str]:
        """Tenants of whom anything is known here, or once was. Asked at every tick, so it is kept, not counted."""
        return self._tenants

    def cause(self, key: Key) -> list[Key]:
        """Every entity that hangs together with this one, this one first: the cause it belongs to."""
        seen = {key}
        found = [key]
        for current in found:
            for other in self._links.get(current, ()):
                if other not in seen and len(found) < CAUSE_ENTITIES_MAX:
                    seen.add(other)
                    found.append(other)
        return found


def _newest_rows(facts: RowFacts | None) -> list[Row | None]:
    """By the newest change event and the newest read: what a row was before makes no twins."""
    if facts is None:
        return []
    return [version.row for version in facts.versions[-1:]] + [read.row for read in facts.reads[-1:]]


def _stands(key: Key, facts: RowFacts) -> Iterator[tuple[str, str]]:
    """Where a row stands, and stood as far as it is remembered."""
    rows = [version.row for version in facts.versions] + [read.row for read in facts.reads]
    for row in rows:
        if isinstance(row, AppointmentRow):
            yield from ((key.tenant, point) for point in points(row))


def _meeting_points(key: Key, facts: BookingFacts) -> Iterator[Key]:
    """Where bookings of one host at one start meet (duplicate_booking)."""
    entries: list[Told | Read] = [*facts.told, *facts.reads]
    for entry in entries:
        for host in entry.hosts:
            yield Key("h", key.tenant, f"{host}|{entry.start}")
