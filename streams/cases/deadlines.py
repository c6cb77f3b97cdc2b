"""When which entity must be looked at again: a heap of deadlines, one standing deadline an entity."""

from collections import OrderedDict
from heapq import heappop, heappush

from streams.cases.step import FAR
from streams.facts.index import Key


class Deadlines:
    """Entities to judge now, and entities to judge later. Instants are the broker's, ms."""

    def __init__(self) -> None:
        # Ordered by age; an OrderedDict because taking the head of a plain dict passes over all heads taken before.
        self._due: OrderedDict[Key, None] = OrderedDict()
        self._heap: list[tuple[int, Key]] = []
        self._at: dict[Key, int] = {}
        self._held: set[Key] = set()

    def now(self, key: Key) -> None:
        """Judge this entity's cause at the next tick."""
        self._due[key] = None

    def later(self, key: Key, at: int) -> None:
        """Judge it at `at`, unless an earlier deadline stands; 0 and FAR are none."""
        if at in (0, FAR):
            return
        held = self._at.get(key)
        if held is None or at < held:
            self._at[key] = at
            heappush(self._heap, (at, key))

    def held(self, key: Key) -> None:
        """It waits for a source, and who waits is known in memory only: after a restart look at it at once."""
        self._held.add(key)

    def pass_time(self, now: int) -> None:
        """Make due what has come due."""
        while self._heap and self._heap[0][0] <= now:
            at, key = heappop(self._heap)
            if self._at.get(key) == at:
                del self._at[key]
                self._due[key] = None

    def head(self) -> Key | None:
        """The entity that is due longest."""
        return next(iter(self._due), None)

    def settle(self, keys: list[Key]) -> None:
        """These are judged: nothing stands for them any more."""
        for key in keys:
            self._due.pop(key, None)
            self._at.pop(key, None)
            self._held.discard(key)

    def hint(self, key: Key) -> int:
        """When a restarted worker must look at this entity: at once (1), at its deadline, or never (0)."""
        return 1 if key in self._due or key in self._held else self._at.get(key, 0)

    def __bool__(self) -> bool:
        return bool(self._due)

    def __len__(self) -> int:
        return len(self._due)
