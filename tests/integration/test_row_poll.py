"""`source.mode = "poll"`: no replication, and yet each change within ten seconds, each delete with the next pass."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from connectors.crm.database import CrmDatabase, NotAnswerable
from connectors.crm.listing import CrmLists
from connectors.crm.polling import RowPoll
from connectors.stack.stack import LocalStack
from streams.settings import Settings
from streams.settings_sections import SourceSettings
from tests.integration.connecting import Site, about_rows, site
from tests.integration.waiting import until

pytestmark = pytest.mark.stack
CHANGE_SECONDS_MAX = 10.0
#: With windows of 36 s, and a pass that may just have begun.
DELETE_SECONDS_MAX = 80.0
THROUGH = "SELECT polled_through FROM row_poll_cursors WHERE table_name = 'appointments'"


@pytest.fixture(scope="module")
async def here(stack: LocalStack) -> AsyncIterator[Site]:
    sections = {"source": {"mode": "poll"}, "sweeps": {"window_hours": 0.01}}
    async with site(stack, sections=sections) as made:
        await until(lambda: made.store.fetchval("SELECT count(*) = 2 FROM row_poll_cursors"))
        yield made


async def appointment(here: Site, status: str = "pending", changed: timedelta = timedelta(0)) -> int:
    sql = """INSERT INTO appointments (company_id, status, starts_at, updated_at)
             VALUES (1, $1, now() + interval '1 day', now() - $2::interval) RETURNING id"""
    key: int = await here.crm.fetchval(sql, status, changed)
    return key


def statuses(here: Site, key: int, why: str = "poll") -> list[object]:
    """What the poll (or the passes) told of the appointment, in order."""
    return [
        row["status"]
        for tenant, read in here.rows_reads
        for row in read.rows
        if read.request_id.startswith(f"{why}|appointments|") and row["id"] == key and tenant == "1"
    ]


async def test_inserts_and_updates_are_told_within_ten_seconds_each_once(here: Site) -> None:
    began = time.monotonic()
    key = await appointment(here)
    await until(lambda: statuses(here, key) == ["pending"])
    inserted = time.monotonic()
    await here.crm.execute("UPDATE appointments SET status = 'confirmed', updated_at = now() WHERE id = $1", key)
    await until(lambda: statuses(here, key)[-1] == "confirmed")
    updated = time.monotonic()
    assert inserted - began < CHANGE_SECONDS_MAX
    assert updated - inserted < CHANGE_SECONDS_MAX
    # Rounds overlap, and tell nothing twice.
    through = await here.store.fetchval(THROUGH)
    await until(lambda: here.store.fetchval(f"SELECT ({THROUGH}) > $1::timestamptz + interval '6 s'", through))
    assert statuses(here, key) == ["pending", "confirmed"]


async def test_a_transaction_that_commits_after_others_is_not_passed_over(here: Site) -> None:
    late = here.crm.transaction()
    await late.start()
    key = await appointment(here)  # updated_at is when the transaction began
    through = await here.store.fetchval(THROUGH)
    await until(lambda: here.store.fetchval(f"SELECT ({THROUGH}) > $1", through))
    assert statuses(here, key) == []
    await late.commit()
    await until(lambda: statuses(here, key) == ["pending"], CHANGE_SECONDS_MAX)


async def test_a_delete_is_found_by_the_next_window_pass(here: Site) -> None:
    key = await appointment(here)
    await until(lambda: statuses(here, key, "sweep"), DELETE_SECONDS_MAX)
    await here.crm.execute("DELETE FROM appointments WHERE id = $1", key)
    before = len(here.passes), len(statuses(here, key, "sweep"))

    def passed() -> bool:
        found = [one for one in here.passes[before[0] :] if (one.side, one.tenant) == ("database", "1")]
        return len(found) >= 2  # the first may have begun before the delete

    await until(passed, DELETE_SECONDS_MAX)
    assert len(statuses(here, key, "sweep")) <= before[1] + 1
    await here.ask(about_rows("deleted-1", table="appointments", row_id=str(key)))
    assert (await here.rows_of("deleted-1"))[1].rows == ()


async def test_what_was_changed_longer_ago_than_rounds_overlap_is_looked_at_again(here: Site) -> None:
    key = await appointment(here, changed=timedelta(minutes=5))  # as a host with a slow clock says
    await until(lambda: statuses(here, key) == ["pending"], 75)


async def test_nothing_replicates_and_the_source_is_told_live(here: Site) -> None:
    assert await here.crm.fetchval("SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE '%connecting%'") == 0
    state = (
        "SELECT state = 'live' AND heard_through > now() - interval '30 s' FROM source_states WHERE source = 'database'"
    )
    await until(lambda: here.store.fetchval(state))


async def test_a_table_without_the_column_is_a_clear_error(here: Site) -> None:
    dsn = here.settings.source.dsn.get_secret_value() if here.settings.source.dsn else ""
    columns = {"updated_at": "no_such_column"}
    source = SourceSettings.model_validate({"dsn": dsn, "mode": "poll", "appointments": {"columns": columns}})
    database = CrmDatabase(source)

    async def publish(*_: object) -> None:
        raise AssertionError("nothing can be found")

    poll = RowPoll(lists=CrmLists(database), pool=here.store, publish=publish)
    with pytest.raises(NotAnswerable, match=r"no column for updated_at; allowed is source\.appointments\.columns"):
        await poll.round("appointments", timedelta(seconds=30))
    await database.close()


def test_a_mapping_without_the_column_is_refused_with_the_settings() -> None:
    with pytest.raises(ValueError, match=r"source\.calls\.columns\.updated_at is missing"):
        Settings.model_validate({"source": {"mode": "poll", "calls": {"columns": {"updated_at": ""}}}})
