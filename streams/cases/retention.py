"""Forgetting: facts of what is over are kept for a retention time, then dropped with their cases (bounded state)."""

from collections.abc import Iterable, Iterator
from itertools import islice

from streams.cases.case import Case, Phase
from streams.facts.booking import last_heard_at, state_of
from streams.facts.index import FactIndex, Key
from streams.facts.row import row_state
from streams.model.facts import AppointmentRow, BookingFacts, RowFacts

#: Entities looked at in one tick, so that the walk over all of them stalls nobody.
LOOKS_PER_TICK = 100
#: A new walk begins no sooner than this after the one before began, ms; sooner where the retention itself is short.
WALK_MS = 3_600_000


class Forgetting:
    """Walks over all entities, a few a tick, and finds causes of which everything is over."""

    def __init__(self, index: FactIndex) -> None:
        self._index = index
        self._walk: Iterator[Key] = iter(())
        self._next_walk_at = 0

    def over(self, now: int, retention_ms: int) -> Iterator[list[Key]]:
        """Causes whose every entity has been over for the retention time; a few are looked at in each call."""
        for key in self._few(now, retention_ms):
            if self._is_over(key, now - retention_ms):
                keys = self._index.cause(key)
                if all(self._is_over(each, now - retention_ms) for each in keys):
                    yield keys

    def _few(self, now: int, retention_ms: int) -> list[Key]:
        found = list(islice(self._walk, LOOKS_PER_TICK))
        if not found and now >= self._next_walk_at:
            self._walk = iter([*self._index.bookings, *self._index.rows])
            self._next_walk_at = now + min(WALK_MS, retention_ms)
        return found

    def _is_over(self, key: Key, before: int) -> bool:
        if (booking := self._index.bookings.get(key)) is not None:
            return _booking_ended(booking) < before
        if (row := self._index.rows.get(key)) is not None:
            return _row_ended(row) < before
        return True  # a name that nothing is known of


def _booking_ended(facts: BookingFacts) -> int:
    """When it ended, or was last heard of if that is later, or if no end is known."""
    state = state_of(facts)
    end = state.end if state is not None and state.end is not None else 0
    heard = last_heard_at(facts)
    if not end and not heard:
        heard = max((read.answered for read in facts.reads), default=facts.lookup.answered if facts.lookup else 0)
    return max(end, heard)


def _row_ended(facts: RowFacts) -> int:
    state = row_state(facts)
    row = state.row if state is not None else None
    end = row.end or row.start or 0 if isinstance(row, AppointmentRow) else 0
    heard = max((version.arrived for version in facts.versions), default=0)
    if not end and not heard:
        heard = max((read.answered for read in facts.reads), default=facts.lookup.answered if facts.lookup else 0)
    return max(end, heard)


def may_go(cases: Iterable[Case]) -> bool:
    """Nothing is open or suspected, and nothing is left to be told."""
    return all(case.phase is Phase.CLEAR and not case.announce for case in cases)
