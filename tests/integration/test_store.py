"""Findings become alerts in the store and on plumbline.alerts, whatever order, repetition or rubbish comes."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from functools import partial

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from connectors.leadership import lock_number
from connectors.stack.stack import LocalStack
from connectors.store.alerts import AlertStore
from connectors.store.database import StoreUnavailable, until_available
from connectors.store.findings_consumer import GROUP, FindingsConsumer
from connectors.store.migrate import migrate
from connectors.store.queries import AlertFilter, history_of, one_alert, page_of_alerts
from connectors.store.rechecks import finish_rechecks, take_rechecks
from connectors.store.relay import JOB, Relay
from connectors.store.verdicts import consistency_of
from streams.alerts.actions import Acknowledge, Recheck, Snooze
from streams.alerts.alert import Alert
from streams.model.ids import Instant
from streams.model.records import FindingRecord, Restatement, Subject, Verdict
from streams.model.rule import AlertStatus, Resolution, SubjectKind
from streams.topics import Topic
from tests.alert_words import drifted, finding
from tests.integration.alerting import Ground, iso_minutes, new_ground, running
from tests.integration.waiting import until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
async def ground(stack: LocalStack) -> AsyncIterator[Ground]:
    async with new_ground(stack) as made:
        yield made


def consumer(ground: Ground) -> FindingsConsumer:
    return FindingsConsumer(ground.settings, ground.database, ground.store)


async def alert_about(ground: Ground, subject: str) -> Alert | None:
    wanted = AlertFilter(subject=("booking", subject))
    page = await page_of_alerts(ground.database, wanted, limit=1, after=None)
    return page[0] if page else None


async def stands(ground: Ground, subject: str, status: AlertStatus, episode: int = 1) -> Alert:
    async def asked() -> Alert | None:
        alert = await alert_about(ground, subject)
        return alert if alert is not None and (alert.status, alert.episode) == (status, episode) else None

    return await until(asked)


async def test_migrating_again_changes_nothing(ground: Ground) -> None:
    assert await migrate(ground.dsn) == ()
    assert await asyncio.gather(*(migrate(ground.dsn) for _ in range(4))) == [()] * 4


async def test_a_finding_on_the_topic_is_readable_well_within_200_ms(ground: Ground) -> None:
    delays: list[float] = []
    clock = asyncio.get_running_loop().time
    async with running(consumer(ground).run):
        await ground.send(Topic.FINDINGS, finding("opened", 1, subject="warm"))
        await stands(ground, "warm", AlertStatus.OPEN)
        for number in range(10):
            await ground.send(Topic.FINDINGS, finding("opened", 1, subject=f"fast{number}"))
            sent = clock()
            await stands(ground, f"fast{number}", AlertStatus.OPEN)
            delays.append(clock() - sent)
    assert sorted(delays)[5] < 0.2


async def test_any_order_and_repetition_on_the_topic_ends_in_one_alert(ground: Ground) -> None:
    history = [
        finding("opened", 1, subject="shuffled"),
        finding("resolved", 5, proved=1, subject="shuffled"),
        finding("opened", 9, episode=2, subject="shuffled"),
    ]
    mixed = history * 3
    random.Random(7).shuffle(mixed)
    async with running(consumer(ground).run):
        await ground.send(Topic.FINDINGS, *mixed, finding("opened", 1, subject="after"))
        await stands(ground, "after", AlertStatus.OPEN)
    alert = await stands(ground, "shuffled", AlertStatus.OPEN, episode=2)
    actions = [line.action for line in await history_of(ground.database, alert.id)]
    assert actions.count("reopened") + actions.count("opened") <= 2
    [count] = await ground.query("SELECT count(*) AS n FROM data_consistency_alerts WHERE subject_id = 'shuffled'")
    assert count["n"] == 1


async def test_rubbish_becomes_a_dead_letter_and_stops_nothing(ground: Ground) -> None:
    nul = finding("opened", 1, subject="a\x00b")
    bad = [b"not json", b"", b'{"kind":"finding"}', b'{"kind":"other"}', b"\xff\xfe"]
    async with running(consumer(ground).run):
        await ground.send(Topic.FINDINGS, *bad, nul, finding("opened", 1, subject="behind rubbish"))
        await ground.send(Topic.VERDICTS, b"[]")
        await stands(ground, "behind rubbish", AlertStatus.OPEN)
        letters = await ground.read(Topic.DEAD_LETTERS, len(bad) + 2)
    found = [{name: value.decode() for name, value in letter.headers} for letter in letters]
    assert {one["reason"] for one in found} == {"undecodable", "refused_by_store"}
    assert {letter.value for letter in letters} >= set(bad)
    assert all({"topic", "partition", "offset", "reason", "error"} <= set(one) for one in found)
    assert letters[0].key == b"3"


class AwayAtFirst(AlertStore):
    """A store that is away for the first few tries."""

    tries = 0

    async def apply(self, records: Sequence[FindingRecord]) -> int:
        self.tries += 1
        if self.tries <= 3:
            raise StoreUnavailable("not yet")
        return await super().apply(records)


async def test_a_store_that_is_away_delays_and_loses_nothing(ground: Ground) -> None:
    store = AwayAtFirst(ground.database)
    async with running(FindingsConsumer(ground.settings, ground.database, store).run):
        await ground.send(Topic.FINDINGS, finding("opened", 1, subject="waited for"))
        await stands(ground, "waited for", AlertStatus.OPEN)
        await until(lambda: _caught_up(ground))
    assert store.tries == 4


async def _caught_up(ground: Ground) -> bool:
    """Whether the group has committed to the end of the findings."""
    admin = AIOKafkaAdminClient(bootstrap_servers=ground.bootstrap)
    ends = AIOKafkaConsumer(bootstrap_servers=ground.bootstrap)
    await admin.start()
    await ends.start()
    try:
        group = f"{ground.settings.kafka.topic_prefix}{GROUP}"
        committed = await admin.list_consumer_group_offsets(group)
        partitions = [TopicPartition(ground.topic(Topic.FINDINGS), number) for number in range(3)]
        last = await ends.end_offsets(partitions)
        return all(end == 0 or (one in committed and committed[one].offset == end) for one, end in last.items())
    finally:
        await ends.stop()
        await admin.close()


async def test_two_restatements_without_it_supersede_and_one_with_it_takes_that_back(ground: Ground) -> None:
    opened = finding("opened", 1, subject="restated", tenant="restating")
    await ground.store.apply([opened])
    empty = [Restatement(tenant="restating", at=iso_minutes(at), open=()) for at in (5, 5, 5, 10)]
    await ground.store.apply(empty[:3])
    assert (await stands(ground, "restated", AlertStatus.OPEN)).version == 1
    await ground.store.apply(empty[3:])
    over = await stands(ground, "restated", AlertStatus.RESOLVED)
    assert over.resolution is Resolution.SUPERSEDED
    again = Restatement(tenant="restating", at=iso_minutes(15), open=((opened.alert_id, 1),))
    await ground.store.apply([opened, again])
    await stands(ground, "restated", AlertStatus.OPEN)


async def test_a_snooze_ends_by_itself(ground: Ground) -> None:
    opened = finding("opened", 1, subject="asleep")
    await ground.store.apply([opened])
    [now] = await ground.query("SELECT extract(epoch FROM now())::float8 * 1000 AS ms")
    until_ms = Instant(int(now["ms"]) + 300)
    await ground.store.act(opened.alert_id, Snooze(until=until_ms), actor="ana", tenants=None, versions=None)
    await until(ground.store.end_snoozes)
    await stands(ground, "asleep", AlertStatus.OPEN)


async def test_concurrent_writers_lose_nothing(ground: Ground) -> None:
    opened = finding("opened", 1, subject="busy")
    await ground.store.apply([opened])
    people = [
        ground.store.act(opened.alert_id, Acknowledge(note=f"n{n}"), actor="ana", tenants=None, versions=None)
        for n in range(10)
    ]
    # Two consumers may hold a partition for a moment: one of them makes the alert, the others apply again.
    fresh = [until_available(partial(ground.store.apply, [drifted(2 + n, f"{n}")])) for n in range(5)]
    await asyncio.gather(*people, *fresh)
    made = await stands(ground, "4fQ", AlertStatus.OPEN)
    assert made.differences[0].calcom == "4"
    alert = await one_alert(ground.database, opened.alert_id, None)
    assert alert is not None
    assert alert.acknowledged_by == "ana"
    notes = [line.note for line in await history_of(ground.database, opened.alert_id) if line.note]
    assert sorted(notes) == sorted(f"n{n}" for n in range(10))


async def test_a_recheck_is_taken_once_and_finished(ground: Ground) -> None:
    opened = finding("opened", 1, subject="recheck", appointment_id="17")
    await ground.store.apply([opened])
    await ground.store.act(opened.alert_id, Recheck(), actor="ana", tenants=None, versions=None)
    await ground.store.act(opened.alert_id, Recheck(), actor="ana", tenants=None, versions=None)
    [wish] = await take_rechecks(ground.database, 10)
    assert (wish.alert_id, wish.booking_uid, wish.appointment_id) == (opened.alert_id, "recheck", "17")
    assert await take_rechecks(ground.database, 10) == ()
    await finish_rechecks(ground.database, [wish.id])
    assert await ground.query("SELECT 1 FROM recheck_requests") == []


async def test_a_booking_is_asked_for_by_any_of_its_names(ground: Ground) -> None:
    def verdict(word: str, minutes: float) -> Verdict:
        return Verdict(
            tenant="3",
            subject=Subject(kind=SubjectKind.BOOKING, id="root"),
            verdict=word,  # type: ignore[arg-type]  # one of the three words
            reason="in_sync",
            as_of=iso_minutes(minutes),
            compared_through=iso_minutes(minutes),
            aliases=("root", "newest", "4711"),
        )

    async with running(consumer(ground).run):
        await ground.send(Topic.VERDICTS, verdict("differ", 1), verdict("agree", 3), verdict("unknown", 2))
        found = await until(lambda: consistency_of(ground.database, "newest", None))
    assert (found.uid, found.tenant, found.verdict, found.as_of) == ("newest", "3", "agree", iso_minutes(3))
    assert await consistency_of(ground.database, "4711", ["3"]) is not None
    assert await consistency_of(ground.database, "4711", ["9"]) is None
    assert await consistency_of(ground.database, "never named", None) is None


async def test_the_relay_tells_each_change_in_order_and_a_new_leader_tells_again(ground: Ground) -> None:
    opened = finding("opened", 1, subject="relayed")
    first, second = Relay(ground.settings, ground.dsn), Relay(ground.settings, ground.dsn)
    async with running(first.run):
        await until(lambda: first.leading)
        async with running(second.run):
            await ground.store.apply([opened])
            await ground.store.apply([finding("resolved", 5, proved=1, subject="relayed")])

            async def both_sent() -> bool:
                sent = "SELECT 1 FROM outbox WHERE alert_id = $1::uuid AND published_at IS NOT NULL"
                return len(await ground.query(sent, opened.alert_id)) == 2

            await until(both_sent)
            assert not second.leading
    rows = await ground.query("SELECT sequence FROM outbox ORDER BY sequence")
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    records = await ground.read(Topic.ALERTS, len(rows))
    of_alert = [json.loads(record.value) for record in records if record.key == opened.alert_id.encode()]
    assert [(one["status"], one["version"]) for one in of_alert] == [("open", 1), ("resolved", 2)]
    assert [int(dict(record.headers)["sequence"]) for record in records] == [row["sequence"] for row in rows]
    async with running(second.run):
        again = await ground.read(Topic.ALERTS, 2 * len(rows))
    assert [record.key for record in again[len(rows) :]] == [record.key for record in records]


async def test_a_leader_that_lost_its_connection_leads_no_more(ground: Ground) -> None:
    relay = Relay(ground.settings, ground.dsn)
    leading = asyncio.ensure_future(relay.run())
    await until(lambda: relay.leading)
    number = lock_number(JOB)
    await ground.query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks"
        " WHERE locktype = 'advisory' AND (classid::bigint << 32 | objid::bigint) = $1",
        number,
    )
    await asyncio.wait({leading}, timeout=20)
    assert leading.exception() is not None
    assert not relay.leading


async def test_what_is_long_over_leaves_the_topic_by_a_tombstone_and_the_outbox_for_good(ground: Ground) -> None:
    old = finding("opened", 1, subject="long over")
    await ground.store.apply([old, finding("resolved", 5, proved=1, subject="long over")])
    await ground.query(
        "UPDATE data_consistency_alerts SET resolved_at = now() - interval '91 days' WHERE id = $1::uuid", old.alert_id
    )
    await ground.query("UPDATE outbox SET sequence = nextval('outbox_sequence') WHERE sequence IS NULL")
    await ground.query("UPDATE outbox SET published_at = now() - interval '8 days'")
    relay = Relay(ground.settings, ground.dsn)
    async with running(relay.run):
        gone = "SELECT 1 FROM data_consistency_alerts WHERE id = $1::uuid AND tombstoned_at IS NOT NULL"
        await until(lambda: ground.query(gone, old.alert_id))
        assert await ground.query("SELECT 1 FROM outbox") == []
    [end] = await ground.query("SELECT last_value AS n FROM outbox_sequence")
    assert end["n"] > 0
