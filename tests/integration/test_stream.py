"""The live stream: no gap and no repetition over reconnects and replicas, and slow readers cost nothing."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from connectors.stack.stack import LocalStack
from connectors.store.relay import Relay
from connectors.store.tail import PAGE_MAX, RING_MAX
from streams.model.records import Evidence
from streams.model.rule import AlertStatus
from tests.alert_words import finding
from tests.integration.alerting import Ground, new_ground, running
from tests.integration.streaming import PATH, Reader, listening, numbered, numbers, opened, replica, write_changes
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

DISCONNECTS = 100


@pytest.fixture(scope="module")
async def ground(stack: LocalStack) -> AsyncIterator[Ground]:
    """With a relay that numbers and sends, as in the connectors process."""
    async with new_ground(stack) as made:
        relay = Relay(made.settings, made.dsn)
        async with running(relay.run):
            await until(lambda: relay.leading)
            yield made


@pytest.fixture(scope="module")
async def replicas(ground: Ground) -> AsyncIterator[list[str]]:
    async with AsyncExitStack() as opened:
        yield [(await opened.enter_async_context(replica(ground)))[0] for _ in range(2)]


async def test_a_hundred_disconnects_while_changes_are_written_leave_no_gap_and_no_repetition(
    ground: Ground, replicas: list[str]
) -> None:
    chance = random.Random(11)
    await opened(ground, "before")
    start = await numbered(ground)
    reader = Reader()
    reader.last = start

    async def write() -> None:
        for number in range(10_000):
            await opened(ground, *(f"d{number}.{one}" for one in range(chance.randint(1, 5))))
            await asyncio.sleep(chance.random() * 0.02)

    async with running(write):
        for _ in range(DISCONNECTS):
            await reader.read(chance.choice(replicas), events=chance.randint(1, 6))
    newest = await numbered(ground)
    await reader.read(chance.choice(replicas), until=newest)
    assert reader.seen == [one for one in await numbers(ground) if one > start]
    assert reader.resets == 0


async def test_without_an_id_the_stream_begins_with_what_comes_next_and_gives_a_place_to_resume_from(
    ground: Ground, replicas: list[str]
) -> None:
    await opened(ground, "long ago")
    newest = await numbered(ground)
    async with listening(replicas[0]) as told:
        first = await anext(told)
    assert (first.id, first.event) == (newest, None)
    [missed] = await opened(ground, "while nobody listened")
    async with listening(replicas[1], last=first.id) as told:
        assert (await anext(told)).event is None
        assert (await anext(told)).data["id"] == missed


async def test_an_event_is_the_alert_as_the_api_shows_it(ground: Ground, replicas: list[str]) -> None:
    [alert_id] = await opened(ground, "shown")
    newest = await numbered(ground)
    async with (
        listening(replicas[0], query=f"last_event_id={newest - 1}") as told,
        httpx.AsyncClient(base_url=replicas[0], headers={"authorization": "Bearer key-of-ops"}) as client,
    ):
        await anext(told)
        event = await anext(told)
        assert event == (newest, "alert", (await client.get(f"/v1/alerts/{alert_id}")).json())


async def test_a_key_is_told_of_its_own_tenants_and_without_restricted_evidence(
    ground: Ground, replicas: list[str]
) -> None:
    secret = Evidence(source="database", what="row 1 of tenant 9", restricted=True)
    start = await numbered(ground)
    await opened(ground, "own", tenant="3", evidence=(secret,))
    await opened(ground, "foreign", tenant="9")
    newest = await numbered(ground)
    own, foreign, all_of_them = Reader("key-of-three"), Reader("key-of-three", "tenant=9"), Reader()
    for reader in (own, foreign, all_of_them):
        reader.last = start
    await all_of_them.read(replicas[0], until=newest)
    assert [alert["tenant"] for alert in all_of_them.alerts] == ["3", "9"]
    assert all_of_them.alerts[0]["evidence"]
    await opened(ground, "own again", tenant="3")
    await own.read(replicas[0], events=2)
    assert [alert["subject"]["id"] for alert in own.alerts] == ["own", "own again"]
    assert own.alerts[0]["evidence"] == []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await foreign.read(replicas[0], events=1)


async def test_filters_narrow_and_combine(ground: Ground, replicas: list[str]) -> None:
    start = await numbered(ground)
    await opened(ground, "narrow")
    await ground.store.apply([finding("resolved", 5, proved=1, subject="narrow")])
    for query, statuses in (
        ("status=resolved", [AlertStatus.RESOLVED]),
        ("status=resolved&status=open&rule=orphaned_calcom", [AlertStatus.OPEN, AlertStatus.RESOLVED]),
        ("severity=critical&tenant=3", [AlertStatus.OPEN, AlertStatus.RESOLVED]),
    ):
        reader = Reader(query=query)
        reader.last = start
        await reader.read(replicas[1], events=len(statuses))
        assert [alert["status"] for alert in reader.alerts] == statuses


async def test_who_comes_with_a_position_that_is_gone_or_foreign_is_told_to_list_again(
    ground: Ground, replicas: list[str]
) -> None:
    await opened(ground, "kept")
    newest = await numbered(ground)
    for lost in (newest + 1_000_000, 0):
        if lost == 0:  # as the relay's pruning leaves it
            await ground.query(
                "WITH gone AS (DELETE FROM outbox WHERE sequence = 1) UPDATE outbox_pruned SET through = 1"
            )
        async with listening(replicas[0], last=lost) as told:
            reset = await anext(told)
            assert (reset.id, reset.event) == (newest, "reset")
            [after] = await opened(ground, f"after {lost}")
            assert (await anext(told)).data["id"] == after
        newest = await numbered(ground)


async def test_a_reader_far_behind_gets_everything_from_the_table(ground: Ground, replicas: list[str]) -> None:
    [alert_id] = await opened(ground, "repeated")
    start = await numbered(ground)
    async with listening(replicas[0]) as told:  # its process follows meanwhile
        await anext(told)
        await write_changes(ground, RING_MAX + 3 * PAGE_MAX, like=alert_id)
        newest = await numbered(ground)
        behind = Reader()
        behind.last = start
        await behind.read(replicas[0], until=newest)
    assert behind.seen == [one for one in await numbers(ground) if one > start]


async def test_a_store_that_goes_away_leaves_no_gap(ground: Ground, replicas: list[str]) -> None:
    await opened(ground, "before it went")
    newest = await numbered(ground)
    async with listening(replicas[0], last=newest) as told:
        await anext(told)
        await ground.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name IN ('plumbline-stream', 'plumbline-api') AND datname = current_database()"
        )
        ids = await opened(ground, "while it was away", "and again")
        assert [(await anext(told)).data["id"] for _ in ids] == ids


@pytest.mark.parametrize("bad", ["-1", "x", "9223372036854775808", "1.5"])
async def test_a_bad_position_is_a_problem(replicas: list[str], bad: str) -> None:
    async with httpx.AsyncClient(base_url=replicas[0], headers={"authorization": "Bearer key-of-ops"}) as client:
        for answer in (
            await client.get(PATH, headers={"last-event-id": bad}),
            await client.get(PATH, params={"last_event_id": bad}),
        ):
            assert answer.status_code == 422
            assert answer.headers["content-type"] == "application/problem+json"
        assert (await client.get(PATH, headers={"authorization": "Bearer wrong"})).status_code == 401
