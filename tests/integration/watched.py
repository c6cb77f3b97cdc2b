"""The words of the tests of watching: connectors, door and worker around a simulated Cal.com that can be broken."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from fastapi import FastAPI
from msgspec.structs import replace

from api.door.producer import door_producer
from api.door.routes import build_router
from connectors.calcom.account_reports import AccountPolicy
from connectors.clock_watch import ClockPolicy
from connectors.process import run_connectors
from connectors.stack.stack import LocalStack
from connectors.topics_admin import ensure_topics
from connectors.watching import WatchPolicy
from connectors.world.calcom.booking import Booking
from connectors.world.calcom.deliveries import Subscription
from connectors.world.calcom.payloads import Occasion
from connectors.world.calcom.server import calcom_app
from connectors.world.calcom.state import TRIGGERS, CalcomState
from connectors.world.config import WorldAccount, WorldConfig
from connectors.world.instants import now
from connectors.world.knobs import Fate
from connectors.world.serving import serving
from streams.settings import Settings
from streams.topics import Topic
from tests.integration.connecting import CALM, PARTITIONS, POLICY, Site, account
from tests.integration.waiting import until
from tests.integration.working import WorkerProcess

#: Minutes of the design are seconds here; the proportions stay.
UNREACHABLE_SECONDS, SILENT_SECONDS, CLOCK_SECONDS = 3.0, 6.0, 4.0
WATCH = WatchPolicy(
    account=AccountPolicy(unreachable_seconds=UNREACHABLE_SECONDS, silent_seconds=SILENT_SECONDS, audit_seconds=1),
    clock=ClockPolicy(silent_seconds=CLOCK_SECONDS),
)
#: `shared` is used by tenants 1 and 2, each with an event type of its own; its others, the plain one too, are nobody's.
ACCOUNTS = (account("harbor", "1", 100), account("quay", "2", 200), account("shared", "", 300))
_numbers = itertools.count(1)


class Watched(Site):
    """A site whose webhooks come through a door, and whose bookings a worker judges."""

    worker: WorkerProcess
    door_url: str

    async def alerts(self, rule: str, like: str = "%", **where: str) -> list[Any]:
        """Of one rule, about subjects like this, in one status or tenant if given; oldest first."""
        sql = "SELECT * FROM data_consistency_alerts WHERE rule = $1 AND subject_id LIKE $2"
        for number, name in enumerate(where, 3):
            sql += f" AND {name} = ${number}"
        rows: list[Any] = await self.store.fetch(f"{sql} ORDER BY detected_at", rule, like, *where.values())
        return rows

    def subscribe(self, name: str, **changes: Any) -> None:
        """The account's one subscription as it should be, but for these changes."""
        good = Subscription(
            id=f"wh-{name}",
            account=name,
            url=f"{self.door_url}/webhooks/calcom/{name}",
            secret=f"secret-of-{name}",
            generation="legacy",
            triggers=TRIGGERS,
        )
        self.calcom.subscriptions[good.id] = replace(good, **changes)

    def start_worker(self, folder: Path) -> None:
        self.worker = WorkerProcess(self.worker_environment(folder), folder / "worker.log")

    def worker_environment(self, folder: Path) -> dict[str, str]:
        """What a worker of this site is told."""
        kafka = self.settings.kafka
        return {
            "PLUMBLINE_KAFKA__BOOTSTRAP_SERVERS": str(kafka.bootstrap_servers),
            "PLUMBLINE_KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
            "PLUMBLINE_KAFKA__PARTITIONS": str(kafka.partitions),
            "PLUMBLINE_WORKER__APP_ID": self.settings.worker.app_id,
            "PLUMBLINE_HOME": str(folder),
        }

    def announce(self, booking: Booking) -> None:
        """Cal.com tells that the booking was made."""
        self.calcom.announce(Occasion(trigger="BOOKING_CREATED", at=now()), booking, Fate(webhook="sure"))

    async def records_of(self, uid: str) -> list[tuple[str, dict[str, bytes], bytes]]:
        """Key, headers and body of every webhook on Kafka that names the booking, oldest first."""
        places = [TopicPartition(self.topic(Topic.WEBHOOKS), number) for number in range(PARTITIONS)]
        bootstrap = self.settings.kafka.bootstrap_servers
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            await consumer.seek_to_beginning()
            found: list[Any] = []
            while len(found) < sum(ends.values()):
                found += [one for batch in (await consumer.getmany(timeout_ms=200)).values() for one in batch]
        finally:
            await consumer.stop()
        found.sort(key=lambda record: record.timestamp)
        return [(one.key.decode(), dict(one.headers), one.value) for one in found if uid.encode() in one.value]

    async def all_is_well(self) -> None:
        """Every source was looked at and lives."""
        sources = 2 * len(ACCOUNTS) + 1
        sql = (
            "SELECT count(*) FROM source_states WHERE state = 'live' AND (source = 'clock' OR source LIKE 'calcom:%' "
            "OR source LIKE 'webhooks:%')"
        )
        await until(lambda: self._equals(sql, sources), 60)


