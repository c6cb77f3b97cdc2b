"""How many requests one Cal.com key may still make, and who goes first: callers wait for their turn.

Each turn is kept before its request goes out: a process that starts within the minute goes on counting where the
last one ended.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from itertools import count

from connectors.calcom.quota_window import Priority as Priority  # asked for together with the quota
from connectors.calcom.quota_window import Usage, Window
from connectors.calcom.rate import WINDOW_SECONDS, RateNotice


async def keep_nothing(_: Usage) -> None:
    """For a quota that need not outlive its process."""


class Quota:
    """The turns of one key. One per key, however many accounts and tenants share it.

    `keep` stores the usage; what it raises is raised by `turn`, and the request must not go out.
    """

    def __init__(
        self,
        requests_per_minute: int,
        clock: Callable[[], float],
        keep: Callable[[Usage], Awaitable[None]] = keep_nothing,
    ) -> None:
        self.window = Window(requests_per_minute)
        self._clock = clock
        self._keep = keep
        self._keeping = asyncio.Lock()
        self._granted = 0
        self._kept = 0
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self.in_flight = 0

    def wait_seconds(self, priority: Priority) -> float:
        """How long a request of this priority would wait, others' turns not counted."""
        return self.window.wait_seconds(self._clock(), priority)

    def left_share(self) -> float:
        """How much of the quota is free, 0 to 1."""
        return self.window.left_share(self._clock())

    async def turn(self, priority: Priority) -> None:
        """Wait for the right to one request; the right is used up, and kept, on return.

        Within a priority first come, first served. A caller that gives up (is cancelled) takes nothing.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._order), turn))
        self._grant()
        await turn
        await self._keep_all()

    def answered(self, questions: int) -> None:
        """So many questions were answered: the pace that the estimate of the full proof goes by."""
        self.window.answered(self._clock(), questions)

    def restore(self, usage: Usage) -> None:
        """Go on from what the process before kept."""
        self.window.restore(self._clock(), usage)

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
            self._granted += 1
            turn.set_result(None)

    async def _keep_all(self) -> None:
        """Whoever keeps first keeps for all that were granted meanwhile."""
        mine = self._granted
        async with self._keeping:
            if self._kept < mine:
                granted = self._granted
                await self._keep(self.window.usage(self._clock()))
                self._kept = granted
