"""Faust's consumer with our overrides: each test fails with the stock class."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.types import TP, Message

from streams.driver import EXIT_UNCOMMITTED, ExactConsumer, ExactTransport
from streams.topics import INPUTS

CALLS = TP("crm.public.calls", 3)


class Ledger(faust.App):  # type: ignore[misc]  # Faust publishes no types
    """An app that writes down what happens, in order."""

    def __init__(self) -> None:
        super().__init__(
            "driver-test",
            broker="kafka://127.0.0.1:1",
            store="memory://",
            autodiscover=False,
            table_standby_replicas=0,  # as the worker has it: with standbys Faust would take another assignor
        )
        self.story: list[str] = []
        self.flushing = asyncio.Event()
        self.acknowledged = asyncio.Event()

    async def flush_state(self) -> None:
        self.story.append("flushing")
        self.flushing.set()
        await self.acknowledged.wait()
        self.story.append("state acknowledged")

    def _new_transport(self) -> ExactTransport:
        return ExactTransport(self.conf.broker_consumer, self)


@pytest.fixture
async def app() -> Ledger:
    return Ledger()


@pytest.fixture
async def consumer(app: Ledger) -> AsyncIterator[Any]:
    made = app._new_consumer()
    thread = made._thread
    assert type(made) is ExactConsumer
    app.topics._acking_topics.add(CALLS.topic)
    yield made
    thread.thread_loop.close()


def acknowledge(consumer: Any, offsets: Iterable[int]) -> None:
    for offset in offsets:
        message = Message(CALLS.topic, CALLS.partition, offset, 0.0, 0, (), b"", b"", None)
        assert consumer.ack(message)


async def test_a_delivery_is_awaited_without_a_task_of_its_own(consumer: Any) -> None:
    tasks: list[asyncio.Task[Any] | None] = []

    async def deliver() -> None:
        tasks.append(asyncio.current_task())

    async def until_stopped() -> None:
        raise AssertionError("nobody awaits the other")

    await consumer.wait_first(deliver(), until_stopped())
    assert tasks == [asyncio.current_task()]


async def test_an_error_of_a_delivery_is_raised(consumer: Any) -> None:
    async def deliver() -> None:
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        await consumer.wait_first(deliver())


async def test_a_suspended_flow_is_waited_for(consumer: Any) -> None:
    resumed = asyncio.Event()
    waiting = asyncio.create_task(consumer.wait(resumed))
    await asyncio.sleep(0)
    assert not waiting.done()
    resumed.set()
    assert not (await waiting).stopped


async def test_the_offset_after_a_hole_is_exact_at_once(consumer: Any) -> None:
    consumer._committed_offset[CALLS] = 100
    acknowledge(consumer, [140, 141, 142])  # the log has nothing between
    assert consumer._new_offset(CALLS) == 143


async def test_the_offset_is_exact_when_the_hole_lies_among_the_acknowledged(consumer: Any) -> None:
    acknowledge(consumer, [10, 11, 40, 41])
    assert consumer._new_offset(CALLS) == 42


async def test_acknowledgements_take_no_more_room_the_longer_it_runs(consumer: Any) -> None:
    for round_ in range(20):
        acknowledge(consumer, range(round_ * 100, round_ * 100 + 100))
        assert consumer._new_offset(CALLS) == (round_ + 1) * 100
        assert len(consumer._acked[CALLS]) == len(consumer._acked_index[CALLS]) == 1


async def test_nothing_acknowledged_gives_no_offset(consumer: Any) -> None:
    assert consumer._new_offset(CALLS) is None


async def test_no_book_is_kept_of_holes(consumer: Any) -> None:
    await consumer._add_gap(CALLS, 101, 139)
    assert not consumer._gap[CALLS]


async def test_offsets_are_committed_only_after_the_state_is_acknowledged(app: Ledger, consumer: Any) -> None:
    class Recording:
        """Stands where the thread with the broker's connection would be."""

        def assignment(self) -> set[TP]:
            return {CALLS}

        async def commit(self, offsets: dict[TP, int]) -> bool:
            app.story.append(f"committed {offsets[CALLS]}")
            return True

    class Producer:
        async def flush(self) -> None: ...

    consumer._thread, app.producer = Recording(), Producer()
    acknowledge(consumer, [7])
    committing = asyncio.create_task(consumer.commit())
    await app.flushing.wait()
    acknowledge(consumer, [8])  # not covered by the state that is being written
    app.acknowledged.set()
    assert await committing
    assert app.story == ["flushing", "state acknowledged", "committed 8"]


