"""The example CRM under real Debezium: keyed changes, no personal data, and an application that does not notice."""

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.partitioner import DefaultPartitioner

from connectors.source.inspection import SourceNames
from connectors.source.mapping import EXAMPLE, OPTIONAL
from connectors.source.prepare import apply, names_of
from connectors.source.registration import Registration, register
from connectors.source.rest import ConnectRest
from connectors.stack.stack import LocalStack
from tests.integration.feed import PARTITIONS, Feed, feed
from tests.integration.waiting import until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def registration(stack: LocalStack) -> Registration:
    return Registration(dsn=stack.endpoints.reader_dsn or "", mapping=EXAMPLE, partitions=PARTITIONS)


@pytest.fixture(scope="module")
async def crm(stack: LocalStack, registration: Registration) -> AsyncIterator[Feed]:
    """One row is there before anybody watches."""
    application_dsn, admin_dsn = stack.endpoints.source_dsn or "", stack.endpoints.admin_dsn or ""
    early = await asyncpg.connect(application_dsn)
    await early.execute("INSERT INTO appointments (id, company_id, status) VALUES (900, 1, 'scheduled')")
    await early.close()
    _, password = names_of(registration.dsn)

    async def nothing_is_left() -> None:
        await _nothing_is_left(admin_dsn, application_dsn)

    async with feed(
        stack,
        registration,
        application_dsn=application_dsn,
        admin_dsn=admin_dsn,
        password=password,
        after_removal=nothing_is_left,
    ) as ready:
        yield ready


async def _nothing_is_left(admin_dsn: str, application_dsn: str) -> None:
    admin = await asyncpg.connect(admin_dsn)
    for what in ("replication_slots", "publication", "roles WHERE rolname = 'plumbline'"):
        assert await admin.fetchval(f"SELECT count(*) FROM pg_{what}") == 0, what
    assert await admin.fetchval("SELECT to_regnamespace('plumbline')") is None
    identities = "SELECT string_agg(DISTINCT relreplident::text, '') FROM pg_class WHERE relname = ANY($1)"
    assert await admin.fetchval(identities, ["appointments", "calls"]) == "d"
    await admin.close()
    application = await asyncpg.connect(application_dsn)
    assert await application.execute("UPDATE appointments SET status = 'cancelled' WHERE id = 900") == "UPDATE 1"
    assert await application.execute("DELETE FROM appointments WHERE id = 900") == "DELETE 1"
    await application.close()


async def test_rows_that_were_there_before_come_as_snapshot(crm: Feed) -> None:
    [change] = await crm.changes(900, 1)
    assert (change.op, change.key) == ("r", b"1")
    # Which of these it is depends on the rows beside it (facts/faust-and-debezium.md §C).
    words = ("true", "first", "last", "first_in_data_collection", "last_in_data_collection")
    assert change.source["snapshot"] in words
    committed, lsn = json.loads(change.source["sequence"])
    assert committed is None
    assert int(lsn) == change.source["lsn"]


async def test_the_application_writes_on_and_each_change_comes_under_its_tenant(crm: Feed) -> None:
    key = await crm.insert("appointments", company_id=17, status="scheduled")
    await crm.execute("UPDATE appointments SET status = 'cancelled' WHERE id = $1", key)
    await crm.execute("DELETE FROM appointments WHERE id = $1", key)
    changes = await crm.changes(key, 3)
    assert [change.op for change in changes] == ["c", "u", "d"]
    assert {change.key for change in changes} == {b"17"}
    assert [change.row["status"] for change in changes] == ["scheduled", "cancelled", "cancelled"]
    ranks = [_rank(*json.loads(change.source["sequence"])) for change in changes]
    assert ranks == sorted(ranks)


def _rank(committed: str | None, lsn: str) -> tuple[int, int]:
    """The first change behind a snapshot has no commit before it, unless a heartbeat came between."""
    return int(committed or lsn), int(lsn)


async def test_a_tenant_lies_in_the_partition_where_our_own_producers_put_it(crm: Feed) -> None:
    key = await crm.insert("calls", company_id=4711)
    [change] = await crm.changes(key, 1)
    partitions = list(range(PARTITIONS))
    assert change.partition == DefaultPartitioner()(b"4711", partitions, partitions)


