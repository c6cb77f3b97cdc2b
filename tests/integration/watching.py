"""The words of the sources' tests: real connectors that watch a real feed, and what they tell of it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer

from connectors.process import run_connectors
from connectors.source.mapping import EXAMPLE
from connectors.source.prepare import apply, names_of, remove
from connectors.source.registering import registration_of
from connectors.source.rest import ConnectRest
from connectors.stack.stack import LocalStack
from connectors.world.calcom.server import calcom_app
from connectors.world.calcom.state import CalcomState
from connectors.world.config import WorldConfig
from connectors.world.serving import serving
from streams.model.records import Finding, Restatement
from streams.model.source_records import DATABASE, PassComplete, SourceState
from streams.settings import Settings
from streams.topics import Topic, topic_name
from tests.integration.connecting import ACCOUNTS, CALM
from tests.integration.waiting import until

PARTITIONS = 3
MIB = 1024**2
#: More than what the other scenarios leave behind, less than one has to write for long.
RETAINED_BYTES_MAX = 64 * MIB
SEGMENT_BYTES = 16 * MIB


class Watched:
    """A database, its feed, and the connectors that watch both; `told` is about the source `database` alone."""

    def __init__(self, stack: LocalStack, settings: Settings) -> None:
        self.stack = stack
        self.settings = settings
        self.connect = ConnectRest(str(stack.endpoints.connect_url))
        self.connector = registration_of(settings).connector
        self.states: list[tuple[int, SourceState]] = []
        self.findings: list[tuple[float, Finding]] = []
        self.passes: list[PassComplete] = []
        self._process: asyncio.Task[None] | None = None

    def start(self) -> None:
        """The connectors process."""
        self._process = asyncio.create_task(run_connectors(self.settings))

    async def stop(self) -> None:
        """It ends, in whatever it was doing."""
        assert self._process is not None
        self._process.cancel()
        await asyncio.gather(self._process, return_exceptions=True)

    def told(self) -> list[str]:
        return [f"{one.change} {one.rule} {one.episode}" for _, one in self.findings]

    def seconds_to(self, what: str, since: float) -> float:
        """From an instant of `time.monotonic` to the finding."""
        return self.findings[self.told().index(what)][0] - since

    @property
    def word(self) -> str | None:
        return self.states[-1][1].state if self.states else None

    async def is_live(self, seconds: float = 60) -> None:
        """It says so anew, from now on."""
        known = len(self.states)
        await until(lambda: any(state.state == "live" for _, state in self.states[known:]), seconds)

    async def told_of(self, what: str, seconds: float = 60) -> None:
        await until(lambda: what in self.told(), seconds)

    async def as_admin(self, sql: str, *values: object) -> Any:
        """One statement of a superuser, on a connection of its own: the server comes and goes."""
        admin = await asyncpg.connect(self.stack.endpoints.admin_dsn, timeout=5)
        try:
            return await admin.fetchval(sql, *values)
        finally:
            await admin.close()

    async def insert(self, tenant: int) -> None:
        await self.as_admin("INSERT INTO appointments (company_id, status) VALUES ($1, 'scheduled')", tenant)

    async def drop_slot(self) -> None:
        """As somebody does who cleans up: the reader is ended, then the slot goes."""

        async def dropped() -> bool:
            await self.as_admin("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
            with suppress(asyncpg.ObjectInUseError):
                await self.as_admin("SELECT pg_drop_replication_slot('plumbline')")
                return True
            return False

        await until(dropped)

    async def write_log(self, segments: int) -> None:
        """Let the server's log grow, whoever reads it."""
        for _ in range(segments):
            await self.as_admin("SELECT pg_logical_emit_message(false, 'test', 'x')")
            await self.as_admin("SELECT pg_switch_wal()")

    def signal(self, service: str, number: signal.Signals) -> None:
        for pid in self.stack.supervisor.pids()[service]:
            os.kill(pid, number)

    async def started_again(self, service: str, before: list[int]) -> None:
        await until(lambda: self.stack.supervisor.pids()[service] not in ([], before), 60)

    async def alerts(self) -> list[dict[str, Any]]:
        """As they stand in the store, oldest first."""
        store = await asyncpg.connect(self.settings.store.dsn.get_secret_value(), timeout=5)  # type: ignore[union-attr] # it has one
        try:
            rows = await store.fetch(
                "SELECT alert FROM data_consistency_alerts WHERE subject_id = $1 ORDER BY opened_at", DATABASE
            )
            return [msgspec.json.decode(row["alert"]) for row in rows]
        finally:
            await store.close()

    async def listen(self) -> None:
        """Gather what is told."""
        sources, findings = (topic_name(t, self.settings.kafka.topic_prefix) for t in (Topic.SOURCES, Topic.FINDINGS))
        bootstrap = self.settings.kafka.bootstrap_servers
        consumer = AIOKafkaConsumer(sources, findings, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            async for record in consumer:
                if record.topic == findings:
                    self._found(msgspec.json.decode(record.value, type=Finding | Restatement))
                else:
                    self._heard(record.partition, msgspec.json.decode(record.value, type=SourceState | PassComplete))
        finally:
            await consumer.stop()

    def _found(self, told: Finding | Restatement) -> None:
        if isinstance(told, Finding) and told.subject.id == DATABASE:
            self.findings.append((time.monotonic(), told))

    def _heard(self, partition: int, told: SourceState | PassComplete) -> None:
        if isinstance(told, PassComplete):
            self.passes.append(told)
        elif told.source == DATABASE:
            self.states.append((partition, told))


@asynccontextmanager
async def watched(stack: LocalStack) -> AsyncIterator[Watched]:
    """The whole connectors process on a prepared database; in the end everything is taken out of it again."""
    ends = stack.endpoints
    store_dsn = str(ends.admin_dsn).rsplit("/", 1)[0] + "/watching"
    admin = await asyncpg.connect(ends.admin_dsn)
    await admin.execute("CREATE DATABASE watching")
    await admin.close()
    names, password = names_of(str(ends.reader_dsn))
    await apply(str(ends.admin_dsn), mapping=EXAMPLE, names=names, password=password)
    async with serving(calcom_app(CalcomState(WorldConfig(accounts=ACCOUNTS, knobs=CALM)))) as calcom_url:
        made = Watched(stack, _settings(stack, store_dsn, calcom_url))
        made.start()
        listening: list[asyncio.Task[None]] = []
        try:
            await until(lambda: _has_topics(made))
            listening.append(asyncio.create_task(made.listen()))
            yield made
            assert not listening[0].done()
        finally:
            await made.stop()
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)
            await made.connect.delete(made.connector)
            await made.connect.close()
            await remove(str(ends.admin_dsn), names=names)


async def _has_topics(made: Watched) -> bool:
    consumer = AIOKafkaConsumer(bootstrap_servers=made.settings.kafka.bootstrap_servers)
    await consumer.start()
    try:
        return topic_name(Topic.FINDINGS, made.settings.kafka.topic_prefix) in await consumer.topics()
    finally:
        await consumer.stop()


def _settings(stack: LocalStack, store_dsn: str, calcom_url: str) -> Settings:
    return Settings.model_validate(
        {
            "kafka": {
                "bootstrap_servers": stack.endpoints.kafka_bootstrap,
                "partitions": PARTITIONS,
                "topic_prefix": "watching.",
            },
            "source": {
                "dsn": stack.endpoints.reader_dsn,
                "connect_url": stack.endpoints.connect_url,
                "max_retained_wal": RETAINED_BYTES_MAX,
            },
            "store": {"dsn": store_dsn},
            "calcom": {"base_url": calcom_url, "poll_interval_seconds": 300},
            "accounts": [
                {"name": one.name, "tenant": one.tenant, "api_key": one.api_key, "webhook_secrets": [one.secret]}
                for one in ACCOUNTS
            ],
        }
    )
