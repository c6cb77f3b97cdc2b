"""The words of loss: a life on the real stack, whose worker, worker's state or database feed can be lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from msgspec.structs import replace

from connectors.process import run_connectors
from connectors.source.mapping import EXAMPLE
from connectors.source.prepare import apply, names_of, remove
from connectors.source.registering import registration_of
from connectors.source.rest import ConnectRest
from connectors.stack.stack import LocalStack
from connectors.topics_admin import ensure_topics
from connectors.world.calcom.server import calcom_app
from connectors.world.calcom.state import CalcomState
from connectors.world.config import WorldConfig
from connectors.world.serving import serving
from streams.settings import Settings
from streams.topics import Topic
from tests.integration.connecting import CALM, PARTITIONS
from tests.integration.living import ACCOUNTS, Life
from tests.integration.reading import all_records
from tests.integration.waiting import until
from tests.integration.watched import open_door
from tests.integration.working import WorkerProcess


class LossyLife(Life):
    """A life and what may be lost of what watches it."""

    stack: LocalStack
    folder: Path
    version = 1
    _connectors: asyncio.Task[None]

    def work(self) -> None:
        """Start the worker in its present version."""
        version = {"PLUMBLINE_WORKER__VERSION": str(self.version)}
        log = self.folder / f"worker-{self.version}.log"
        self.worker = WorkerProcess(self.worker_environment(self.folder) | version, log)

    def work_anew(self) -> None:
        """Start it as the next version, which reads every topic from its start."""
        self.version += 1
        self.work()

    def start_connectors(self) -> None:
        self._connectors = asyncio.create_task(run_connectors(self.settings))

    async def stop_connectors(self) -> None:
        self._connectors.cancel()
        await asyncio.gather(self._connectors, return_exceptions=True)

    @property
    def connectors_run(self) -> bool:
        return not self._connectors.done()

    async def lose_state(self) -> None:
        """The worker's topic is made anew: a compacted one refuses to have its records deleted."""
        topic = self.topic(Topic.STATE)
        async with _admin(self.settings) as admin:
            await admin.delete_topics([topic])

            async def gone() -> bool:
                return topic not in await admin.list_topics()

            await until(gone)
        await ensure_topics(self.settings.kafka)

    async def lose_feed(self) -> None:
        """Connect was built anew, and somebody cleaned up in the database: no connector, no offsets, no slot."""
        async with ConnectRest(str(self.stack.endpoints.connect_url)) as connect:
            await connect.delete(registration_of(self.settings).connector)
        admin = await asyncpg.connect(self.stack.endpoints.admin_dsn)
        try:

            async def dropped() -> bool:
                await admin.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
                with suppress(asyncpg.ObjectInUseError):
                    await admin.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
                    return True
                return False

            await until(dropped)
        finally:
            await admin.close()

    async def snapshot_rows(self) -> int:
        """How many rows came by a snapshot so far."""
        bootstrap = str(self.settings.kafka.bootstrap_servers)
        found = await all_records(bootstrap, self.topic(Topic.APPOINTMENTS), PARTITIONS)
        return sum(b'"op":"r"' in record.value for record in found)

    async def feed_is_live(self) -> None:
        sql = "SELECT count(*) FROM source_states WHERE source = 'database' AND state = 'live'"
        await until(lambda: self._equals(sql, 1), 60)

    async def gap_is_over(self) -> None:
        """What the lost feed may have hidden was read from both sides."""
        sql = "SELECT count(*) FROM data_consistency_alerts WHERE rule = 'coverage_gap' AND status = 'resolved'"
        await until(lambda: self._equals(sql, 1), 60)


@asynccontextmanager
async def lossy_life(stack: LocalStack, folder: Path) -> AsyncIterator[LossyLife]:
    """Everything runs and was back-filled; neither system holds anything yet."""
    admin_dsn = str(stack.endpoints.admin_dsn)
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute("CREATE DATABASE living")
    await admin.close()
    names, password = names_of(str(stack.endpoints.reader_dsn))
    state = CalcomState(WorldConfig(accounts=ACCOUNTS, knobs=replace(CALM, webhook_delay_seconds_max=0.02)))
    async with AsyncExitStack() as parts:
        await apply(admin_dsn, mapping=EXAMPLE, names=names, password=password)
        parts.push_async_callback(remove, admin_dsn, names=names)
        url = await parts.enter_async_context(serving(calcom_app(state)))
        parts.push_async_callback(state.deliveries.close)
        settings = _settings(stack, admin_dsn.rsplit("/", 1)[0] + "/living", url)
        await ensure_topics(settings.kafka)
        producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers, acks="all")
        await producer.start()
        parts.push_async_callback(producer.stop)
        store = await asyncpg.create_pool(settings.store.dsn.get_secret_value(), min_size=0, max_size=2)  # type: ignore[union-attr] # it has one
        parts.push_async_callback(store.close)
        crm = await asyncpg.connect(stack.endpoints.source_dsn)
        parts.push_async_callback(crm.close)
        made = LossyLife(settings, state, producer, store, crm)
        made.stack, made.folder = stack, folder
        made.door_url = await parts.enter_async_context(open_door(settings))
        for one in ACCOUNTS:
            made.subscribe(one.name)
        parts.push_async_callback(_forget_connector, settings)
        async with _running(made):
            yield made


@asynccontextmanager
async def _running(made: LossyLife) -> AsyncIterator[None]:
    made.work()
    made.start_connectors()
    try:
        await until(lambda: made.store.fetchval("SELECT to_regclass('poll_cursors') IS NOT NULL"))
        await made.backfilled()
        await made.feed_is_live()
        yield
        assert made.connectors_run
    finally:
        await made.worker.kill()
        await made.stop_connectors()


async def _forget_connector(settings: Settings) -> None:
    async with ConnectRest(str(settings.source.connect_url)) as connect:
        await connect.delete(registration_of(settings).connector)


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


def _settings(stack: LocalStack, store_dsn: str, calcom_url: str) -> Settings:
    return Settings.model_validate(
        {
            "kafka": {
                "bootstrap_servers": stack.endpoints.kafka_bootstrap,
                "partitions": PARTITIONS,
                "topic_prefix": "living.",
            },
            "source": {"dsn": stack.endpoints.reader_dsn, "connect_url": stack.endpoints.connect_url},
            "store": {"dsn": store_dsn},
            "worker": {"app_id": "living"},
            "calcom": {"base_url": calcom_url, "poll_interval_seconds": 60, "requests_per_minute": 120},
            "accounts": [
                {"name": one.name, "tenant": one.tenant, "api_key": one.api_key, "webhook_secrets": [one.secret]}
                for one in ACCOUNTS
            ],
        }
    )