async def test_a_change_of_tenant_is_a_delete_there_and_a_create_here(crm: Feed) -> None:
    key = await crm.insert("calls", company_id=1, direction="inbound")
    await crm.execute("UPDATE calls SET company_id = 2 WHERE id = $1", key)
    changes = await crm.changes(key, 3)
    told = sorted((change.op, change.key) for change in changes)
    assert told == [("c", b"1"), ("c", b"2"), ("d", b"1")]


async def test_a_row_without_tenant_has_no_key(crm: Feed) -> None:
    key = await crm.insert("appointments", company_id=None, status="scheduled")
    [change] = await crm.changes(key, 1)
    assert change.key is None


async def test_what_is_not_mapped_never_leaves_the_database(crm: Feed) -> None:
    key = await crm.insert("appointments", company_id=1, sync_error_message="Ms Doe, +49 170 1", staff_id=3)
    [change] = await crm.changes(key, 1)
    assert set(change.row) == set(EXAMPLE.appointments.read) - OPTIONAL


async def test_our_role_reads_the_mapped_columns_and_writes_its_heartbeat_only(
    crm: Feed, registration: Registration
) -> None:
    reader = await asyncpg.connect(registration.dsn)
    assert await reader.fetchval("SELECT count(status) FROM appointments") is not None
    await reader.execute("UPDATE plumbline.heartbeat SET beat_at = now() WHERE id = 1")
    for forbidden in (
        "SELECT sync_error_message FROM appointments",
        "SELECT * FROM calls",
        "UPDATE appointments SET status = 'x'",
        "DELETE FROM calls",
        "SELECT * FROM plumbline.table_identity",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute(forbidden)
    assert await reader.fetchval("SHOW statement_timeout") == "2s"
    await reader.close()


async def test_preparing_and_registering_again_change_nothing(
    crm: Feed, stack: LocalStack, registration: Registration
) -> None:
    _, password = names_of(registration.dsn)
    plan = await apply(stack.endpoints.admin_dsn or "", mapping=EXAMPLE, names=SourceNames(), password=password)
    assert not [step for step in plan.steps if "ALTER TABLE" in step.sql or "CREATE INDEX" in step.sql]
    async with ConnectRest(stack.endpoints.connect_url or "") as connect:
        assert not await register(connect, registration)
    key = await crm.insert("calls", company_id=5)
    [change] = await crm.changes(key, 1)
    assert change.op == "c"


async def test_the_heartbeat_comes_and_moves_the_slot_while_nobody_writes(
    crm: Feed, stack: LocalStack, registration: Registration
) -> None:
    consumer = AIOKafkaConsumer(registration.heartbeat_topic, bootstrap_servers=stack.endpoints.kafka_bootstrap)
    await consumer.start()
    admin = await asyncpg.connect(stack.endpoints.admin_dsn)
    flushed = "SELECT confirmed_flush_lsn::text FROM pg_replication_slots"
    before = await admin.fetchval(flushed)
    beat = json.loads((await consumer.getone()).value)
    assert beat["ts_ms"] > 0

    async def moved() -> bool:
        return bool(await admin.fetchval(flushed) != before)

    await until(moved)
    await admin.close()
    await consumer.stop()


async def test_a_lost_slot_is_followed_by_a_new_snapshot(crm: Feed, stack: LocalStack) -> None:
    key = await crm.insert("calls", company_id=6, direction="inbound")
    [created] = await crm.changes(key, 1, table="calls")
    admin = await asyncpg.connect(stack.endpoints.admin_dsn)

    async def dropped() -> bool:
        await admin.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
        try:
            await admin.execute("SELECT pg_drop_replication_slot('plumbline')")
        except asyncpg.ObjectInUseError:
            return False
        return True

    try:
        await until(dropped)
    finally:
        await admin.close()
    await crm.execute("UPDATE calls SET direction = 'outbound' WHERE id = $1", key)
    [read] = await crm.changes(key, 1, table="calls")
    assert (created.op, read.op, read.row["direction"]) == ("c", "r", "outbound")
    assert read.source["lsn"] > created.source["lsn"]
