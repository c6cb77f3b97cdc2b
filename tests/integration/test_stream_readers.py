"""Readers of the live stream: how many may, what a slow one costs, and what is not kept for them any more."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from api.readers import READERS_PER_KEY_MAX
from connectors.stack.stack import LocalStack
from connectors.store.relay import Relay
from connectors.store.tail import PAGE_MAX
from tests.integration.alerting import Ground, new_ground, running
from tests.integration.streaming import (
    PATH,
    Reader,
    listening,
    next_id,
    numbered,
    numbers,
    opened,
    published,
    replica,
    stalled,
    take_one_and_go,
    write_changes,
)
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

#: More than the sockets' buffers hold.
CHANGES = 2_000


@pytest.fixture(scope="module")
async def ground(stack: LocalStack) -> AsyncIterator[Ground]:
    """With a relay that numbers and sends, as in the connectors process."""
    async with new_ground(stack) as made:
        relay = Relay(made.settings, made.dsn)
        async with running(relay.run):
            await until(lambda: relay.leading)
            yield made


async def test_a_reader_that_takes_nothing_costs_no_memory_and_misses_nothing(ground: Ground) -> None:
    [alert_id] = await opened(ground, "stalled")
    start = await numbered(ground)
    async with replica(ground) as (url, _), stalled(url, start) as connection:
        other = Reader()
        other.last = start
        weights = []
        tracemalloc.start()
        try:
            for _ in range(2):
                await write_changes(ground, CHANGES, like=alert_id)
                await other.read(url, until=await numbered(ground))
                other.seen, other.alerts = [], []
                gc.collect()
                weights.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        written = [one for one in await numbers(ground) if one > start]
        seen = [await next_id(connection) for _ in written]
    # So many alerts as Python holds them would be some 10 MB.
    assert weights[1] - weights[0] < 1_500_000
    assert seen == written


async def test_who_hangs_up_in_the_middle_of_a_page_is_written_to_no_more(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    [alert_id] = await opened(ground, "in the middle")
    start = await numbered(ground)
    await write_changes(ground, 5 * PAGE_MAX, like=alert_id)
    await numbered(ground)
    async with replica(ground) as (url, _):
        for _ in range(20):  # in a thread, so that it is gone while the page is being written
            await asyncio.to_thread(take_one_and_go, url, start)
    assert "socket.send()" not in caplog.text  # asyncio's complaint of writes to who is gone


async def test_too_many_readers_of_a_key_are_turned_away_and_places_come_free(ground: Ground) -> None:
    async with replica(ground) as (url, _):
        async with AsyncExitStack() as crowd:
            readers = [
                await crowd.enter_async_context(listening(url, "key-of-three")) for _ in range(READERS_PER_KEY_MAX)
            ]
            assert len([await anext(told) for told in readers]) == READERS_PER_KEY_MAX
            async with httpx.AsyncClient(base_url=url) as client:
                refused = await client.get(PATH, headers={"authorization": "Bearer key-of-three"})
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
            assert refused.json()["type"] == "urn:plumbline:too-many-readers"
            async with listening(url, "key-of-nine") as told:
                await anext(told)

        async def again() -> bool:
            async with (
                httpx.AsyncClient(base_url=url) as client,
                client.stream("GET", PATH, headers={"authorization": "Bearer key-of-three"}) as answer,
            ):
                return answer.status_code == 200

        assert await until(again)


async def test_a_process_that_ends_ends_its_streams(ground: Ground) -> None:
    async with replica(ground) as (url, services), listening(url) as told:
        await anext(told)
        services.readers.close()
        async with asyncio.timeout(1):
            assert [block async for block in told] == []
        async with httpx.AsyncClient(base_url=url) as client:
            refused = await client.get(PATH, headers={"authorization": "Bearer key-of-ops"})
        assert refused.status_code == 503


async def test_pruning_says_up_to_where_nothing_is_kept(stack: LocalStack) -> None:
    async with new_ground(stack) as ground, replica(ground) as (url, _):
        relay = Relay(ground.settings, ground.dsn)
        async with running(relay.run):
            await opened(ground, "old", "old too")
            await until(lambda: published(ground, 2))
        await ground.query("UPDATE outbox SET published_at = now() - interval '8 days'")
        relay = Relay(ground.settings, ground.dsn)
        async with running(relay.run):  # who begins to lead prunes first
            await opened(ground, "young")
            await until(lambda: published(ground, 1))
        young = await numbers(ground)
        for position, events in ((young[0] - 2, ["reset"]), (young[0] - 1, [None, "alert"])):
            async with listening(url, last=position) as told:
                assert [(await anext(told)).event for _ in events] == events
