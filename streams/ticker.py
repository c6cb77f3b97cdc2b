"""The clock: every 200 ms a tick to each owned partition, with the end offsets of its inputs.

A tick is a message because a timer may not judge: it would run beside the stream, and on every worker.
"""

import asyncio
import time

import msgspec
import structlog
from aiokafka.errors import KafkaError

from streams.model.ids import iso
from streams.model.records import Tick
from streams.outbound import Outbound
from streams.owned import Ownership
from streams.positions import Positions

log = structlog.get_logger()

TICK_SECONDS = 0.2
#: A partition that holds back ticks gets no more than one in this many seconds.
HELD_TICK_SECONDS = 1.0
#: Without a passed tick for so long, while ticks were sent, a partition is stuck and the process ends.
STUCK_SECONDS_MAX = 30.0


class Ticker:
    """Sends ticks while the worker owns partitions."""

    def __init__(self, ownership: Ownership, outbound: Outbound, positions: Positions, worker: str) -> None:
        self._ownership = ownership
        self._outbound = outbound
        self._positions = positions
        self._worker = worker
        self._sent_at: dict[int, float] = {}
        self._progress: dict[int, tuple[dict[str, int], float]] = {}

    async def run(self) -> None:
        """For ever. A broker that is away stops the clock, nothing more. Raises Stuck."""
        while True:
            began = time.monotonic()
            try:
                await self.send()
            except (KafkaError, TimeoutError, OSError) as away:
                log.warning("no tick could be sent", error=repr(away))
            await asyncio.sleep(max(0.0, TICK_SECONDS - (time.monotonic() - began)))

    async def send(self) -> None:
        """One tick to each partition that is due."""
        now = time.monotonic()
        due = [number for number in self._ownership.ours if self._is_due(number, now)]
        if not due:
            return
        ends = await self._positions.ends(due)
        sent_at = str(iso(round(time.time() * 1000)))
        for number in due:
            self._check_progress(number, ends[number], now)
            tick = Tick(worker=self._worker, sent_at=sent_at, ends=ends[number])
            await self._outbound.tick(number, msgspec.json.encode(tick))
            self._sent_at[number] = now

    def _is_due(self, number: int, now: float) -> bool:
        owned = self._ownership.partitions.get(number)
        held = owned is not None and owned.barrier.waiting
        return now - self._sent_at.get(number, 0.0) >= (HELD_TICK_SECONDS if held else 0.0)

    def _check_progress(self, number: int, ends: dict[str, int], now: float) -> None:
        """Consumers are known to stop without a word (facts, A4): lag without progress ends the process."""
        owned = self._ownership.partitions.get(number)
        if owned is None:
            self._progress.pop(number, None)
            return
        positions = dict(owned.barrier.positions)
        held, since = self._progress.get(number, ({}, now))
        behind = any(positions.get(topic, 0) < end for topic, end in ends.items())
        if positions != held or not behind:
            self._progress[number] = (positions, now)
        elif now - since > STUCK_SECONDS_MAX:
            raise Stuck(number, STUCK_SECONDS_MAX)


class Stuck(RuntimeError):
    """A partition makes no progress although records wait."""

    def __init__(self, partition: int, seconds: float) -> None:
        super().__init__(f"partition {partition} made no progress for {seconds:.0f} s although records wait")
