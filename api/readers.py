"""Who reads the live stream in this process: how many may, and the one tail that they share."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from api.problems import Problem
from connectors.store.database import Database
from connectors.store.tail import Tail

READERS_PER_KEY_MAX = 20
READERS_MAX = 500
#: Told to who is turned away.
RETRY_SECONDS = 5


class Readers:
    """Admits readers. Each costs a socket, a position and at most one page."""

    def __init__(self, database: Database) -> None:
        self.tail = Tail(database)
        self._by_key: Counter[str] = Counter()

    @contextmanager
    def admitted(self, key: str) -> Iterator[Tail]:
        """While a bearer of this key reads. Raises Problem (429, 503)."""
        if self.tail.closed:
            raise _turned_away(503, "shutting-down", "This process is shutting down. Connect again.")
        if self._by_key.total() >= READERS_MAX:
            raise _turned_away(503, "too-many-readers", f"This process has {READERS_MAX} readers, its most.")
        if self._by_key[key] >= READERS_PER_KEY_MAX:
            raise _turned_away(429, "too-many-readers", f"This key has {READERS_PER_KEY_MAX} readers here, its most.")
        self._by_key[key] += 1
        try:
            with self.tail.reading():
                yield self.tail
        finally:
            self._by_key[key] -= 1

    def close(self) -> None:
        """End every stream: the process is shutting down."""
        self.tail.close()


def _turned_away(status: int, name: str, detail: str) -> Problem:
    return Problem(status, name, detail, headers={"Retry-After": str(RETRY_SECONDS)})
