"""The words of the store's tests: a store and topics of one's own on the real stack, and what runs on them."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from connectors.stack.stack import LocalStack
from connectors.store.alerts import AlertStore
from connectors.store.database import Database
from connectors.store.migrate import migrate
from streams.settings import Settings
from streams.topics import Topic, topic_name, topic_table
from tests.alert_words import INSTALLED, clock

_numbers = itertools.count(1)
TOPICS = (Topic.FINDINGS, Topic.VERDICTS, Topic.ALERTS, Topic.DEAD_LETTERS)

KEYS = (
    {"name": "ops", "key": "key-of-ops", "role": "admin", "tenants": ["*"]},
    {"name": "three", "key": "key-of-three", "role": "operator", "tenants": ["3"]},
    {"name": "nine", "key": "key-of-nine", "role": "viewer", "tenants": ["9"]},
)


class Ground:
    """A migrated store and topics with a prefix, both nobody else's."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.store = AlertStore(database, timezone_of=settings.timezone_of)
        self.bootstrap = str(settings.kafka.bootstrap_servers)

    @property
    def dsn(self) -> str:
        return self.database.dsn

    def topic(self, topic: Topic) -> str:
        return topic_name(topic, self.settings.kafka.topic_prefix)

    async def send(self, topic: Topic, *values: bytes | msgspec.Struct, key: str = "3") -> None:
        """Records of one tenant, acknowledged."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        await producer.start()
        try:
            for value in values:
                data = value if isinstance(value, bytes) else msgspec.json.encode(value)
                await producer.send_and_wait(self.topic(topic), value=data, key=key.encode())
        finally:
            await producer.stop()

    async def read(self, topic: Topic, count: int, seconds: float = 20.0) -> list[Any]:
        """The first `count` records of a topic. Raises TimeoutError."""
        consumer = AIOKafkaConsumer(
            self.topic(topic), bootstrap_servers=self.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=50
        )
        await consumer.start()
        found: list[Any] = []
        try:
            async with asyncio.timeout(seconds):
                while len(found) < count:
                    batches = await consumer.getmany(timeout_ms=200)
                    found += [record for batch in batches.values() for record in batch]
        finally:
            await consumer.stop()
        return found

    async def query(self, sql: str, *values: object) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(sql, *values)]


@asynccontextmanager
async def new_ground(stack: LocalStack) -> AsyncIterator[Ground]:
    """A database and topics made for one test module; the installation is as old as the tests' words say."""
    number = next(_numbers)
    admin_dsn = str(stack.endpoints.admin_dsn)
    name = f"alerting_{number}"
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    dsn = admin_dsn.rsplit("/", 1)[0] + f"/{name}"
    settings = Settings.model_validate(
        {
            "kafka": {
                "bootstrap_servers": stack.endpoints.kafka_bootstrap,
                "partitions": 3,
                "topic_prefix": f"alerting{number}.",
            },
            "store": {"dsn": dsn},
            "api_keys": KEYS,
            "tenants": [{"id": "3", "timezone": "Europe/Berlin"}, {"id": "9"}],
        }
    )
    await _create_topics(settings)
    await migrate(dsn)
    database = Database(dsn)
    ground = Ground(settings, database)
    await ground.query("UPDATE installation SET installed_at = to_timestamp($1::float8 / 1000)", float(INSTALLED))
    try:
        yield ground
    finally:
        await database.close()


async def _create_topics(settings: Settings) -> None:
    table = topic_table(partitions=3, replication_factor=1, prefix=settings.kafka.topic_prefix)
    wanted = {topic_name(topic, settings.kafka.topic_prefix) for topic in TOPICS}
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(one.name, one.partitions, 1, topic_configs=one.config) for one in table if one.name in wanted]
        )
    finally:
        await admin.close()


@asynccontextmanager
async def running(*works: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """These tasks run for as long as the block does; an error of theirs is an error of the block."""
    tasks = [asyncio.ensure_future(work()) for work in works]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def iso_minutes(minutes: float) -> str:
    return str(clock(minutes))
