"""A call or appointment with its partners, in one SELECT: what validating it needs to see.

    of an appointment   itself, the calls that it or its booking names, the rows of the same call or booking
    of a call           itself, the appointments that name it, the rows of the booking that it names

Never filtered by tenant, as every read of ours; at most ROWS_MAX of each table, those asked for first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from connectors.crm.database import CrmDatabase, Kind, NotAnswerable
from connectors.crm.table import INTEGERS, READ_AT, TEXTS, Table, quoted

ROWS_MAX = 20


class Neighbours(msgspec.Struct, frozen=True, kw_only=True):
    """The rows under our names, each with its table; `read_at` by the database's clock."""

    read_at: datetime
    rows: tuple[tuple[Kind, dict[str, object]], ...]


class CrmNeighbours:
    """Reads neighbours. The statement is made once for each kind, and again after the database refused it."""

    def __init__(self, database: CrmDatabase, *, has_calls: bool) -> None:
        self._database = database
        self._has_calls = has_calls
        self._tables: tuple[Table, Table | None] | None = None

    async def read(self, kind: Kind, key: str) -> Neighbours:
        """The row of that key and its partners; no rows where it is not there. Raises NotAnswered, NotAnswerable."""
        appointments, calls = self._tables or await self._inspected()
        asked = appointments if kind == "appointments" else calls
        if asked is None:
            raise NotAnswerable("the database has no table of calls")
        # What the key's column cannot hold has no row: nothing is asked for by a key that is none.
        wanted = key if asked.can_hold("id", key) else None
        try:
            records = await self._database.fetch(_statement(kind, appointments, calls), wanted)
        except NotAnswerable:
            self._tables = None
            raise
        rows: list[tuple[Kind, dict[str, object]]] = [
            ("appointments", row) for row in _rows("a", appointments, records)
        ]
        if calls is not None:
            rows += [("calls", row) for row in _rows("c", calls, records)]
        return Neighbours(read_at=records[0][READ_AT], rows=tuple(rows))

    async def _inspected(self) -> tuple[Table, Table | None]:
        appointments = await self._database.table("appointments")
        calls = await self._database.table("calls") if self._has_calls else None
        self._tables = (appointments, calls)
        return self._tables


def _rows(prefix: str, table: Table, records: Sequence[Any]) -> list[dict[str, object]]:
    found = [record for record in records if record[f"{prefix}.id"] is not None]
    return [table.row({ours: record[f"{prefix}.{ours}"] for ours in table.columns}) for record in found]


def _statement(kind: Kind, appointments: Table, calls: Table | None) -> str:
    """One row of the result holds one row of each table, side by side: they have nothing to do with one another."""
    asked = appointments if kind == "appointments" else calls
    assert asked is not None
    seed = f"SELECT {_mapped(asked)} FROM {asked.qualified} WHERE {asked.column('id')} = {asked.parameter('id', 1)}"
    sides = [_side("a", appointments, _of_appointments(kind, appointments, asked))]
    if calls is not None:
        sides.append(_side("c", calls, _of_calls(kind, calls, asked)))
    rows = sides[0]
    if len(sides) == 2:
        rows = f'SELECT * FROM ({sides[0]}) AS a FULL JOIN ({sides[1]}) AS c ON "a~n" = "c~n"'
    now = f'SELECT now() AS "{READ_AT}"'
    return f"WITH seed AS ({seed}) SELECT * FROM ({now}) AS s LEFT JOIN ({rows}) AS r ON true"


def _side(prefix: str, table: Table, conditions: list[str]) -> str:
    columns = ", ".join(f'{table.expression(ours)} AS "{prefix}.{ours}"' for ours in sorted(table.columns))
    first, key = conditions[0], table.column("id")
    return (
        f'SELECT row_number() OVER () AS "{prefix}~n", {columns} FROM (SELECT {_mapped(table)} FROM {table.qualified}'
        f" WHERE {' OR '.join(conditions)} ORDER BY ({first}) DESC NULLS LAST, {key} DESC LIMIT {ROWS_MAX}) AS t"
    )


def _mapped(table: Table) -> str:
    """Our role may read these and no others."""
    return ", ".join(sorted({quoted(theirs) for theirs in table.columns.values()}))


def _of_appointments(kind: Kind, table: Table, asked: Table) -> list[str]:
    booking = "calcom_v2_booking_id"
    if kind == "appointments":
        pairs = [("id", "id"), ("call_id", "call_id"), (booking, booking)]
    else:
        pairs = [("call_id", "id"), (booking, "booking_id")]
    conditions = [_same(table, ours, asked, theirs) for ours, theirs in pairs]
    return [one for one in conditions if one is not None] or ["false"]


def _of_calls(kind: Kind, table: Table, asked: Table) -> list[str]:
    pairs = [("id", "id")] if kind == "calls" else [("id", "call_id"), ("booking_id", "calcom_v2_booking_id")]
    conditions = [_same(table, ours, asked, theirs) for ours, theirs in pairs]
    return [one for one in conditions if one is not None] or ["false"]


def _same(table: Table, ours: str, asked: Table, theirs: str) -> str | None:
    """The condition that column `ours` holds what the asked row has in `theirs`; None where a column is missing.

    Compared in their own types where these allow it, or no index serves; empty text names nothing.
    """
    if ours not in table.columns or theirs not in asked.columns:
        return None
    column, other = table.column(ours), quoted(asked.columns[theirs])
    types = {table.types[ours], asked.types[theirs]}
    if len(types) > 1 and not (types <= TEXTS or types <= INTEGERS.keys()):
        column, other = f"{column}::text", f"{other}::text"
    return f"{column} = ANY(ARRAY(SELECT {other} FROM seed WHERE {other}::text <> ''))"
