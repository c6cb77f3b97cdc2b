"""The database's feed on the real stack: what is lost is noticed and filled, what only stumbles is no alarm.

One feed lives through all of it, in this order. A gap's back-fill is the real one: a pass over both sides.
"""

import signal
import time
from collections.abc import AsyncIterator, Callable

import pytest

from connectors.source.registering import RESTARTS
from connectors.stack.stack import LocalStack
from tests.integration.waiting import until
from tests.integration.watching import PARTITIONS, RETAINED_BYTES_MAX, SEGMENT_BYTES, Watched, watched

pytestmark = pytest.mark.stack

#: Design §5: silent for 15 s; then one look a second, and a moment to tell.
STALLED_SECONDS_MAX = 17.0
GAP_SECONDS_MAX = 5.0

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
async def feed(stack: LocalStack) -> AsyncIterator[Watched]:
    async with watched(stack) as made:
        await made.insert(1)
        yield made


async def test_a_first_snapshot_is_no_loss_and_the_state_reaches_each_partition(feed: Watched) -> None:
    await feed.is_live(90)
    await until(lambda: any(state.heard_through for _, state in feed.states))
    assert {partition for partition, _ in feed.states} == set(range(PARTITIONS))
    assert feed.told() == []


async def test_a_slot_that_was_dropped_is_a_gap_that_is_filled_and_ends(feed: Watched, record_property: Record) -> None:
    passes, began = len(feed.passes), time.monotonic()
    await feed.drop_slot()
    await feed.told_of("resolved coverage_gap 1", 90)
    assert feed.told() == ["opened coverage_gap 1", "resolved coverage_gap 1"]
    record_property("gap told after seconds", told := feed.seconds_to("opened coverage_gap 1", began))
    record_property("gap ended after seconds", feed.seconds_to("resolved coverage_gap 1", began))
    assert told < GAP_SECONDS_MAX
    assert {one.side for one in feed.passes[passes:]} == {"calcom", "database"}
    await until(lambda: _ends_as(feed, "recovered"))
    [alert] = await feed.alerts()
    assert alert["title"] == "Events were lost, back-fill is running"
    assert "before: the replication slot" in alert["summary"]
    assert (alert["tenant"], alert["baseline"], alert["episode"]) == ("*", False, 1)


async def test_a_failed_task_is_restarted_and_no_alarm(feed: Watched, record_property: Record) -> None:
    await feed.is_live()
    known = len(feed.findings)
    restarts = RESTARTS.labels(feed.connector)._value.get()
    await feed.as_admin("ALTER ROLE plumbline NOLOGIN")
    try:
        await feed.as_admin("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'plumbline'")
        began = time.monotonic()
        await until(lambda: _has_failed(feed))
        record_property("task failed after seconds", time.monotonic() - began)
    finally:
        await feed.as_admin("ALTER ROLE plumbline LOGIN")
    await until(lambda: RESTARTS.labels(feed.connector)._value.get() > restarts)
    record_property("task restarted after seconds", time.monotonic() - began)
    await until(lambda: _runs(feed))
    await feed.is_live()
    assert feed.told()[known:] == []


async def test_a_restarted_postgres_is_no_gap(feed: Watched, record_property: Record) -> None:
    known, began = len(feed.findings), time.monotonic()
    before = feed.stack.supervisor.pids()["postgres"]
    feed.signal("postgres", signal.SIGINT)
    await feed.started_again("postgres", before)
    await feed.is_live(90)
    record_property("live again after seconds", time.monotonic() - began)
    await _moves_on(feed)
    assert feed.told()[known:] == []


async def test_a_restarted_broker_is_no_alarm(feed: Watched, record_property: Record) -> None:
    known, began = len(feed.findings), time.monotonic()
    before = feed.stack.supervisor.pids()["kafka"]
    feed.signal("kafka", signal.SIGTERM)
    await feed.started_again("kafka", before)
    await feed.is_live(90)
    record_property("live again after seconds", time.monotonic() - began)
    await _moves_on(feed)
    assert feed.told()[known:] == []


async def test_a_debezium_that_stands_still_is_told_and_so_is_its_return(
    feed: Watched, record_property: Record
) -> None:
    await feed.is_live()
    began = time.monotonic()
    feed.signal("connect", signal.SIGSTOP)
    try:
        await feed.told_of("opened source_stalled 1")
    finally:
        feed.signal("connect", signal.SIGCONT)
    record_property("stall told after seconds", told := feed.seconds_to("opened source_stalled 1", began))
    back = time.monotonic()
    await feed.told_of("resolved source_stalled 1")
    record_property("return told after seconds", feed.seconds_to("resolved source_stalled 1", back))
    assert told < STALLED_SECONDS_MAX
    assert feed.told()[-2:] == ["opened source_stalled 1", "resolved source_stalled 1"]


async def test_a_slot_that_was_dropped_while_nobody_watched_is_a_gap_all_the_same(
    feed: Watched, record_property: Record
) -> None:
    await feed.is_live()
    await feed.stop()
    try:
        await feed.drop_slot()
        # Debezium has made it anew and goes on, as if nothing had happened.
        await until(lambda: feed.as_admin("SELECT active FROM pg_replication_slots WHERE slot_name = 'plumbline'"))
    finally:
        feed.start()
    began = time.monotonic()
    await feed.told_of("resolved coverage_gap 2", 90)
    record_property("gap told after seconds", feed.seconds_to("opened coverage_gap 2", began))
    assert feed.told()[-2:] == ["opened coverage_gap 2", "resolved coverage_gap 2"]


async def test_a_slot_that_would_fill_the_disk_is_given_up_and_the_gap_is_filled(
    feed: Watched, record_property: Record
) -> None:
    await feed.is_live()
    feed.signal("connect", signal.SIGSTOP)
    try:
        await feed.write_log(RETAINED_BYTES_MAX // SEGMENT_BYTES + 1)
        began = time.monotonic()
        await feed.told_of("opened coverage_gap 3")
        assert "we gave our slot up" in feed.findings[-1][1].verification.read_what
        record_property("slot given up after seconds", feed.seconds_to("opened coverage_gap 3", began))
        assert await feed.as_admin("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'plumbline'") == 0
    finally:
        feed.signal("connect", signal.SIGCONT)
    await feed.told_of("resolved coverage_gap 3", 90)
    record_property("gap ended after seconds", feed.seconds_to("resolved coverage_gap 3", began))
    await feed.is_live()


async def _ends_as(feed: Watched, resolution: str) -> bool:
    return [alert["resolution"] for alert in await feed.alerts()] == [resolution]


async def _has_failed(feed: Watched) -> bool:
    state = await feed.connect.state(feed.connector)
    return state is not None and state.failure is not None


async def _runs(feed: Watched) -> bool:
    state = await feed.connect.state(feed.connector)
    return state is not None and state.running


async def _moves_on(feed: Watched) -> None:
    """What is heard moves on with the time, and nothing stood in for it."""
    newest = max(state.heard_through or "" for _, state in feed.states)
    await until(lambda: any((state.heard_through or "") > newest for _, state in feed.states))
