"""Workers that are killed, far away, or change in number, on a real Kafka: nothing lost, nothing told twice."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiokafka.partitioner import DefaultPartitioner

from connectors.stack.stack import LocalStack, StackPart
from streams.model.ids import alert_id
from streams.model.records import Tick
from streams.topics import INPUTS, Topic
from tests.integration.burst import Burst
from tests.integration.kept import kept, lacking, told
from tests.integration.proxy import DelayingProxy
from tests.integration.waiting import until
from tests.integration.working import PARTITIONS, Yard, yard

pytestmark = pytest.mark.stack

#: Until an answer is there: half of it each way.
FAR_AWAY_SECONDS = 0.3
RECOVERY_SECONDS_MAX = 30.0
EVENTS_PER_SECOND = 1500
#: So many seconds of load may wait to be committed when a change of workers is over.
LAG_SECONDS_MAX = 2


@pytest.fixture(scope="module")
async def proxy() -> AsyncIterator[DelayingProxy]:
    line = DelayingProxy(FAR_AWAY_SECONDS / 2)
    await line.start()
    yield line
    await line.stop()


@pytest.fixture(scope="module")
async def broker(stack_home: Path, proxy: DelayingProxy) -> AsyncIterator[LocalStack]:
    """Kafka alone, with a second way in that leads over the long line."""
    local = LocalStack(
        stack_home / "recovery", parts=frozenset({StackPart.KAFKA}), kafka_extra_advertised_port=proxy.port
    )
    await local.start()
    proxy.target_port = int(str(local.endpoints.kafka_extra_bootstrap).rsplit(":", 1)[1])
    yield local
    await local.stop()


@pytest.fixture
async def site(broker: LocalStack, tmp_path: Path) -> AsyncIterator[Yard]:
    async with yard(broker.endpoints.kafka_bootstrap, tmp_path) as made:
        yield made


async def committed_count(site: Yard) -> int:
    return sum(offset for place, offset in (await site.committed()).items() if "ticks" not in place.topic)


async def has_committed(site: Yard, count: int) -> bool:
    site.workers_run()
    return await committed_count(site) >= count


async def killed_in_a_burst(
    site: Yard, burst: Burst, bootstrap: str | None, per_second: int, before_kill: int
) -> float:
    """Kill a worker while events keep coming, start another; seconds until commits go on."""
    first = site.worker(bootstrap)
    feeding = asyncio.create_task(burst.feed(per_second))
    await until(lambda: has_committed(site, before_kill), 60)
    await first.kill()
    killed_at = time.monotonic()
    at_kill = await site.committed()
    state = kept(await site.records(Topic.STATE))
    assert state
    assert lacking(state, await told(site, below=at_kill)) == []
    so_far = sum(offset for place, offset in at_kill.items() if "ticks" not in place.topic)
    site.worker(bootstrap)
    await until(lambda: has_committed(site, so_far + 1), 60)
    recovery_seconds = time.monotonic() - killed_at
    burst.enough()
    await feeding
    return recovery_seconds


async def caught_up(site: Yard) -> bool:
    return await site.lag() == 0


async def nothing_was_lost_or_told_wrongly(site: Yard, burst: Burst, seconds: float) -> None:
    await burst.all_found(seconds)
    assert burst.wrongly_told(site.findings) == []
    await until(lambda: caught_up(site), seconds)
    assert lacking(kept(await site.records(Topic.STATE)), await told(site)) == []
    assert await site.records(Topic.DEAD_LETTERS) == []


async def test_a_worker_killed_in_a_burst_loses_nothing_and_says_nothing_twice(site: Yard) -> None:
    burst = Burst(site)
    recovery_seconds = await killed_in_a_burst(site, burst, None, 500, 1500)
    print(f"back at work after {recovery_seconds:.1f} s")
    assert recovery_seconds < RECOVERY_SECONDS_MAX
    await nothing_was_lost_or_told_wrongly(site, burst, 30)


async def test_the_same_holds_for_a_worker_far_away_from_its_broker(
    site: Yard, broker: LocalStack, proxy: DelayingProxy
) -> None:
    burst = Burst(site, fault_every=100)
    recovery_seconds = await killed_in_a_burst(site, burst, f"127.0.0.1:{proxy.port}", 150, 600)
    print(f"back at work after {recovery_seconds:.1f} s")
    assert recovery_seconds < RECOVERY_SECONDS_MAX
    await nothing_was_lost_or_told_wrongly(site, burst, 60)


async def is_keeping_up(site: Yard) -> bool:
    site.workers_run()
    return await site.lag() < LAG_SECONDS_MAX * EVENTS_PER_SECOND


async def share_the_partitions(site: Yard, workers: int) -> bool:
    """Of the newest ticks, one a partition, so many workers wrote some."""
    site.workers_run()
    newest = {record.partition: record.value for record in await site.records(Topic.TICKS)}
    return len({msgspec.json.decode(value, type=Tick).worker for value in newest.values()}) == workers


async def test_commits_keep_up_while_workers_come_and_go_and_nobody_writes_for_another(site: Yard) -> None:
    burst = Burst(site, fault_every=200)
    site.worker()
    feeding = asyncio.create_task(burst.feed(EVENTS_PER_SECOND))
    await until(lambda: has_committed(site, 2 * EVENTS_PER_SECOND), 40)
    second = site.worker()
    await until(lambda: share_the_partitions(site, 2), 30)
    await until(lambda: is_keeping_up(site), 60)
    at_two = burst.events
    await until(lambda: has_committed(site, at_two + 4 * EVENTS_PER_SECOND), 60)
    await second.stop()
    await until(lambda: share_the_partitions(site, 1), 30)
    await until(lambda: is_keeping_up(site), 60)
    burst.enough()
    await feeding
    await nothing_was_lost_or_told_wrongly(site, burst, 30)
    strays = [record for record in await site.records(Topic.STATE) if record.partition != home_of(record.key)]
    assert strays == []


def home_of(state_key: bytes) -> int:
    """The partition of the tenant in a key of the changelog, as producers choose it."""
    tenant = state_key.split(b"|")[1]
    return int(DefaultPartitioner()(tenant, list(range(PARTITIONS)), list(range(PARTITIONS))))


GARBAGE = {"bytes": b"\xff\x00{", "other JSON": b'{"a": [1]}', "no value": None, "no JSON object": b"17"}
#: A null value of a table's topic is a tombstone.
TOMBSTONES = (Topic.APPOINTMENTS, Topic.CALLS)


async def test_garbage_on_every_input_is_kept_aside_and_stops_nothing(site: Yard) -> None:
    systems = site.systems
    expected = {}
    for topic, (name, value) in itertools.product(INPUTS, GARBAGE.items()):
        if (value is None and topic in TOMBSTONES) or (topic is Topic.SOURCES and name == "other JSON"):
            continue
        sent = await site.send(topic, b"1", value)
        expected[(sent.topic, sent.partition, sent.offset)] = (b"1", value, name)
    for topic, key in itertools.product((Topic.WEBHOOKS, Topic.BOOKINGS, Topic.ROWS), (None, b"\xff\xfe")):
        sent = await site.send(topic, key, b"{}", partition=3)
        expected[(sent.topic, sent.partition, sent.offset)] = (key, b"{}", "bad key")
    site.worker()
    await site.send(Topic.CALLS, b"1", systems.call("1", 17, session_outcome="appointment_booked"))
    await site.send(Topic.WEBHOOKS, b"1", systems.booking("afterwards", 1))
    faults = [alert_id("phantom_booking", "1", "call", "17"), alert_id("orphaned_calcom", "1", "booking", "afterwards")]
    await until(lambda: {finding.alert_id for finding in site.findings} == set(faults), 40)
    await until(lambda: caught_up(site), 20)
    letters = {}
    for letter in await site.records(Topic.DEAD_LETTERS):
        told_where = {name: text.decode() for name, text in letter.headers}
        assert told_where["reason"]
        assert "error" in told_where
        place = (told_where["topic"], int(told_where["partition"]), int(told_where["offset"]))
        letters[place] = (letter.key, letter.value)
    assert letters == {place: (key, value) for place, (key, value, _) in expected.items()}
    site.workers_run()