@asynccontextmanager
async def watched(stack: LocalStack, folder: Path) -> AsyncIterator[Watched]:
    """Everything runs, every account was back-filled, and nothing is wrong yet."""
    number = next(_numbers)
    admin_dsn = str(stack.endpoints.admin_dsn)
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(f"CREATE DATABASE watched_{number}")
    await admin.close()
    store_dsn = admin_dsn.rsplit("/", 1)[0] + f"/watched_{number}"
    state = CalcomState(WorldConfig(accounts=ACCOUNTS, knobs=replace(CALM, webhook_delay_seconds_max=0.02)))
    async with AsyncExitStack() as parts:
        url = await parts.enter_async_context(serving(calcom_app(state)))
        parts.push_async_callback(state.deliveries.close)
        settings = _settings(stack, number, store_dsn, url)
        await ensure_topics(settings.kafka)
        producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers, acks="all")
        await producer.start()
        parts.push_async_callback(producer.stop)
        store = await asyncpg.create_pool(store_dsn, min_size=0, max_size=2)
        parts.push_async_callback(store.close)
        crm = await asyncpg.connect(stack.endpoints.source_dsn)
        parts.push_async_callback(crm.close)
        made = Watched(settings, state, producer, store, crm)
        made.door_url = await parts.enter_async_context(open_door(settings))
        for one in ACCOUNTS:
            made.subscribe(one.name)
        made.start_worker(folder)
        process = asyncio.create_task(run_connectors(settings, policy=POLICY, watch=WATCH))
        collecting = asyncio.create_task(made.collect())
        try:
            await until(lambda: store.fetchval("SELECT to_regclass('poll_cursors') IS NOT NULL"))
            await made.backfilled()
            await made.all_is_well()
            yield made
            assert not process.done()
        finally:
            await made.worker.kill()
            for task in (process, collecting):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


@asynccontextmanager
async def open_door(settings: Settings) -> AsyncIterator[str]:
    """The door alone; its address."""
    door = door_producer(settings)
    await door.start()
    app = FastAPI()
    app.include_router(build_router(settings, door))
    try:
        async with serving(app) as url:
            yield url
    finally:
        await door.stop()


def _settings(stack: LocalStack, number: int, store_dsn: str, calcom_url: str) -> Settings:
    return Settings.model_validate(
        {
            "kafka": {
                "bootstrap_servers": stack.endpoints.kafka_bootstrap,
                "partitions": PARTITIONS,
                "topic_prefix": f"watched{number}.",
            },
            "source": {"dsn": stack.endpoints.source_dsn},
            "store": {"dsn": store_dsn},
            "worker": {"app_id": f"watched{number}"},
            "calcom": {"base_url": calcom_url, "poll_interval_seconds": 5, "requests_per_minute": 500},
            "accounts": [_account(one) for one in ACCOUNTS],
        }
    )


def _account(one: WorldAccount) -> dict[str, Any]:
    told: dict[str, Any] = {"name": one.name, "api_key": one.api_key, "webhook_secrets": [one.secret]}
    if one.tenant:
        return {**told, "tenant": one.tenant}
    _, first, second, *_ = one.event_type_ids
    return {**told, "event_types": {str(first): "1", str(second): "2"}}
