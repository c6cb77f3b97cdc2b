"""What a measured program tells the bench: when its first and its last record came, by the machine's one clock."""

import json
import sys
import time
from typing import NamedTuple


class Order(NamedTuple):
    """What to read, as the bench gives it on the command line."""

    bootstrap: str
    topics: list[str]
    partitions: int
    events: int
    group: str


def order() -> Order:
    return Order(**json.loads(sys.argv.pop(1)))


class Progress:
    """Counts to the number of the records."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._count = 0

    def add(self, records: int = 1) -> bool:
        """Whether these were the last."""
        if not self._count:
            say("first")
        self._count += records
        if self._count < self._events:
            return False
        say("last")
        return True


def say(what: str) -> None:
    print(f"bench {what} {time.monotonic()}", flush=True)
