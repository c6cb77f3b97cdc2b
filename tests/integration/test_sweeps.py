"""Passes over both sides show what nothing told of, and say so once all of a tenant was shown."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.crm.database import CrmDatabase
from connectors.crm.listing import CrmLists
from connectors.crm.sweep import UNIT, CrmSweep
from connectors.pass_times import timetable_of
from connectors.passes import PassStore
from connectors.stack.stack import LocalStack
from connectors.sweeping import backfill
from connectors.world.instants import HOUR as HOUR_MS
from connectors.world.instants import now
from streams.model.ids import NO_TENANT, iso
from streams.model.records import RowsRead
from streams.model.source_records import PassComplete
from tests.integration.connecting import Site, about_rows, site
from tests.integration.waiting import until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
async def here(stack: LocalStack) -> AsyncIterator[Site]:
    async with site(stack, requests_per_minute=500) as made:
        await made.swept()
        yield made


async def fill_gap(here: Site) -> list[PassComplete]:
    """A back-fill; what it told."""
    before = len(here.passes)
    async with asyncio.timeout(60):
        await backfill(SimpleNamespace(settings=here.settings, pool=here.store))  # type: ignore[arg-type]  # all it uses
    told = [("calcom", "1"), ("calcom", "2"), ("database", "1"), ("database", "2"), ("database", NO_TENANT)]
    await until(lambda: set(told) <= {(one.side, one.tenant) for one in here.passes[before:]})
    return here.passes[before:]


async def appointment(here: Site, company: int | None, days: int = 1) -> int:
    sql = """INSERT INTO appointments (company_id, status, starts_at)
             VALUES ($1, 'confirmed', now() + make_interval(days => $2)) RETURNING id"""
    key: int = await here.crm.fetchval(sql, company, days)
    return key


def shown(here: Site, key: int, since: int = 0) -> list[tuple[str, RowsRead]]:
    """Sweeps' records that hold the appointment."""
    return [
        (tenant, read)
        for tenant, read in here.rows_reads[since:]
        if read.reason == "sweep" and any((row["table"], row["id"]) == ("appointments", key) for row in read.rows)
    ]


async def test_at_the_first_start_both_passes_are_made_over_both_sides(here: Site) -> None:
    wanted = {
        (side, tenant, full) for side in ("calcom", "database") for tenant in ("1", "2") for full in (True, False)
    }
    await until(lambda: wanted <= {(one.side, one.tenant, one.full) for one in here.passes})
    calcom = [one.full for one in here.passes if (one.side, one.tenant) == ("calcom", "1")]
    assert calcom == [False, True]  # the window first, and each once
    kept = await here.store.fetch("SELECT side, tenant, kind FROM sweep_coverage")
    assert {(row["side"], row["tenant"], row["kind"] == "full") for row in kept} >= wanted


async def test_a_booking_moved_in_silence_is_shown_though_no_filter_by_its_change_could(here: Site) -> None:
    booking = here.book()
    await fill_gap(here)
    moved = replace(here.calcom.bookings.current(booking.uid), start=booking.start + HOUR_MS, end=booking.end + HOUR_MS)
    assert moved.updated_at == booking.updated_at
    here.calcom.bookings._keep(moved, now())
    await fill_gap(here)
    reads = [read.booking or {} for _, read in here.booking_reads if read.uid == booking.uid]
    assert reads[-1]["start"] == iso(moved.start)
    assert reads[0]["start"] == iso(booking.start)


async def test_a_row_deleted_while_nothing_listened_is_missing_from_a_complete_pass_and_gone_by_its_key(
    here: Site,
) -> None:
    stays, goes = await appointment(here, 1), await appointment(here, 1)
    await fill_gap(here)
    await until(lambda: shown(here, goes))
    await here.crm.execute("DELETE FROM appointments WHERE id = $1", goes)
    since = len(here.rows_reads)
    await fill_gap(here)
    await until(lambda: shown(here, stays, since))
    assert not shown(here, goes, since)
    await here.ask(about_rows("gone-1", table="appointments", row_id=str(goes)))
    assert (await here.rows_of("gone-1"))[1].rows == ()


async def test_rows_without_a_tenant_are_shown_under_a_tenant_of_their_own(here: Site) -> None:
    key = await appointment(here, None)
    await fill_gap(here)
    [(tenant, read)] = await until(lambda: shown(here, key))
    assert tenant == NO_TENANT
    assert read.request_id.startswith("sweep|appointments|")
    assert read.duration_ms is not None


async def test_what_lies_outside_of_the_window_is_left_to_the_full_pass(here: Site) -> None:
    key = await appointment(here, 1, days=200)
    told = await fill_gap(here)
    assert not shown(here, key)
    window = next(one for one in told if (one.side, one.tenant) == ("database", "1"))
    assert not window.full
    assert str(window.starts_to) < str(iso(now() + 91 * 24 * HOUR_MS))


async def test_a_pass_that_crashed_goes_on_behind_what_was_acknowledged(here: Site) -> None:
    keys = [await appointment(here, 71) for _ in range(3)]
    told: list[int] = []

    async def publish(_: str, read: RowsRead) -> None:
        told.extend(int(str(row["id"])) for row in read.rows if row["id"] in keys)

    async def crash(_: str, read: RowsRead) -> None:
        if told:
            raise ConnectionError("the broker is gone")
        await publish(_, read)

    async def tell(record: PassComplete) -> None:
        complete.append(record.tenant)

    complete: list[str] = []
    store = PassStore(here.store, "database")
    database = CrmDatabase(here.settings.source)
    # Apart from the running process, whose unit is another.
    one = await store.begin(f"{UNIT}-71", "full", await store.now(), timetable_of(here.settings))

    def sweep(publish_by: Any) -> CrmSweep:
        return CrmSweep(
            lists=CrmLists(database), store=store, pool=here.store, publish=publish_by, tell_complete=tell,
            timetable=timetable_of(here.settings), configured=(), page_rows_max=1,
        )  # fmt: skip

    with pytest.raises(ConnectionError):
        await sweep(crash).sweep(one)
    assert told == keys[:1]
    assert "71" not in complete
    kept = (await store.load([one.unit]))[one.unit]["full"]
    assert kept.position is not None
    await sweep(publish).sweep(kept)
    assert told == keys
    assert "71" in complete
    await database.close()
