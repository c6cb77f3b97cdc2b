"""Walking over a whole table by its key, where no other index may be counted on."""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from connectors.crm.database import CrmDatabase, Kind, NotAnswerable
from connectors.crm.table import KEY, SNAPSHOT, Table, quoted

#: Rows that one statement walks over: far within its two seconds.
PAGE_ROWS = 2_000
#: What says that a row is of late, or still to come.
_RECENT = ("starts_at", "created_at", "updated_at")
_LAST = "~last"


class WalkedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Of the rows that one statement walked over, those that were wanted, under our names."""

    snapshot: str
    rows: tuple[dict[str, object], ...]


async def walk_rows(database: CrmDatabase, kind: Kind, since: datetime) -> AsyncIterator[WalkedPage]:
    """Every row that changed, was made or starts since then; all rows of a table without such columns.

    Raises NotAnswered (TooSlow for one), NotAnswerable.
    """
    table: Table = await database.table(kind)
    if "id" not in table.columns:
        raise NotAnswerable(f"{table.name} has no column for id")
    after: str | None = None
    while True:
        behind = () if after is None else (after,)
        records = await database.fetch(_sql(table, first=after is None), since, *behind)
        if not records:
            return
        rows = tuple(table.row(record) for record in records if record[KEY] is not None)
        yield WalkedPage(snapshot=records[0][SNAPSHOT], rows=rows)
        after = records[0][_LAST]


def _sql(table: Table, *, first: bool) -> str:
    """A page behind the key $2 of those that changed at $1 or later; a row of nulls where none of them did."""
    columns = ", ".join(f'{table.expression(ours)} AS "{ours}"' for ours in sorted(table.columns))
    key = table.column("id")
    behind = "" if first else f" WHERE {key} > {table.parameter('id', 2)}"
    page = f'SELECT {key} AS "{KEY}", {columns} FROM {table.qualified}{behind} ORDER BY {key} LIMIT {PAGE_ROWS}'
    recent = " OR ".join(f"{quoted(ours)} >= $1" for ours in _RECENT if ours in table.columns)
    wanted = f"SELECT * FROM page WHERE {recent or '$1::timestamptz IS NOT NULL'}"
    last = f'SELECT ("{KEY}")::text AS "{_LAST}" FROM page ORDER BY "{KEY}" DESC LIMIT 1'
    return (
        f'WITH page AS ({page}) SELECT pg_current_snapshot()::text AS "{SNAPSHOT}", e."{_LAST}", r.*'
        f" FROM ({last}) AS e LEFT JOIN ({wanted}) AS r ON true"
    )
