"""What is nobody's yet, in the real store: kept over restarts, told under its tenant once, given up and told once."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

import asyncpg
import pytest

from connectors.stack.stack import LocalStack
from connectors.store.migrate import migrate
from connectors.unmapped import store as unmapped_store
from connectors.unmapped.mapping import Mapper, Telling
from connectors.unmapped.record import UnmappedRecord
from connectors.unmapped.store import UnmappedStore
from streams.model.records import BookingRead
from streams.settings import Settings

pytestmark = pytest.mark.stack
ACCOUNT = {"name": "shared", "api_key": "k", "event_types": {"10": "1", "20": "2"}}


def settings(**event_types: str) -> Settings:
    return Settings.model_validate({"accounts": [{**ACCOUNT, "event_types": {"10": "1", "20": "2", **event_types}}]})


@pytest.fixture(scope="module")
async def pool(stack: LocalStack) -> AsyncIterator[Any]:
    admin_dsn = str(stack.endpoints.admin_dsn)
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute("CREATE DATABASE unmapped")
    await admin.close()
    dsn = admin_dsn.rsplit("/", 1)[0] + "/unmapped"
    await migrate(dsn)
    made = await asyncpg.create_pool(dsn, min_size=0, max_size=2)
    yield made
    await made.close()


@pytest.fixture(autouse=True)
async def empty(pool: Any) -> None:
    await pool.execute("TRUNCATE unmapped_records, unmapped_bookings, unmapped_event_types")


class Office:
    """Looks up and tells; `rows` are what the database names, by reference."""

    def __init__(self, pool: Any, *, pauses: tuple[float, ...] = (0.0, 0.0)) -> None:
        self.pool, self.store, self.pauses = pool, UnmappedStore(pool), pauses
        self.rows: dict[str, str] = {}
        self.told: list[tuple[str, str]] = []
        self.fails = False

    async def look(self, configured: Settings | None = None) -> None:
        """One look of a process that has just started: nothing is in its memory."""

        async def lookup(refs: Collection[str]) -> Mapping[str, frozenset[str]]:
            return {ref: frozenset({self.rows[ref]}) for ref in refs if ref in self.rows}

        async def tell_webhook(tenant: str, record: UnmappedRecord) -> None:
            if self.fails:
                raise ConnectionError("Kafka is away")
            self.told.append((tenant, record.place))

        async def tell_read(tenant: str, read: BookingRead) -> None:
            self.told.append((tenant, read.uid))

        telling = Telling(webhook=tell_webhook, read=tell_read)
        await Mapper(configured or settings(), self.store, lookup, telling, self.pauses).step()

    async def nobodys(self) -> list[tuple[str, int]]:
        rows = await self.pool.fetch("SELECT event_type, bookings FROM unmapped_event_types ORDER BY event_type")
        return [(row["event_type"], row["bookings"]) for row in rows]

    async def waiting(self) -> int:
        found: int = await self.pool.fetchval("SELECT count(*) FROM unmapped_records")
        return found


def record(number: int, uid: str = "uid-a", event_type: str = "77") -> UnmappedRecord:
    headers = (("account", "shared"), ("x", "\xff"))
    return UnmappedRecord(place=f"calcom.webhooks/0/{number}", account="shared", kind="webhook",
                          event_type=event_type, refs=(uid, "1904"), value=b"\x00{}", headers=headers)  # fmt: skip


async def test_a_record_read_again_from_kafka_is_kept_once_and_comes_back_as_it_was(pool: Any) -> None:
    office = Office(pool)
    await office.store.keep([record(1), record(1)])
    await office.store.keep([record(1)])
    assert await office.store.due(10) == [record(1)]


async def test_it_is_told_once_and_whose_it_is_stays_known_when_the_row_is_gone(pool: Any) -> None:
    office = Office(pool)
    await office.store.keep([record(1)])
    await office.look()
    office.rows = {"1904": "2"}
    await office.look()
    await office.look()
    office.rows = {}
    await office.store.keep([record(2)])
    await office.look()
    assert office.told == [("2", "calcom.webhooks/0/1"), ("2", "calcom.webhooks/0/2")]
    assert await office.waiting() == 0


async def test_what_kafka_did_not_take_is_told_later(pool: Any) -> None:
    office = Office(pool)
    await office.store.keep([record(1)])
    office.rows, office.fails = {"uid-a": "1"}, True
    with pytest.raises(ConnectionError):
        await office.look()
    office.fails = False
    await office.look()
    assert office.told == [("1", "calcom.webhooks/0/1")]


async def test_what_no_row_names_is_given_up_and_each_booking_counts_once(pool: Any) -> None:
    office = Office(pool)
    await office.store.keep([record(1), record(2), record(3, uid="uid-b")])
    for _ in range(3):
        await office.look()
    assert (await office.waiting(), await office.nobodys(), office.told) == (0, [("77", 2)], [])


async def test_its_row_may_come_when_it_was_given_up(pool: Any) -> None:
    office = Office(pool)
    await office.store.keep([record(1)])
    for _ in range(3):
        await office.look()
    office.rows = {"uid-a": "1"}
    await office.store.keep([record(2)])
    await office.look()
    assert office.told == [("1", "calcom.webhooks/0/2")]


async def test_between_two_looks_it_waits(pool: Any) -> None:
    office = Office(pool, pauses=(3600.0,))
    await office.store.keep([record(1)])
    await office.look()
    office.rows = {"uid-a": "1"}
    await office.look()
    assert office.told == []


async def test_an_event_type_that_is_mapped_by_now_is_nobodys_no_longer(pool: Any) -> None:
    office = Office(pool, pauses=())
    await office.store.keep([record(1), record(2, event_type="78")])
    await office.look()
    assert [name for name, _ in await office.nobodys()] == ["77", "78"]
    await office.store.tidy({"shared": ["10", "20", "77"]})
    assert [name for name, _ in await office.nobodys()] == ["78"]
    await office.store.keep([record(3)])
    await office.look(settings(**{"77": "2"}))
    assert office.told == [("2", "calcom.webhooks/0/3")]


async def test_what_waits_is_bounded(pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unmapped_store, "RECORDS_MAX", 2)
    office = Office(pool)
    await office.store.keep([record(number) for number in range(5)])
    assert await office.waiting() == 2
