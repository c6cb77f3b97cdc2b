"""Merging: what one record says becomes facts at once; the causes it touches are judged at the next tick."""

from collections.abc import Sequence

from streams.cases.deadlines import Deadlines
from streams.cases.lag import LagMeter
from streams.durable import DurableState
from streams.facts.booking import join_booking, needs_settling, same_read_state
from streams.facts.index import FactIndex, Key
from streams.facts.row import join_row, row_state
from streams.model.facts import BookingFacts, RowFacts
from streams.model.observation import BookingReadSeen, LookupSeen, Observation, RowChanged, RowReadSeen, WebhookHeard


class Merging:
    """Facts of one partition, and what of them has changed."""

    def __init__(self, index: FactIndex, durable: DurableState, deadlines: Deadlines) -> None:
        self._index = index
        self._durable = durable
        self._deadlines = deadlines
        self._lag: dict[str, LagMeter] = {}

    def merge(self, seen: Observation) -> None:
        """Take one observation about a booking or row; others are none of ours."""
        match seen:
            case RowChanged():
                self._row(_row_key(seen), RowFacts(versions=(seen.version,)))
            case WebhookHeard():
                self._booking(Key("b", seen.tenant, seen.uid), BookingFacts(told=(seen.told,)))
            case BookingReadSeen():
                self._read(seen)
            case RowReadSeen():
                self._row_read(seen)
            case LookupSeen():
                self._lookup(seen)
            case _:
                pass

    def lag_of(self, tenant: str) -> LagMeter:
        """How far behind the tenant's reads run."""
        return self._lag.setdefault(tenant, LagMeter())

    def load(self, key: Key, entry: BookingFacts | RowFacts) -> None:
        """Facts out of the changelog, merged with what is there: an old owner may have written last."""
        if isinstance(entry, BookingFacts):
            self._index.put_booking(key, join_booking(self._index.bookings.get(key), entry))
        else:
            self._index.put_row(key, join_row(self._index.rows.get(key), entry))

    def forget(self, keys: Sequence[Key]) -> None:
        """Drop these entities for good."""
        for key in keys:
            if self._index.drop(key):
                self._durable.erase(key)

    def _row(self, key: Key, facts: RowFacts, *, durable: bool = True) -> None:
        before = self._index.rows.get(key)
        after = join_row(before, facts)
        self._deadlines.now(key)
        if after != before:
            self._index.put_row(key, after)
            if durable:
                self._durable.touch(key)

    def _booking(self, key: Key, facts: BookingFacts, *, durable: bool = True) -> None:
        before = self._index.bookings.get(key)
        after = join_booking(before, facts)
        self._deadlines.now(key)
        if after != before:
            self._index.put_booking(key, after)
            if durable:
                self._durable.touch(key)

    # An answer that changes nothing costs no changelog record; lost at a restart, it is asked again.

    def _read(self, seen: BookingReadSeen) -> None:
        key = Key("b", seen.tenant, seen.uid)
        before = self._index.bookings.get(key)
        news = before is None or not before.reads or not same_read_state(before.reads[-1], seen.read)
        news = news or (before is not None and needs_settling(before) is not None)
        self._booking(key, BookingFacts(reads=(seen.read,)), durable=news)
        self.lag_of(seen.tenant).observe(self._index.bookings[key], seen.read)

    def _row_read(self, seen: RowReadSeen) -> None:
        key = _row_key(seen)
        before = self._index.rows.get(key)
        state = row_state(before) if before is not None else None
        news = state is None or state.row != seen.read.row
        self._row(key, RowFacts(reads=(seen.read,)), durable=news)

    def _lookup(self, seen: LookupSeen) -> None:
        for uid in {self._index.uid(seen.tenant, ref) for ref in seen.uids}:
            self._booking(Key("b", seen.tenant, uid), BookingFacts(lookup=seen.lookup))
        if seen.call is not None:
            self._row(Key("c", seen.tenant, seen.call), RowFacts(lookup=seen.lookup))


def _row_key(seen: RowChanged | RowReadSeen) -> Key:
    return Key("a" if seen.kind == "appointment" else "c", seen.tenant, seen.id)
