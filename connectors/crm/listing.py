"""Listing tables of the monitored database: rows of a tenant by key, rows by their change, and the tenants there are.

Each statement is bounded in rows, and by the database's statement_timeout: what is too slow is asked for in smaller
pages. Keyset pages only: a page costs the same wherever it stands.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from connectors.crm.database import CrmDatabase, Kind, NotAnswerable
from connectors.crm.table import KEY, READ_AT, SNAPSHOT, Table
from streams.model.ids import NO_TENANT

#: By what a pass is cut: an appointment's start, a call's creation.
PLACED_BY: Mapping[Kind, str] = {"appointments": "starts_at", "calls": "created_at"}
#: Tenants of one table; who has more lists them under [[tenants]].
TENANTS_MAX = 10_000


class ListPage(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one page under our names, in the order of the list; `read_at` by the database's clock.

    `last` is where the next page begins, None if this is the last one.
    """

    snapshot: str
    read_at: datetime
    rows: tuple[dict[str, object], ...]
    last: "Mark | None"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a list: behind this row."""

    id: str
    updated_at: datetime | None = None


class CrmLists:
    """Lists of both tables. Every method raises NotAnswered (TooSlow for one), NotAnswerable."""

    def __init__(self, database: CrmDatabase) -> None:
        self._database = database

    async def kinds(self) -> list[Kind]:
        """The tables that are there: not every company keeps its calls in the database."""
        kinds: list[Kind] = ["appointments"]
        try:
            await self._database.table("calls")
        except NotAnswerable:
            return kinds
        return [*kinds, "calls"]

    async def tenants(self, kind: Kind) -> list[str]:
        """Every tenant that has a row, `~none` for rows without one; at most TENANTS_MAX."""
        table = await self._table(kind, "company_id")
        column = f"{table.column('company_id')}::text"
        sql = f"SELECT DISTINCT {column} AS tenant FROM {table.qualified} LIMIT {TENANTS_MAX}"
        return sorted(row["tenant"] or NO_TENANT for row in await self._database.fetch(sql))

    async def of_tenant(
        self, kind: Kind, tenant: str, after: Mark | None, span: tuple[datetime, datetime], limit: int
    ) -> ListPage | None:
        """A page of the tenant's rows that lie in the span, by key; None for a tenant that the table cannot hold."""
        table = await self._table(kind, "company_id")
        arguments: list[object] = []
        conditions: list[str] = []
        if tenant == NO_TENANT:
            conditions.append(table.empty("company_id"))
        elif table.can_hold("company_id", tenant):
            arguments.append(tenant)
            conditions.append(f"{table.column('company_id')} = {table.parameter('company_id', 1)}")
        else:
            return None
        if (placed := PLACED_BY[kind]) in table.columns:
            conditions += _within(table, placed, span, arguments)
        if after is not None:
            arguments.append(after.id)
            conditions.append(f"{table.column('id')} > {table.parameter('id', len(arguments))}")
        return await self._page(table, conditions, arguments, "id", limit)

    async def changed(self, kind: Kind, since: datetime, after: Mark | None, limit: int) -> ListPage:
        """A page of all tenants' rows changed at `since` or later, by (updated_at, id)."""
        table = await self._table(kind, "updated_at")
        updated, key = table.column("updated_at"), table.column("id")
        if after is None:
            condition = f"{updated} >= {table.moment('updated_at', 1)}"
            return await self._page(table, [condition], [since], "updated_at id", limit)
        condition = f"({updated}, {key}) > ({table.moment('updated_at', 1)}, {table.parameter('id', 2)})"
        return await self._page(table, [condition], [after.updated_at, after.id], "updated_at id", limit)

    async def _page(
        self, table: Table, conditions: Sequence[str], arguments: Sequence[object], order: str, limit: int
    ) -> ListPage:
        sql = table.select(" AND ".join(conditions), order=order, limit=str(limit))
        records = await self._database.fetch(sql, *arguments)
        found = [record for record in records if record[KEY] is not None]
        last = _mark(found[-1]) if len(found) == limit else None
        return ListPage(
            snapshot=records[0][SNAPSHOT],
            read_at=records[0][READ_AT],
            rows=tuple(table.row(record) for record in found),
            last=last,
        )

    async def _table(self, kind: Kind, needed: str) -> Table:
        table: Table = await self._database.table(kind)
        if needed not in table.columns:
            raise NotAnswerable(
                f"{table.name} has no column for {needed}; allowed is "
                f'source.{kind}.columns.{needed} = "<the name of a column that is there>"'
            )
        return table


def _within(table: Table, placed: str, span: tuple[datetime, datetime], arguments: list[object]) -> list[str]:
    conditions = []
    for sign, moment in zip((">=", "<="), span, strict=True):
        arguments.append(moment)
        conditions.append(f"{table.column(placed)} {sign} {table.moment(placed, len(arguments))}")
    return conditions


def _mark(record: Any) -> Mark:
    return Mark(id=record[KEY], updated_at=record.get("updated_at"))
