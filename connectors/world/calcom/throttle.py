"""Cal.com's rate limit: so many requests in 60 s and key, then a block of 60 s (calcom.md §4). Pure."""

from collections import defaultdict, deque

import msgspec

from connectors.world.instants import MINUTE, SECOND

WINDOW = MINUTE
BLOCK = MINUTE


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """The throttler's word on one request, with what its headers say. `reset_seconds` is time left."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """The names carry a suffix, and there is no Retry-After."""
        return {
            "X-RateLimit-Limit-Default": str(self.limit),
            "X-RateLimit-Remaining-Default": str(self.remaining),
            "X-RateLimit-Reset-Default": str(self.reset_seconds),
        }


class Throttle:
    """The requests of each key within the last minute."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[int]] = defaultdict(deque)
        self._blocked_until: dict[str, int] = {}

    def take(self, key: str, limit: int, at: int) -> Pass:
        """Counts one request at `at` (ms)."""
        blocked = self._blocked_until.get(key, 0)
        if at < blocked:
            return Pass(allowed=False, limit=limit, remaining=0, reset_seconds=_seconds(blocked - at))
        seen = self._seen[key]
        while seen and seen[0] <= at - WINDOW:
            seen.popleft()
        if len(seen) >= limit:
            self._blocked_until[key] = at + BLOCK
            return Pass(allowed=False, limit=limit, remaining=0, reset_seconds=_seconds(BLOCK))
        seen.append(at)
        left = seen[0] + WINDOW - at
        return Pass(allowed=True, limit=limit, remaining=limit - len(seen), reset_seconds=_seconds(left))


def _seconds(millis: int) -> int:
    return -(-millis // SECOND)
