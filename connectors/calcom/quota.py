"""How many requests one Cal.com key may still make, and who goes first.

`Window` is the arithmetic, without a clock of its own: at most so many requests in any 60 s (a moving window:
bursts are allowed, the sum is not passed), fewer while the server says so. `Quota` lets callers wait for
their turn.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from itertools import count

from connectors.calcom.rate import WINDOW_SECONDS, RateNotice

#: What is left of the server's allowance for the application that may share the key.
RESERVE_REQUESTS_MAX = 5
#: Of the quota, what re-reads of open findings may take (design §4a).
REREAD_SHARE = 0.25


class Priority(IntEnum):
    """Who goes first when requests wait."""

    PROOF = 0  # a finding waits for it
    POLL = 1  # two requests an interval; what webhooks lost is seen only here
    SETTLE = 2  # a webhook's claim to be confirmed
    REREAD = 3  # an open finding looked at again


class Window:
    """The requests of the last 60 s of one key. All instants in seconds of one steady clock."""

    def __init__(self, requests_per_minute: int, window_seconds: float = WINDOW_SECONDS) -> None:
        self._max = requests_per_minute
        self._rereads_max = max(1, int(requests_per_minute * REREAD_SHARE))
        self._seconds = window_seconds
        self._taken: deque[float] = deque()
        self._rereads: deque[float] = deque()
        self._blocked_until = float("-inf")
        # What the server still takes, and until when that was said.
        self._told_left: int | None = None
        self._told_until = float("-inf")

    def wait_seconds(self, now: float, priority: Priority) -> float:
        """How long until a request of this priority may go; 0 means now."""
        self._forget(now)
        waits = [0.0, self._blocked_until - now]
        if len(self._taken) >= self._max:
            waits.append(self._taken[len(self._taken) - self._max] + self._seconds - now)
        if priority is Priority.REREAD and len(self._rereads) >= self._rereads_max:
            waits.append(self._rereads[0] + self._seconds - now)
        if self._told_left is not None and self._told_left <= 0:
            waits.append(self._told_until - now)
        return max(waits)

    def take(self, now: float, priority: Priority) -> None:
        """A request goes out now. To be called only when `wait_seconds` is 0."""
        self._taken.append(now)
        if priority is Priority.REREAD:
            self._rereads.append(now)
        if self._told_left is not None:
            self._told_left -= 1

    def told(self, notice: RateNotice, now: float, in_flight: int) -> None:
        """The server said how much it still takes; `in_flight` requests it has not counted yet."""
        self._forget(now)
        reserve = min(RESERVE_REQUESTS_MAX, (notice.limit or 0) // 20)
        left = max(0, notice.remaining - reserve - in_flight)
        until = now + notice.reset_seconds
        # Answers overtake one another: within one window of the server only the lower word counts.
        same_window = self._told_left is not None and until <= self._told_until + 1.0
        self._told_left = min(self._told_left, left) if same_window and self._told_left is not None else left
        self._told_until = until

    def block(self, now: float, seconds: float) -> None:
        """The server refused (429): nothing goes until its window is over."""
        self._blocked_until = max(self._blocked_until, now + seconds)

    def _forget(self, now: float) -> None:
        for times in (self._taken, self._rereads):
            while times and times[0] + self._seconds <= now:
                times.popleft()
        if now >= self._told_until:
            self._told_left = None


class Quota:
    """The turns of one key. One per key, however many accounts and tenants share it."""

    def __init__(self, requests_per_minute: int, clock: Callable[[], float]) -> None:
        self.window = Window(requests_per_minute)
        self._clock = clock
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self.in_flight = 0

    def wait_seconds(self, priority: Priority) -> float:
        """How long a request of this priority would wait, others' turns not counted."""
        return self.window.wait_seconds(self._clock(), priority)

    async def turn(self, priority: Priority) -> None:
        """Wait for the right to one request; the right is used up on return.

        Within a priority first come, first served. A caller that gives up (is cancelled) takes nothing.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._order), turn))
        self._grant()
        await turn

    def told(self, notice: RateNotice | None) -> None:
        """An answer came with these rate headers."""
        if notice is not None:
            self.window.told(notice, self._clock(), max(0, self.in_flight))
            self._grant()

    def refused(self, notice: RateNotice | None) -> None:
        """The server answered 429: wait until it says, or for its whole window."""
        seconds = notice.reset_seconds if notice is not None and notice.reset_seconds > 0 else WINDOW_SECONDS
        self.window.block(self._clock(), seconds)
        self._grant()

    def _grant(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            priority, _, turn = self._waiting[0]
            if turn.done():
                heapq.heappop(self._waiting)
                continue
            now = self._clock()
            seconds = self.window.wait_seconds(now, priority)
            if seconds > 0:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(max(seconds, 0.001), self._grant)
                return
            heapq.heappop(self._waiting)
            self.window.take(now, priority)
            turn.set_result(None)
