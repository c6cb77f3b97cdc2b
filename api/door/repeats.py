"""Which bodies were accepted lately: the second delivery of one webhook is told so.

Best effort and per process (contracts.md): what makes repeats harmless is the worker's merge, not this
memory.
"""

from collections import OrderedDict
from hashlib import sha256

REMEMBERED_SECONDS = 600.0
REMEMBERED_ENTRIES_MAX = 50_000

BodyKey = tuple[str, bytes]


def body_key(account: str, body: bytes) -> BodyKey:
    """What makes two deliveries the same: the account and the raw bytes."""
    return account, sha256(body).digest()


class RecentBodies:
    """The bodies accepted within the last `seconds`, at most `entries_max` of them, oldest forgotten
    first."""

    def __init__(self, seconds: float = REMEMBERED_SECONDS, entries_max: int = REMEMBERED_ENTRIES_MAX) -> None:
        self._seconds = seconds
        self._entries_max = entries_max
        self._accepted_at: OrderedDict[BodyKey, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._accepted_at)

    def has(self, key: BodyKey, now: float) -> bool:
        """Whether this body was accepted within the window; `now` in seconds of any steady clock."""
        self._forget(now)
        return key in self._accepted_at

    def enter(self, key: BodyKey, now: float) -> None:
        """Remember an accepted body. Call it only after Kafka's acknowledgement."""
        self._forget(now)
        # A body entered again keeps its first time: its window is 10 minutes, not for ever.
        self._accepted_at.setdefault(key, now)
        while len(self._accepted_at) > self._entries_max:
            self._accepted_at.popitem(last=False)

    def _forget(self, now: float) -> None:
        while self._accepted_at:
            oldest = next(iter(self._accepted_at))
            if now - self._accepted_at[oldest] < self._seconds:
                return
            del self._accepted_at[oldest]
