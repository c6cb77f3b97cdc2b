"""The words of the connectors' tests: a site with its own store and topics, a simulated Cal.com, the real process."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from connectors.calcom.breaker import BreakerPolicy
from connectors.process import run_connectors
from connectors.stack.stack import LocalStack
from connectors.world.calcom.booking import Attendee, Booking, Draft
from connectors.world.calcom.server import calcom_app
from connectors.world.calcom.state import CalcomState
from connectors.world.config import WorldAccount, WorldConfig
from connectors.world.instants import now
from connectors.world.knobs import Knobs
from connectors.world.serving import serving
from streams.model.ids import iso
from streams.model.records import BookingQuestion, BookingRead, NumericQuestion, RowsQuestion, RowsRead
from streams.model.source_records import PassComplete, SourceRecord
from streams.settings import Settings
from streams.topics import Topic, topic_name
from tests.integration.waiting import until

PARTITIONS = 3
#: Short, so that a test sees a breaker open, probe and close.
POLICY = BreakerPolicy(failures_to_open=3, probe_seconds=0.5)
CALM = Knobs(replica_lag_seconds_max=0, slow_seconds_max=0, webhook_repeat=0, webhook_reorder=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

_numbers = itertools.count(1)
Question = BookingQuestion | NumericQuestion | RowsQuestion


def account(name: str, tenant: str, first_event_type: int) -> WorldAccount:
    return WorldAccount(
        name=name,
        tenant=tenant,
        api_key=f"cal_live_{name}",
        app_key=f"cal_app_{name}",
        secret=f"secret-of-{name}",
        event_type_ids=tuple(range(first_event_type, first_event_type + 5)),
    )


ACCOUNTS = (account("harbor", "1", 100), account("quay", "2", 200), account("pier", "2", 300))


class Site:
    """A running connectors process and everything around it."""

    def __init__(self, settings: Settings, calcom: CalcomState, producer: Any, store: Any, crm: Any) -> None:
        self.settings = settings
        self.calcom = calcom
        self.store = store
        self.crm = crm
        self._producer = producer
        self.booking_reads: list[tuple[str, BookingRead]] = []
        self.rows_reads: list[tuple[str, RowsRead]] = []
        self.passes: list[PassComplete] = []

    def topic(self, topic: Topic) -> str:
        return topic_name(topic, self.settings.kafka.topic_prefix)

    def book(self, account: str = "harbor", *, starts_in: timedelta = DAY, ago: timedelta = HOUR) -> Booking:
        """A booking in Cal.com, made some time ago."""
        made = now() - round(ago.total_seconds() * 1000)
        start = now() + round(starts_in.total_seconds() * 1000)
        kind = next(iter(self.calcom.event_types[account].values()))
        attendee = Attendee(name="Ewan Birrell", email="ewan.birrell@mail.example")
        draft = Draft(account=account, event_type=kind, start=start, end=start + 1_800_000, attendee=attendee)
        return self.calcom.bookings.create(draft, made)

    async def ask(self, *questions: Question) -> None:
        """As the worker does."""
        for question in questions:
            await self.send(Topic.VERIFICATIONS, question.tenant, msgspec.json.encode(question))

    async def send(self, topic: Topic, key: str, value: bytes) -> None:
        await self._producer.send_and_wait(self.topic(topic), value=value, key=key.encode())

    async def read_of(self, request_id: str, result: str | None = None, seconds: float = 20) -> tuple[str, BookingRead]:
        """Key and value of the first answer to a question, of one result if given."""

        def answer() -> tuple[str, BookingRead] | None:
            return next(
                (
                    (key, read)
                    for key, read in self.booking_reads
                    if request_id in read.request_ids and result in (None, read.result)
                ),
                None,
            )

        found = await until(answer, seconds)
        assert found is not None
        return found

    async def rows_of(self, request_id: str, result: str | None = None, seconds: float = 20) -> tuple[str, RowsRead]:
        """The same for a question about rows."""

        def answer() -> tuple[str, RowsRead] | None:
            return next(
                (
                    (key, read)
                    for key, read in self.rows_reads
                    if read.request_id == request_id and result in (None, read.result)
                ),
                None,
            )

        found = await until(answer, seconds)
        assert found is not None
        return found

    async def backfilled(self) -> None:
        """The first poll of every account is over."""
        names = len(self.settings.accounts)
        sql = "SELECT count(*) FROM poll_cursors WHERE backfilled_at IS NOT NULL"
        await until(lambda: self._equals(sql, names))

    async def swept(self) -> None:
        """Both passes over every account are over."""
        passes = 2 * len(self.settings.accounts)
        sql = "SELECT count(*) FROM sweep_passes WHERE side = 'calcom' AND ended_at IS NOT NULL"
        await until(lambda: self._equals(sql, passes), 60)

    async def queue_is_empty(self) -> None:
        await until(lambda: self._equals("SELECT count(*) FROM verification_queue", 0))

    async def _equals(self, sql: str, value: int) -> bool:
        return await self.store.fetchval(sql) == value

    async def collect(self) -> None:
        """Gather what the connectors tell."""
        consumer = AIOKafkaConsumer(
            self.topic(Topic.BOOKINGS),
            self.topic(Topic.ROWS),
            self.topic(Topic.SOURCES),
            bootstrap_servers=self.settings.kafka.bootstrap_servers,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            async for record in consumer:
                key = record.key.decode()
                if record.topic == self.topic(Topic.SOURCES):
                    told = msgspec.json.decode(record.value, type=SourceRecord)
                    self.passes += [told] if isinstance(told, PassComplete) else []
                elif record.topic == self.topic(Topic.ROWS):
                    self.rows_reads.append((key, msgspec.json.decode(record.value, type=RowsRead)))
                else:
                    self.booking_reads.append((key, msgspec.json.decode(record.value, type=BookingRead)))
        finally:
            await consumer.stop()


@asynccontextmanager
async def site(
    stack: LocalStack,
    *,
    prepare: Callable[[Site], None] = lambda _: None,
    knobs: Knobs = CALM,
    sections: Mapping[str, dict[str, object]] | None = None,
    **calcom: object,
) -> AsyncIterator[Site]:
    """Connectors that run against a Cal.com which `prepare` has filled; `calcom` are settings of that section.

    `sections` are settings of others.
    """
    number = next(_numbers)
    admin_dsn = str(stack.endpoints.admin_dsn)
    name = f"connecting_{number}"
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    store_dsn = admin_dsn.rsplit("/", 1)[0] + f"/{name}"
    state = CalcomState(WorldConfig(accounts=ACCOUNTS, knobs=knobs))
    async with serving(calcom_app(state)) as url:
        given = {"base_url": url, "poll_interval_seconds": 300, **calcom}
        settings = _settings(stack, number, store_dsn, {**(sections or {}), "calcom": given})
        producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers, acks="all")
        await producer.start()
        store = await asyncpg.create_pool(store_dsn, min_size=0, max_size=2)
        crm = await asyncpg.connect(stack.endpoints.source_dsn)
        made = Site(settings, state, producer, store, crm)
        prepare(made)
        process = asyncio.create_task(run_connectors(settings, policy=POLICY))
        try:
            await until(lambda: store.fetchval("SELECT to_regclass('poll_cursors') IS NOT NULL"))
            collecting = asyncio.create_task(made.collect())
            yield made
            assert not process.done()
        finally:
            for task in (process, collecting):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await producer.stop()
            await crm.close()
            await store.close()


def _settings(stack: LocalStack, number: int, store_dsn: str, sections: Mapping[str, dict[str, object]]) -> Settings:
    return Settings.model_validate(
        {
            "kafka": {
                "bootstrap_servers": stack.endpoints.kafka_bootstrap,
                "partitions": PARTITIONS,
                "topic_prefix": f"connecting{number}.",
            },
            **sections,
            "source": {"dsn": stack.endpoints.source_dsn, **sections.get("source", {})},
            "store": {"dsn": store_dsn},
            "accounts": [
                {"name": one.name, "tenant": one.tenant, "api_key": one.api_key, "webhook_secrets": [one.secret]}
                for one in ACCOUNTS
            ],
        }
    )


def asked_now() -> str:
    return str(iso(round(datetime.now(UTC).timestamp() * 1000)))


def about(uid: str, request_id: str, *, tenant: str = "1", **more: Any) -> BookingQuestion:
    return BookingQuestion(
        request_id=request_id, tenant=tenant, asked_at=asked_now(), uid=uid, **{"purpose": "proof", **more}
    )


def about_numeric(booking: Booking, request_id: str, numeric_id: int | None = None) -> NumericQuestion:
    return NumericQuestion(
        request_id=request_id,
        tenant="1",
        asked_at=asked_now(),
        purpose="proof",
        numeric_id=str(numeric_id or booking.id),
        starts_at=iso(booking.start),
        created_at=iso(booking.created_at),
    )


def about_rows(request_id: str, *, tenant: str = "1", **asked: Any) -> RowsQuestion:
    return RowsQuestion(request_id=request_id, tenant=tenant, asked_at=asked_now(), purpose="proof", **asked)
