"""Faust's Kafka driver with seven overrides, each with its reason. A test fails without each (test_driver.py)."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping
from typing import Any, cast

from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP
from mode.services import WaitResults

#: What must be acknowledged before offsets are committed.
Flush = Callable[[], Awaitable[None]]

#: A failure after which nothing may be committed. The supervisor starts a new worker, which replays.
EXIT_UNCOMMITTED = 70


def end_uncommitted(reason: str) -> None:
    """End at once, without Faust's last commit."""
    print(f"plumbline worker: {reason}; ending without a commit", file=sys.stderr, flush=True)
    os._exit(EXIT_UNCOMMITTED)


class _Begun:
    """A coroutine that ran to its first wait, to be awaited for the rest."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, Any]:
        waits_for = self._waits_for
        while True:
            try:
                try:
                    sent = yield waits_for
                except BaseException as thrown:  # a cancellation goes to where the coroutine waits
                    waits_for = self._coroutine.throw(thrown)
                else:
                    waits_for = self._coroutine.send(sent)
            except StopIteration as done:
                return done.value


class ExactThread(AIOKafkaConsumerThread):  # type: ignore[misc]  # Faust publishes no types
    """The thread that talks to the broker."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        """Partitions by range: the same numbers of every input, whatever the number of workers.

        Without tables Faust takes aiokafka's round-robin, which gives a tenant's inputs to different workers wherever
        the number of workers does not divide the number of partitions (12 partitions, 5 workers: none could work).
        """
        consumer = super()._create_worker_consumer(transport)
        consumer._partition_assignment_strategy = (RangePartitionAssignor,)
        return consumer


class ExactConsumer(Consumer):  # type: ignore[misc]  # Faust publishes no types
    """Commits exactly what was acknowledged, after what it wrote was acknowledged."""

    def _new_consumer_thread(self) -> ExactThread:
        return ExactThread(self, loop=self.loop, beacon=self.beacon)

    async def wait_first(self, *coros: Any, timeout: float | None = None) -> Any:
        """Deliver at once where nothing waits. The stock one makes two tasks an event: 6 400 a second, not 13 100.

        A delivery that waits (full buffer, a rebalance under way) goes the stock way and is given up when the flow is
        suspended: kept, it would come after the rebalance, and its offset be committed over events not seen yet.
        """
        delivery, *others = coros
        if not isinstance(delivery, Coroutine):  # an asyncio.Event: the flow is suspended
            return await super().wait_first(*coros, timeout=timeout)
        try:
            waits_for = delivery.send(None)
        except StopIteration as done:
            for other in others:
                other.close()
            return WaitResults([delivery], [done.value], stopped=False)
        return await super().wait_first(_Begun(delivery, waits_for), *others, timeout=timeout)

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        """Ask for all partitions at once. The stock one asks 84 times, one after the other, and does so twice.

        300 ms away from the broker that is more than a minute before the first record is read.
        """
        thread = self._thread
        return cast(Mapping[TP, int | None], await thread.call_thread(_seek_to_committed, thread._ensure_consumer()))

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Forget acknowledgements of the time before: committed, they would pass over events not seen yet."""
        self._acked.clear()
        self._acked_index.clear()
        await super().on_partitions_assigned(assigned, generation_id)

    def _new_offset(self, tp: TP) -> int | None:
        """The highest acknowledged offset + 1: exact at concurrency 1, where acknowledgements come in order.

        The stock one looks for holes and lets commits creep one offset an interval after a rebalance under load.
        """
        acked = self._acked[tp]
        if not acked:
            return None
        newest = acked[-1]
        acked[:] = [newest]
        self._acked_index[tp] = {newest}
        return int(newest) + 1

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Holes in the log (compaction, markers) need no book-keeping when acknowledgements come in order."""

    async def _commit_tps(self, tps: Iterable[TP], start_new_transaction: bool) -> bool:
        """State first. Faust's own flush gives up after 100 ms without a word and commits all the same."""
        offsets = self._filter_committable_offsets(tps)
        if not offsets:
            return False
        flush: Flush = self.app.flush_state
        try:
            await flush()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            end_uncommitted(f"state was not acknowledged: {error!r}")
        return bool(await self._commit_offsets(offsets, start_new_transaction=start_new_transaction))


async def _seek_to_committed(consumer: Any) -> Mapping[TP, int | None]:
    """In the thread of aiokafka's consumer. A partition without a committed offset is read from its beginning."""
    places = consumer.assignment()
    committed = await consumer._coordinator.fetch_committed_offsets(list(places))
    offsets = {place: committed[place].offset if place in committed else -1 for place in places}
    known = {place: offset for place, offset in offsets.items() if offset >= 0}
    for place, offset in known.items():
        consumer.seek(place, offset)
    if fresh := places - known.keys():
        await consumer.seek_to_beginning(*fresh)
    return {place: known.get(place) for place in places}


class ExactTransport(Transport):  # type: ignore[misc]  # Faust publishes no types
    """Faust's transport with our consumer."""

    Consumer = ExactConsumer
