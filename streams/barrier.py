"""The barrier of one partition: no tick passes before the data it stands behind (design §9).

After an outage ticks run ahead of data by minutes; judged by them, every backlog would be a storm of false orphans.
So a tick is held until each input has been read to the end offset that the tick carries. And none passes before all
that lay on the inputs when the partition was taken over: a replay that judged as it went would find, prove by the
answers of that time, and tell again what was over long ago. Pure.
"""

from collections import deque
from collections.abc import Mapping

#: Ticks held at most; further ones are passed over until the first of them has passed.
HELD_TICKS_MAX = 64


class Barrier:
    """Positions of one partition's inputs, and the ticks that wait for them."""

    def __init__(self, positions: Mapping[str, int], horizon: Mapping[str, int] | None = None) -> None:
        """`positions`: the next offset to be read by topic, from committed offset and log start.

        Seeded, because after a quiet restart no record comes that would say where an input stands. `horizon`: the end
        offsets at that time.
        """
        self.positions = dict(positions)
        self._horizon = horizon or {}
        self._held: deque[tuple[Mapping[str, int], int]] = deque(maxlen=HELD_TICKS_MAX)
        self.now = 0

    def processed(self, topic: str, offset: int) -> None:
        """The record at `offset` has been worked through."""
        if offset >= self.positions.get(topic, 0):
            self.positions[topic] = offset + 1

    def hold(self, ends: Mapping[str, int], timestamp: int) -> None:
        """A tick came: `ends` by topic, `timestamp` the broker's, ms."""
        if len(self._held) < HELD_TICKS_MAX:
            self._held.append((ends, timestamp))

    def release(self) -> int | None:
        """The newest now that every input has reached; None if no tick passes."""
        passed = None
        if not self._reached(self._horizon):
            return None
        while self._held and self._reached(self._held[0][0]):
            passed = self._held.popleft()[1]
        if passed is None or passed <= self.now:
            return None
        self.now = passed
        return passed

    @property
    def waiting(self) -> bool:
        """Whether a tick is held."""
        return bool(self._held)

    def _reached(self, ends: Mapping[str, int]) -> bool:
        positions = self.positions
        return all(positions.get(topic, 0) >= end for topic, end in ends.items())
