"""The words of the source's tests: a prepared database, a registered connector, and what comes out of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from connectors.source.prepare import apply, remove
from connectors.source.registration import Registration, register
from connectors.source.rest import ConnectRest
from connectors.stack.stack import LocalStack
from tests.integration.waiting import until

PARTITIONS = 4


@dataclass(frozen=True, slots=True)
class Change:
    """One change event as it lies on the topic."""

    key: bytes | None
    partition: int
    op: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    source: dict[str, Any]
    value: bytes
    timestamp: int

    @property
    def row(self) -> dict[str, Any]:
        return self.after or self.before or {}


class Feed:
    """A monitored database with its connector, and its changes in order of arrival."""

    def __init__(self, application: asyncpg.Connection, consumer: AIOKafkaConsumer) -> None:
        self.application = application
        self._consumer = consumer

    async def insert(self, table: str, **columns: object) -> int:
        """As the application does. The new row's key."""
        names, places = ", ".join(columns), ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        sql = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id"
        key = await self.application.fetchval(sql, *columns.values())
        assert isinstance(key, int)
        return key

    async def execute(self, sql: str, *values: object) -> None:
        """As the application does, which waits 3 s at most."""
        await self.application.execute(sql, *values, timeout=3.0)

    async def changes(self, key: object, count: int, column: str = "id", table: str | None = None) -> list[Change]:
        """The first `count` changes from now on of the row with this key, in one table or in whichever."""
        found: list[Change] = []
        async with asyncio.timeout(30):
            while len(found) < count:
                change = _change(await self._consumer.getone())
                if change.row.get(column) == key and table in (None, change.source["table"]):
                    found.append(change)
        return found


@asynccontextmanager
async def feed(
    stack: LocalStack,
    registration: Registration,
    *,
    application_dsn: str,
    admin_dsn: str,
    password: str,
    after_removal: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[Feed]:
    """Prepare, register, read; in the end take the connector away and everything out of the database."""
    names = ("appointments", "calls") if registration.mapping.calls else ("appointments",)
    topics = [f"{registration.prefix}.public.{name}" for name in names]
    await _make_topics(stack, topics)
    application = await asyncpg.connect(application_dsn)
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=stack.endpoints.kafka_bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    await apply(admin_dsn, mapping=registration.mapping, names=registration.names, password=password)
    async with ConnectRest(stack.endpoints.connect_url or "") as connect:
        try:
            await register(connect, registration)
            await until(lambda: _runs(connect, registration.connector))
            yield Feed(application, consumer)
        finally:
            await consumer.stop()
            await connect.delete(registration.connector)
            await remove(admin_dsn, names=registration.names)
    if after_removal is not None:
        await after_removal()
    await application.close()


async def _runs(connect: ConnectRest, name: str) -> bool:
    state = await connect.state(name)
    if state is not None and state.failure:
        raise AssertionError(state.failure)
    return state is not None and state.running


async def _make_topics(stack: LocalStack, topics: list[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.endpoints.kafka_bootstrap)
    await admin.start()
    config = {"message.timestamp.type": "LogAppendTime"}
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=config) for topic in topics])
    await admin.close()


def _change(record: Any) -> Change:
    value = json.loads(record.value)
    return Change(
        key=record.key,
        partition=record.partition,
        op=value["op"],
        before=value["before"],
        after=value["after"],
        source=value["source"],
        value=record.value,
        timestamp=record.timestamp,
    )
