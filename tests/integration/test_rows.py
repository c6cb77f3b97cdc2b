"""A question about rows is answered from the database: every row of any tenant, and the snapshot it was seen in."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest

from connectors.crm.database import CrmDatabase, NotAnswerable, NotAnswered
from connectors.stack.stack import LocalStack
from connectors.validation.asking import RowsAsker, RowsUnread
from connectors.validation.messages import RowsAnswer
from streams.decode.rows import decode_rows
from streams.model.observation import RowReadSeen
from streams.settings_sections import SourceSettings
from tests.integration.connecting import Site, about_rows, site
from tests.integration.waiting import until

pytestmark = pytest.mark.stack
NINE = datetime(2026, 12, 1, 9, 0, 0, 123987, UTC)
ANSWER_SECONDS_MAX = 0.150


@pytest.fixture(scope="module")
async def here(stack: LocalStack) -> AsyncIterator[Site]:
    async with site(stack) as made:
        yield made


async def appointment(here: Site, company: int | None, booking: str, call: int | None = None) -> int:
    sql = """INSERT INTO appointments (company_id, calcom_v2_booking_id, call_id, status, starts_at)
             VALUES ($1, $2, $3, 'confirmed', $4) RETURNING id"""
    key = await here.crm.fetchval(sql, company, booking, call, NINE)
    assert isinstance(key, int)
    return key


async def test_rows_by_booking_reference_are_told_whatever_their_tenant(here: Site) -> None:
    mine, theirs = await appointment(here, 1, "rows-a"), await appointment(here, 2, "rows-a")
    await appointment(here, 1, "rows-b")
    await here.ask(about_rows("refs-1", booking_refs=("rows-a", "4711")))
    key, read = await here.rows_of("refs-1")
    assert (key, read.result) == ("1", "found")
    assert {(row["table"], row["id"], row["company_id"]) for row in read.rows} == {
        ("appointments", mine, 1),
        ("appointments", theirs, 2),
    }
    assert read.question.booking_refs == ("rows-a", "4711")


async def test_an_answer_carries_the_snapshot_that_its_rows_were_seen_in(here: Site) -> None:
    await here.ask(about_rows("snapshot-1", booking_refs=("nobody-names-this",)))
    _, read = await here.rows_of("snapshot-1")
    assert (read.result, read.rows) == ("found", ())
    assert read.snapshot is not None
    horizon = await here.crm.fetchval("SELECT pg_snapshot_xmax($1::text::pg_snapshot)::text::bigint", read.snapshot)
    after = await here.crm.fetchval("SELECT pg_current_xact_id()::text::bigint")
    assert after >= horizon


async def test_times_are_exact_and_the_worker_understands_the_row(here: Site) -> None:
    key = await appointment(here, 1, "rows-c")
    await here.ask(about_rows("key-1", table="appointments", row_id=str(key)))
    _, read = await here.rows_of("key-1")
    assert read.rows[0]["starts_at"] == "2026-12-01T09:00:00.123987Z"
    [seen] = decode_rows("1", msgspec.json.encode(read), 0)
    assert isinstance(seen, RowReadSeen)
    assert seen.id == str(key)


async def test_appointments_of_a_call_and_calls_by_key_are_read_too(here: Site) -> None:
    sql = "INSERT INTO calls (company_id, appointment_made, direction) VALUES (1, true, 'inbound') RETURNING id"
    call = await here.crm.fetchval(sql)
    key = await appointment(here, 1, "rows-d", call)
    await here.ask(
        about_rows("call-1", table="calls", row_id=str(call)),
        about_rows("of-call-1", call_id=str(call)),
    )
    _, read = await here.rows_of("call-1")
    assert (read.rows[0]["table"], read.rows[0]["appointment_made"]) == ("calls", True)
    _, read = await here.rows_of("of-call-1")
    assert [row["id"] for row in read.rows] == [key]


async def test_a_reference_that_the_column_cannot_hold_has_no_rows_and_spoils_nothing(here: Site) -> None:
    key = await appointment(here, 1, "rows-e")
    await here.ask(
        about_rows("odd-1", table="appointments", row_id="no-number"),
        about_rows("odd-2", table="appointments", row_id="9" * 30),
        about_rows("odd-3", table="appointments", row_id=str(key)),
        about_rows("odd-4"),
    )
    assert (await here.rows_of("odd-1"))[1].rows == ()
    assert (await here.rows_of("odd-2"))[1].rows == ()
    assert len((await here.rows_of("odd-3"))[1].rows) == 1
    assert (await here.rows_of("odd-4"))[1].result == "unusable"


async def test_while_the_table_is_locked_the_question_waits_and_is_answered_afterwards(here: Site) -> None:
    key = await appointment(here, 1, "rows-f")
    transaction = here.crm.transaction()
    await transaction.start()
    await here.crm.execute("LOCK TABLE appointments IN ACCESS EXCLUSIVE MODE")
    await here.ask(about_rows("locked-1", table="appointments", row_id=str(key)))
    await here.rows_of("locked-1", "unavailable")
    await transaction.rollback()
    _, read = await here.rows_of("locked-1", "found")
    assert len(read.rows) == 1


async def test_a_database_that_is_away_is_no_answer_and_a_wrong_table_is_unanswerable(here: Site) -> None:
    nowhere = CrmDatabase(SourceSettings.model_validate({"dsn": "postgresql://a:b@127.0.0.1:1/x"}))
    with pytest.raises(NotAnswered):
        await nowhere.read(("appointments", "id"), ["1"])
    dsn = here.settings.source.dsn.get_secret_value() if here.settings.source.dsn else ""
    wrong = SourceSettings.model_validate({"dsn": dsn, "appointments": {"table": "public.no_such_table"}})
    elsewhere = CrmDatabase(wrong)
    with pytest.raises(NotAnswerable):
        await elsewhere.read(("appointments", "id"), ["1"])
    await nowhere.close()
    await elsewhere.close()


async def test_the_same_process_reads_the_rows_of_a_validation(here: Site) -> None:
    sql = "INSERT INTO calls (company_id, appointment_made, booking_id) VALUES (1, true, 'rows-v') RETURNING id"
    call = await here.crm.fetchval(sql)
    key = await appointment(here, 1, "rows-v", call)
    assert here.settings.store.dsn is not None
    asker = RowsAsker(here.settings.store.dsn.get_secret_value())

    async def answered() -> RowsAnswer | None:
        try:
            return await asker.ask("call", str(call))
        except RowsUnread:
            return None

    answer = await until(answered)
    assert answer is not None
    assert [(row.kind, row.id, row.tenant) for row in answer.rows] == [
        ("call", str(call), "1"),
        ("appointment", str(key), "1"),
    ]
    await asker.close()
