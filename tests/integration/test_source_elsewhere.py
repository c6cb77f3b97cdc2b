"""A database of other names whose tenant is never null, and databases that cannot be monitored as they are."""

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest
from pydantic import SecretStr

from connectors.source.errors import NoPrimaryKey
from connectors.source.inspection import SourceNames, inspect
from connectors.source.mapping import SourceMapping, TableMapping
from connectors.source.prepare import ADMIN_VARIABLE, apply, remove, run_prepare, run_remove
from connectors.source.registration import Registration
from connectors.stack.databases import EXAMPLE_CRM
from connectors.stack.stack import LocalStack
from streams.settings import Settings
from streams.settings_sections import SourceSettings
from tests.integration.feed import PARTITIONS, Feed, feed
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

SCHEMA = """
CREATE SCHEMA praxis;
CREATE TABLE praxis.termine (
    id bigserial PRIMARY KEY, mandant bigint NOT NULL, zustand text DEFAULT 'neu', notiz text);
CREATE TABLE anrufe (id bigserial PRIMARY KEY, mandant bigint NOT NULL, richtung text);
"""
MAPPING = SourceMapping(
    appointments=TableMapping("praxis.termine", {"id": "id", "company_id": "mandant", "status": "zustand"}),
    calls=TableMapping("anrufe", {"id": "id", "company_id": "mandant", "direction": "richtung"}),
)
NAMES = SourceNames(role="lot", publication="lot", slot="lot")
PASSWORD = "lot-password"


async def make_database(stack: LocalStack, name: str, sql: str) -> str:
    """A database of its own on the stack's server; the superuser's address of it."""
    admin_dsn = stack.endpoints.admin_dsn or ""
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    dsn = f"{admin_dsn.rpartition('/')[0]}/{name}"
    connection = await asyncpg.connect(dsn)
    await connection.execute(sql)
    await connection.close()
    return dsn


@pytest.fixture(scope="module")
async def practice(stack: LocalStack) -> AsyncIterator[Feed]:
    dsn = await make_database(stack, "practice", SCHEMA)
    address = (stack.endpoints.admin_dsn or "").rpartition("@")[2].rpartition("/")[0]
    registration = Registration(
        dsn=f"postgresql://{NAMES.role}:{PASSWORD}@{address}/practice",
        mapping=MAPPING,
        partitions=PARTITIONS,
        topic_prefix="second.",
        names=NAMES,
    )

    async def index_is_gone() -> None:
        connection = await asyncpg.connect(dsn)
        found = "SELECT count(*) FROM pg_class WHERE relname LIKE 'plumbline%'"
        assert await connection.fetchval(found) == 0
        await connection.close()

    async with feed(
        stack,
        registration,
        application_dsn=dsn,
        admin_dsn=dsn,
        password=PASSWORD,
        after_removal=index_is_gone,
    ) as ready:
        yield ready


async def test_a_delete_tells_its_tenant_by_the_index(practice: Feed) -> None:
    key = await practice.insert("praxis.termine", mandant=8, notiz="x" * 20_000)
    await practice.execute("UPDATE praxis.termine SET zustand = 'alt' WHERE id = $1", key)
    await practice.execute("DELETE FROM praxis.termine WHERE id = $1", key)
    created, updated, deleted = await practice.changes(key, 3)
    assert [change.op for change in (created, updated, deleted)] == ["c", "u", "d"]
    assert {change.key for change in (created, updated, deleted)} == {b"8"}
    assert updated.row["zustand"] == "alt"
    assert "notiz" not in updated.row
    assert deleted.before is not None
    assert deleted.before["mandant"] == 8


async def test_a_change_of_tenant_is_a_delete_and_a_create(practice: Feed) -> None:
    key = await practice.insert("anrufe", mandant=1)
    await practice.execute("UPDATE anrufe SET mandant = 2 WHERE id = $1", key)
    changes = await practice.changes(key, 3)
    told = sorted((change.op, change.key) for change in changes)
    assert told == [("c", b"1"), ("c", b"2"), ("d", b"1")]


async def test_two_writes_of_one_transaction_are_ranked_by_their_own_place(practice: Feed) -> None:
    async with practice.application.transaction():
        key = await practice.insert("anrufe", mandant=3)
        await practice.execute("UPDATE anrufe SET richtung = 'ein' WHERE id = $1", key)
    first, second = await practice.changes(key, 2)
    assert first.source["txId"] == second.source["txId"]
    ranks = [tuple(map(int, json.loads(change.source["sequence"]))) for change in (first, second)]
    assert ranks[0] < ranks[1]


async def test_a_table_without_a_key_is_refused_by_name_and_nothing_is_changed(stack: LocalStack) -> None:
    dsn = await make_database(
        stack, "keyless", "CREATE TABLE calls (id int, company_id int); CREATE TABLE appointments (id int)"
    )
    bare = {"id": "id", "company_id": "company_id"}
    mapping = SourceMapping(appointments=TableMapping("appointments", bare), calls=TableMapping("calls", bare))
    names = SourceNames(role="keyless", publication="keyless", slot="keyless")
    with pytest.raises(NoPrimaryKey, match="appointments has no primary key"):
        await apply(dsn, mapping=mapping, names=names, password="p")
    connection = await asyncpg.connect(dsn)
    state = await inspect(connection, mapping, names)
    await connection.close()
    assert not state.role_exists
    assert not state.publication_exists


async def test_the_application_is_not_held_up_while_a_table_waits_for_its_lock(stack: LocalStack) -> None:
    dsn = await make_database(stack, "busy", SCHEMA.replace("mandant bigint NOT NULL", "mandant bigint"))
    names = SourceNames(role="busy", publication="busy", slot="busy")
    reader, application = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    await application.execute("INSERT INTO anrufe (mandant) VALUES (1)")
    await reader.execute("BEGIN; SELECT * FROM praxis.termine, anrufe")
    preparing = asyncio.ensure_future(apply(dsn, mapping=MAPPING, names=names, password="p"))

    async def waits() -> bool:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'praxis.termine'::regclass"
        return bool(await application.fetchval(waiting))

    await until(waits)
    await application.execute("UPDATE praxis.termine SET zustand = 'x'", timeout=3.0)
    assert not preparing.done()
    await reader.execute("COMMIT")
    await preparing
    await remove(dsn, names=names)
    await reader.close()
    await application.close()


async def test_the_command_prints_the_sql_and_runs_it_only_when_told(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dsn = await make_database(stack, "printed", EXAMPLE_CRM.read_text(encoding="utf-8"))
    monkeypatch.setenv(ADMIN_VARIABLE, dsn)
    settings = Settings(source=SourceSettings(dsn=SecretStr("postgresql://printed:the-password@127.0.0.1/printed")))
    connection = await asyncpg.connect(dsn)
    role = "SELECT count(*) FROM pg_roles WHERE rolname = 'printed'"

    assert await run_prepare(settings, False) == 0
    printed = capsys.readouterr().out
    assert 'CREATE PUBLICATION "plumbline"' in printed
    assert "the-password" not in printed
    assert await connection.fetchval(role) == 0
    assert await run_prepare(settings, True) == 0
    assert await connection.fetchval(role) == 1
    assert await run_remove(settings, True) == 0
    assert await connection.fetchval(role) == 0
    assert await connection.fetchval("SELECT count(*) FROM pg_publication") == 0
    await connection.close()