class FarBroker:
    """aiokafka's consumer and its coordinator, as far as they are asked where to read on."""

    def __init__(self, committed: dict[TP, int]) -> None:
        self._committed = committed
        self._coordinator = self
        self.questions_count = 0
        self.places: dict[TP, int | str] = {}

    def assignment(self) -> frozenset[TP]:
        return frozenset(TP(CALLS.topic, number) for number in range(12))

    async def fetch_committed_offsets(self, places: list[TP]) -> dict[TP, Any]:
        self.questions_count += 1
        return {place: SimpleNamespace(offset=self._committed.get(place, -1)) for place in places}

    def seek(self, place: TP, offset: int) -> None:
        self.places[place] = offset

    async def seek_to_beginning(self, *places: TP) -> None:
        self.places |= dict.fromkeys(places, "beginning")

    async def call_thread(self, function: Any, *arguments: Any) -> Any:
        return await function(*arguments)

    def _ensure_consumer(self) -> "FarBroker":
        return self


async def test_one_question_says_where_all_partitions_are_read_on(consumer: Any) -> None:
    broker = FarBroker({TP(CALLS.topic, 1): 70, TP(CALLS.topic, 2): 0})
    consumer._thread = broker
    committed = await consumer.seek_to_committed()
    assert broker.questions_count == 1
    assert {place.partition: offset for place, offset in committed.items() if offset is not None} == {1: 70, 2: 0}
    assert broker.places.keys() == broker.assignment()
    assert {broker.places[TP(CALLS.topic, number)] for number in (0, *range(3, 12))} == {"beginning"}


FAILING = """
import asyncio, faust
from faust.types import TP, Message
from streams.driver import ExactTransport

class App(faust.App):
    async def flush_state(self):
        raise TimeoutError("no broker")
    def _new_transport(self):
        return ExactTransport(self.conf.broker_consumer, self)

async def main():
    app = App("driver-test", broker="kafka://127.0.0.1:1", store="memory://", autodiscover=False)
    consumer = app._new_consumer()
    app.topics._acking_topics.add("calls")
    consumer.ack(Message("calls", 0, 7, 0.0, 0, (), b"", b"", None))
    class Thread:
        def assignment(self): return {TP("calls", 0)}
        async def commit(self, offsets):
            print("committed", flush=True)
            return True
    class Producer:
        async def flush(self): ...
    consumer._thread, app.producer = Thread(), Producer()
    await consumer.commit()
    print("went on", flush=True)

asyncio.run(main())
"""


def test_a_state_that_is_not_acknowledged_ends_the_process_before_the_commit() -> None:
    ended = subprocess.run([sys.executable, "-c", FAILING], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (EXIT_UNCOMMITTED, "")
    assert "state was not acknowledged: TimeoutError('no broker'); ending without a commit" in ended.stderr


async def test_a_delivery_that_waits_is_finished(consumer: Any) -> None:
    opened, story = asyncio.Event(), list[str]()

    async def deliver() -> None:
        await opened.wait()
        story.append("delivered")

    asyncio.get_running_loop().call_soon(opened.set)
    await consumer.wait_first(deliver(), asyncio.Event().wait())
    assert story == ["delivered"]


async def test_a_delivery_that_waits_is_given_up_when_the_flow_is_suspended(consumer: Any) -> None:
    """Kept, it would come after the rebalance and its offset be committed over events not seen yet."""
    never, given_up = asyncio.Event(), asyncio.Event()

    async def deliver() -> None:
        try:
            await never.wait()
        except asyncio.CancelledError:
            given_up.set()
            raise

    consumer.stop_flow()
    await consumer.wait_first(deliver(), consumer.suspend_flow.wait())
    await asyncio.wait_for(given_up.wait(), 5)


async def test_what_was_acknowledged_before_an_assignment_is_not_committed_after_it(consumer: Any) -> None:
    async def nothing(*_: Any) -> None: ...

    acknowledge(consumer, [500])  # of a partition that was revoked meanwhile
    consumer._on_partitions_assigned = nothing
    consumer.app.on_rebalance_return = lambda: None
    await consumer.on_partitions_assigned({CALLS}, 2)
    assert consumer._new_offset(CALLS) is None


async def test_each_worker_gets_the_same_partitions_of_every_input_whatever_their_number(consumer: Any) -> None:
    made = consumer._thread._create_worker_consumer(consumer.transport)
    [strategy] = made._partition_assignment_strategy
    await made.stop()
    for partitions in (1, 4, 12, 13):
        cluster = SimpleNamespace(partitions_for_topic=lambda _, count=partitions: set(range(count)))
        for workers in range(1, partitions + 2):
            members = {f"worker-{n}": strategy.metadata([topic.value for topic in INPUTS]) for n in range(workers)}
            shares = [share.assignment for share in strategy.assign(cluster, members).values()]
            assert all(len({tuple(numbers) for _, numbers in share}) == 1 for share in shares), (partitions, workers)
            assert sorted(number for share in shares for number in share[0][1]) == list(range(partitions))
