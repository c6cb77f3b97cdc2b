"""A database that has nothing of ours: names, uuids, tenants as text, wall clocks, words, rows deleted that stay.

The whole way: WAL, Debezium, Kafka, decoding, judging; and the SELECT that proves.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from connectors.crm.answers import RowAnswers
from connectors.crm.database import CrmDatabase
from connectors.source.inspection import SourceNames
from connectors.source.mapping import mapping_of
from connectors.source.registration import Registration
from connectors.stack.stack import LocalStack
from streams.configured import decoder_from, disabled_rules, judgement_from
from streams.engine import Partition
from streams.model.facts import AppointmentRow, Row
from streams.model.ids import iso, parse_iso
from streams.model.observation import Observation, Origin, RowChanged, RowReadSeen
from streams.model.records import BookingRead, Finding, RowsQuestion, RowsRead
from streams.settings import Settings
from streams.topics import Topic
from tests.integration.feed import PARTITIONS, Change, Feed, feed
from tests.integration.test_source_elsewhere import make_database

pytestmark = pytest.mark.stack
SCHEMA = """
CREATE SCHEMA praxis;
CREATE TABLE praxis.termine (
    nr uuid PRIMARY KEY DEFAULT gen_random_uuid(), mandant text NOT NULL, cal text, zustand text, abgleich text,
    beginn timestamp, ende timestamp(0), anlass text, versuche smallint DEFAULT 0, geloescht timestamp,
    angelegt timestamp DEFAULT now());
CREATE INDEX ON praxis.termine (cal);
"""
NAMES = SourceNames(role="other", publication="other", slot="other")
COLUMNS = {
    "id": "nr", "company_id": "mandant", "calcom_v2_booking_id": "cal", "status": "zustand",
    "calcom_sync_status": "abgleich", "starts_at": "beginn", "ends_at": "ende", "source": "anlass",
    "sync_attempt_count": "versuche", "deleted_at": "geloescht", "created_at": "angelegt", "customer_id": "",
    "service_id": "", "call_id": "", "idempotency_key": "", "sync_origin": "", "last_sync_attempt_at": "",
    "requires_manual_review": "pruefen", "updated_at": "",
}  # fmt: skip
WORDS = {"status": {"gebucht": "confirmed", "storniert": "cancelled"}, "calcom_sync_status": {"fertig": "synced"}}
TENANT = "praxis-ost"
#: A summer's wall clock in Berlin, and the instant that it shows.
WALL, INSTANT = datetime.fromisoformat("2027-07-03 09:00"), parse_iso("2027-07-03T07:00:00Z")


HALF_AN_HOUR = timedelta(minutes=30)


# The words of this specification -----------------------------------------------------


class Other:
    """The database, its feed, and the worker's decoding and judging of it."""

    def __init__(self, changes: Feed, settings: Settings) -> None:
        self.feed = changes
        self.decode = decoder_from(settings)
        self.partition = Partition(judgement_from(settings))
        self._database = CrmDatabase(settings.source)
        self._answers = RowAnswers(self._database, self._hear)
        self._heard: list[RowsRead] = []

    async def insert(self, **columns: object) -> str:
        row = {"mandant": TENANT, "zustand": "gebucht", "abgleich": "fertig", "beginn": WALL,
               "ende": WALL + HALF_AN_HOUR, "anlass": "telefon", "versuche": 1} | columns  # fmt: skip
        names, places = ", ".join(row), ", ".join(f"${n}" for n in range(1, len(row) + 1))
        sql = f"INSERT INTO praxis.termine ({names}) VALUES ({places}) RETURNING nr::text"
        return str(await self.feed.application.fetchval(sql, *row.values()))

    async def update(self, key: str, **columns: object) -> None:
        [(column, value)] = columns.items()
        await self.feed.execute(f"UPDATE praxis.termine SET {column} = $1 WHERE nr = $2::text::uuid", value, key)

    def seen(self, change: Change) -> tuple[Observation, ...]:
        origin = Origin(change.partition, 0)
        return self.decode(Topic.APPOINTMENTS, change.key, change.value, (), change.timestamp, origin)

    def by_event(self, change: Change) -> Row | None:
        [told] = self.seen(change)
        assert isinstance(told, RowChanged)
        assert (told.tenant, told.kind) == (TENANT, "appointment")
        return told.version.row

    async def by_select(self, key: str) -> Row | None:
        told = await self.answers(RowsQuestion(request_id="q", tenant=TENANT, asked_at=str(iso(1)), purpose="proof",
                                               table="appointments", row_id=key))  # fmt: skip
        [row] = [one.read.row for one in told if isinstance(one, RowReadSeen)]
        return row

    async def answers(self, *questions: RowsQuestion, at: int = 1) -> list[Observation]:
        self._heard.clear()
        assert not await self._answers.answer(questions)
        records = [msgspec.json.encode(read) for read in self._heard]
        return [one for each in records for one in self.decode(Topic.ROWS, TENANT.encode(), each, (), at, Origin(0, 0))]

    async def _hear(self, tenant: str, read: RowsRead) -> None:
        self._heard.append(read)

    async def close(self) -> None:
        await self._database.close()


