"""What is done about a feed that lost something: the back-fill of a gap, and a new slot in place of a bad one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from connectors.source.feed_state import GIB, FeedMemory, told_bytes
from connectors.source.slot import Slot
from connectors.source.slot_replacement import SlotReplacement

log = structlog.get_logger()

#: Reads both tables completely and tells what they hold. Ends when everything is on Kafka; raises what went wrong.
Backfill = Callable[[], Awaitable[None]]

FILL_AGAIN_SECONDS = 30.0
REPLACE_AGAIN_SECONDS = 60.0
#: From here on the log says what our slot costs.
HELD_BACK_BYTES = GIB
SAY_AGAIN_SECONDS = 60.0


class FeedMending:
    """Works beside the reports; one back-fill and one replacement at a time."""

    def __init__(self, *, backfill: Backfill, replacement: SlotReplacement, retained_bytes_max: int) -> None:
        self._backfill = backfill
        self._replacement = replacement
        self._retained_bytes_max = retained_bytes_max
        self._filling: asyncio.Task[float] | None = None
        self._replacing: asyncio.Task[None] | None = None
        self._replaced_at = self._said_at = -REPLACE_AGAIN_SECONDS
        #: Why we gave our slot up, until the gap that this made is filled.
        self.gave_up: str | None = None

    @property
    def is_filling(self) -> bool:
        """Whether a back-fill runs."""
        return self._filling is not None

    async def step(self, memory: FeedMemory, slot: Slot | None, *, live_again: bool) -> tuple[FeedMemory, str | None]:
        """The memory after what was mended, and how the gap ended if it did."""
        self._look_after_slot(slot)
        if memory.gap is None:
            return memory, None
        if not live_again:
            # What is being filled now may miss what is being lost now.
            await _end(self._filling)
            self._filling = None
        elif self._filling is None:
            log.info("back-fill begins", signs=memory.gap.signs)
            self._filling = asyncio.create_task(self._fill(), name="back-fill")
        elif self._filling.done():
            seconds, self._filling, self.gave_up = self._filling.result(), None, None
            return msgspec.structs.replace(memory, gap=None), f"the feed is live, back-filled in {seconds:.0f} s"
        return memory, None

    async def close(self) -> None:
        """End both; they begin anew with the next watcher."""
        await _end(self._filling)
        await _end(self._replacing)

    async def _fill(self) -> float:
        """Back-fill until it succeeds; how many seconds the last try took."""
        while True:
            began = time.monotonic()
            try:
                await self._backfill()
            except Exception as error:  # whatever it is, the gap stays open until a pass is complete
                log.warning("back-fill failed, it begins anew", error=repr(error), pause_seconds=FILL_AGAIN_SECONDS)
                await asyncio.sleep(FILL_AGAIN_SECONDS)
            else:
                return time.monotonic() - began

    def _look_after_slot(self, slot: Slot | None) -> None:
        if self._replacing is not None:
            if not self._replacing.done():
                return
            if (error := self._replacing.exception()) is not None:
                log.error("replication slot not replaced", error=repr(error))
            self._replacing = None
        elif (why := self._why_replace(slot)) is not None and _since(self._replaced_at) >= REPLACE_AGAIN_SECONDS:
            log.error("our replication slot is given up", why=why)
            self._replaced_at, self.gave_up = time.monotonic(), f"we gave our slot up: {why}"
            self._replacing = asyncio.create_task(self._replacement.run(), name="slot")

    def _why_replace(self, slot: Slot | None) -> str | None:
        if slot is None:
            return None
        if slot.is_lost:
            return f"it is invalid ({slot.invalidation_reason or slot.wal_status})"
        held = told_bytes(slot.retained_bytes)
        if slot.retained_bytes >= self._retained_bytes_max:
            return f"it holds {held} of the database's log back, source.max_retained_wal is reached"
        if slot.retained_bytes >= HELD_BACK_BYTES and _since(self._said_at) >= SAY_AGAIN_SECONDS:
            self._said_at = time.monotonic()
            log.warning("our replication slot holds the database's log back", held=held)
        return None


async def _end(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _since(at: float) -> float:
    return time.monotonic() - at
