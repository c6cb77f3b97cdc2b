"""A scheduler in virtual time: what is to happen, in order. Instants are seconds after `tests.truth.T0`."""

from collections.abc import Callable
from heapq import heappop, heappush


class Agenda:
    """The one clock of a simulated life; nothing in it waits for a real one."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        """Let it happen so many seconds from now."""
        self._count += 1
        heappush(self._heap, (self.now + seconds, self._count, what))

    def run_until(self, when: float) -> None:
        """Let everything happen that is to happen by then."""
        heap = self._heap
        while heap and heap[0][0] <= when:
            self.now, _, what = heappop(heap)
            what()
        self.now = when