@pytest.fixture(scope="module")
async def other(stack: LocalStack) -> AsyncIterator[Other]:
    dsn = await make_database(stack, "other", SCHEMA)
    address = (stack.endpoints.admin_dsn or "").rpartition("@")[2].rpartition("/")[0]
    source = {
        "dsn": f"postgresql://other:reads@{address}/other",
        "timezone": "Europe/Berlin",
        "appointments": {"table": "praxis.termine", "columns": COLUMNS, "words": WORDS},
        "calls": {"table": ""},
    }
    account = {"name": "ost", "tenant": TENANT, "api_key": "k"}
    settings = Settings.model_validate({"source": source, "accounts": [account]})
    registration = Registration(
        dsn=f"postgresql://other:reads@{address}/other",
        mapping=mapping_of(settings.source),
        partitions=PARTITIONS,
        topic_prefix="other.",
        names=NAMES,
    )
    async with feed(stack, registration, application_dsn=dsn, admin_dsn=dsn, password="reads") as ready:
        made = Other(ready, settings)
        yield made
        await made.close()


# The specification -------------------------------------------------------------------


async def test_a_row_is_the_same_by_change_event_and_by_select(other: Other) -> None:
    key = await other.insert(cal="uid-1")
    [created] = await other.feed.changes(key, 1, column="nr")
    row = other.by_event(created)
    assert isinstance(row, AppointmentRow)
    assert created.key == TENANT.encode()
    assert (row.status, row.sync, row.start, row.booking, row.attempts) == ("confirmed", "synced", INSTANT, "uid-1", 1)
    assert await other.by_select(key) == row


async def test_a_row_that_is_deleted_and_stays_is_gone_by_both_and_comes_back(other: Other) -> None:
    key = await other.insert(cal="uid-2")
    await other.update(key, geloescht=WALL)
    _, deleted = await other.feed.changes(key, 2, column="nr")
    assert other.by_event(deleted) is None
    assert await other.by_select(key) is None
    await other.update(key, geloescht=None)
    [restored] = await other.feed.changes(key, 1, column="nr")
    row = other.by_event(restored)
    assert row is not None
    assert await other.by_select(key) == row


async def test_a_word_that_nobody_knows_stays_as_it_is(other: Other) -> None:
    key = await other.insert(zustand="verschoben")
    [created] = await other.feed.changes(key, 1, column="nr")
    row, read = other.by_event(created), await other.by_select(key)
    assert isinstance(row, AppointmentRow)
    assert row.status == "verschoben"
    assert read == row


async def test_a_status_that_differs_is_found_in_their_words_and_proved_by_their_rows(other: Other) -> None:
    """From the change event over the questions to the finding; only Cal.com's answers are given by hand."""
    uid = f"uid-{uuid4()}"
    key = await other.insert(cal=uid, zustand="storniert")
    [created] = await other.feed.changes(key, 1, column="nr")
    now = created.timestamp
    other.partition.observe(other.seen(created))
    findings: list[Finding] = []
    for _ in range(60):
        other.partition.observe(accepted(other, uid, now))
        effects = other.partition.tick(now)  # type: ignore[arg-type]  # an instant
        other.partition.announced(effects.findings)
        findings += [one for one in effects.findings if isinstance(one, Finding)]
        rows = [one for one in effects.questions if isinstance(one, RowsQuestion)]
        other.partition.observe(await other.answers(*rows, at=now) if rows else [])
        now += 500
    [finding] = findings
    assert (finding.rule, finding.subject.id, finding.tenant) == ("status_drift", key, TENANT)
    assert (finding.local.status, finding.calcom.status) == ("cancelled", "accepted")


def accepted(other: Other, uid: str, at: int) -> tuple[Observation, ...]:
    booking = {"id": 1, "uid": uid, "status": "accepted", "start": iso(INSTANT), "end": "2027-07-03T07:30:00.000Z",
               "createdAt": "2026-01-01T00:00:00.000Z"}  # fmt: skip
    read = BookingRead(account="ost", uid=uid, read_at=str(iso(at)), asked_at=str(iso(at)), reason="verify",
                       result="found", duration_ms=1, booking=booking)  # fmt: skip
    return other.decode(Topic.BOOKINGS, TENANT.encode(), msgspec.json.encode(read), (), at, Origin(0, 0))


async def test_nothing_of_calls_is_published_or_judged(other: Other, stack: LocalStack) -> None:
    connection = await asyncpg.connect(f"{(stack.endpoints.admin_dsn or '').rpartition('/')[0]}/other")
    published = await connection.fetch("SELECT tablename::text FROM pg_publication_tables WHERE pubname = 'other'")
    await connection.close()
    assert {row["tablename"] for row in published} == {"termine", "heartbeat"}
    settings = Settings.model_validate({"source": {"calls": {"table": ""}}})
    assert "phantom_booking" in disabled_rules(settings)
