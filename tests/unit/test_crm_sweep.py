"""Rows of the database are told in records of bounded size, in pages that the database can bear."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from api.installation import parts_to_start
from connectors.crm.database import TooSlow
from connectors.crm.listing import ListPage, Mark
from connectors.crm.row_telling import RECORD_BYTES_MAX, RowTeller
from connectors.crm.sweep import PAGE_ROWS_MIN, CrmSweep
from connectors.pass_times import Pass, timetable_of
from connectors.stack.stack import StackPart
from streams.model.ids import NO_TENANT
from streams.model.records import RowsRead
from streams.settings import Settings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROWS = 40


class Lists:
    """A table of ROWS rows of tenant 1; pages of more than `bearable` rows take too long."""

    def __init__(self, bearable: int) -> None:
        self.bearable = bearable
        self.limits: list[int] = []

    async def kinds(self) -> list[str]:
        return ["appointments"]

    async def tenants(self, _kind: str) -> list[str]:
        return ["1"]

    async def of_tenant(self, _kind: str, tenant: str, after: Mark | None, _span: object, limit: int) -> ListPage:
        self.limits.append(limit)
        if limit > self.bearable:
            raise TooSlow("statement timeout")
        first = int(after.id) + 1 if after else 1
        keys = range(first, min(first + limit, ROWS + 1)) if tenant == "1" else range(0)
        rows = tuple({"table": "appointments", "id": key, "company_id": 1} for key in keys)
        last = Mark(id=str(keys[-1])) if len(keys) == limit else None
        return ListPage(snapshot="1:1:", read_at=NOW, rows=rows, last=last)


class Passes:
    side = "database"

    def __init__(self) -> None:
        self.complete: list[str] = []
        self.ended = False

    async def now(self) -> datetime:
        return NOW

    async def advance(self, *_: object) -> None:
        """Where it stands is the real store's business."""

    async def end(self, *_: object) -> None:
        self.ended = True

    async def tell_complete(self, _tell: object, tenant: str, _by: Pass) -> None:
        self.complete.append(tenant)


async def test_a_page_that_is_too_slow_is_halved_until_the_database_can_bear_it() -> None:
    told: list[int] = []
    lists, passes = Lists(bearable=PAGE_ROWS_MIN + 5), Passes()

    async def publish(_: str, read: RowsRead) -> None:
        told.extend(int(str(row["id"])) for row in read.rows)

    given: dict[str, Any] = {"lists": lists, "store": passes, "pool": None, "tell_complete": None}
    sweep = CrmSweep(
        **given, publish=publish, timetable=timetable_of(Settings()), configured=("1",), page_rows_max=2 * PAGE_ROWS_MIN
    )
    one = Pass(unit="database", kind="full", begun_at=NOW, starts_from=NOW, starts_to=NOW)
    await sweep.sweep(one)
    assert told == list(range(1, ROWS + 1))
    # And it stays so to the end of the pass.
    assert lists.limits == [2 * PAGE_ROWS_MIN] + [PAGE_ROWS_MIN] * 6
    assert passes.complete == ["1", NO_TENANT]
    assert passes.ended


async def test_a_record_stays_below_its_bound_and_a_single_long_row_goes_alone() -> None:
    records: list[RowsRead] = []

    async def publish(_: str, read: RowsRead) -> None:
        records.append(read)

    short = [{"id": key, "status": "x" * 1_000} for key in range(400)]
    long = [{"id": 400, "status": "x" * RECORD_BYTES_MAX}]
    await RowTeller(publish, "sweep").tell("1", "appointments", [*short, *long], "1:1:", 0.0)
    assert [row["id"] for record in records for row in record.rows] == list(range(401))
    assert all(len(msgspec.json.encode(record)) < 200_000 for record in records)
    assert len(records[-1].rows) == 1
    assert all(record.question.table == "appointments" and record.duration_ms is not None for record in records)


def test_no_connect_is_started_for_a_database_that_is_polled() -> None:
    assert StackPart.CONNECT in parts_to_start(Settings())
    assert StackPart.CONNECT not in parts_to_start(Settings.model_validate({"source": {"mode": "poll"}}))
