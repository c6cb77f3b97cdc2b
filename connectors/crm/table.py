"""One table of the monitored database as it really is: which mapped columns it has, of which types, and the
SQL for it.

Only names from the configuration enter the SQL, each quoted; values always travel as parameters.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

_TYPES = """
SELECT attname AS name, format_type(atttypid, NULL) AS type
  FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
"""
#: Types of whole numbers with their bounds, and of text: within each group columns compare by their indexes.
INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
TEXTS = {"text", "character varying", "character"}
_ZONELESS = "timestamp without time zone"
_NUMBER = re.compile(r"-?[0-9]{1,19}")
_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
#: Columns of ours that are yes or no, which some databases keep as 0 and 1.
FLAGS = {"appointment_made", "requires_manual_review"}
KEY = "~key"
SNAPSHOT = "~snapshot"
READ_AT = "~read_at"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table, its mapped columns that exist (ours → theirs) and their types (ours → type)."""

    kind: str  # our name of it: "appointments" or "calls"
    name: str  # theirs, with its schema
    columns: Mapping[str, str]
    types: Mapping[str, str]
    timezone: str

    def statement(self, by: str) -> str:
        """All rows whose column `by` (ours) is among the texts of $1, each with the snapshot it was read in.

        One row of nulls with the snapshot where there are none. Raises KeyError for a column that is not
        there.
        """
        key, keys = self._key(by)
        return self.select(f"{key} = ANY({keys})", key=by)

    def select(self, where: str, *, key: str = "id", order: str = "", limit: str = "") -> str:
        """All columns of the rows that `where` (SQL) holds for, with `key` as text and the snapshot of the reading.

        One row of nulls with the snapshot where there are none. `order` names columns of ours.
        """
        columns = ", ".join(f'{self.expression(ours)} AS "{ours}"' for ours in sorted(self.columns))
        text = f'({quoted(self.columns[key])})::text AS "{KEY}"'
        theirs = ", ".join(quoted(self.columns[ours]) for ours in order.split())
        ordered = f" ORDER BY {theirs}" if theirs else ""
        found = f"SELECT {text}, {columns} FROM {self.qualified} WHERE {where}{ordered}{limit and f' LIMIT {limit}'}"
        snapshot = f'SELECT pg_current_snapshot()::text AS "{SNAPSHOT}", now() AS "{READ_AT}"'
        outer = ", ".join(f'r."{ours}"' for ours in order.split())
        return f"SELECT * FROM ({snapshot}) AS s LEFT JOIN ({found}) AS r ON true" + (outer and f" ORDER BY {outer}")

    def column(self, ours: str) -> str:
        """The column's name as SQL. Raises KeyError for a column that is not there."""
        return quoted(self.columns[ours])

    @property
    def qualified(self) -> str:
        """The table's name with its schema, as SQL."""
        return _qualified(self.name)

    def parameter(self, ours: str, number: int) -> str:
        """Text parameter `number` as a value of the column's type, so that an index on it is used."""
        given = f"${number}::text"
        return given if self.types[ours] in TEXTS else f"{given}::{self.types[ours]}"

    def empty(self, ours: str) -> str:
        """The condition that the column holds nothing; empty text is nothing too."""
        column = self.column(ours)
        return f"({column} IS NULL OR {column} = '')" if self.types[ours] in TEXTS else f"{column} IS NULL"

    def moment(self, ours: str, number: int) -> str:
        """Instant parameter `number` as the column holds instants."""
        if self.types[ours] != _ZONELESS:
            return f"${number}::timestamptz"
        return f"(${number}::timestamptz AT TIME ZONE {self._zone})"

    def can_hold(self, by: str, value: str) -> bool:
        """Whether the column can hold the value at all; a text asked of a number column has no rows."""
        if self.types[by] == "uuid":
            return _UUID.fullmatch(value) is not None
        bound = INTEGERS.get(self.types[by])
        if bound is None:
            return "\x00" not in value
        return _NUMBER.fullmatch(value) is not None and -bound <= int(value) < bound

    def row(self, record: Mapping[str, Any]) -> dict[str, object]:
        """One found row under our names, as JSON; columns that the database lacks are left out."""
        row: dict[str, object] = {"table": self.kind}
        for ours in self.columns:
            row[ours] = self._value(ours, record[ours])
        return row

    def _value(self, ours: str, value: Any) -> object:
        match value:
            case datetime() if self.types[ours] == _ZONELESS:
                # Change events of such columns are cut to milliseconds: both must be the same instant.
                return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            case datetime():
                return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
            case 0 | 1 if ours in FLAGS:
                return bool(value)
            case Decimal() | UUID():
                return str(value)
            case str() | int() | float() | None:
                return value
            case _:
                return str(value)

    def expression(self, ours: str) -> str:
        """The column as it is selected: an instant in any case."""
        column = quoted(self.columns[ours])
        return f"{column} AT TIME ZONE {self._zone}" if self.types[ours] == _ZONELESS else column

    @property
    def _zone(self) -> str:
        return "'" + self.timezone.replace("'", "''") + "'"

    def _key(self, by: str) -> tuple[str, str]:
        column, type_ = quoted(self.columns[by]), self.types[by]
        if type_ in INTEGERS or type_ == "uuid":  # compared in their own type, or no index serves
            return column, f"$1::text[]::{type_}[]"
        return (column if type_ in TEXTS else f"{column}::text"), "$1::text[]"


async def inspect(connection: Any, *, kind: str, name: str, columns: Mapping[str, str], timezone: str) -> Table:
    """The table as the database has it. A table that is not there has no columns."""
    rows = await connection.fetch(_TYPES, _qualified(name))
    types = {row["name"]: row["type"] for row in rows}
    there = {ours: theirs for ours, theirs in columns.items() if theirs in types}
    return Table(
        kind=kind,
        name=name,
        columns=there,
        types={ours: types[theirs] for ours, theirs in there.items()},
        timezone=timezone,
    )


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _qualified(name: str) -> str:
    schema, _, table = name.rpartition(".")
    return f"{quoted(schema or 'public')}.{quoted(table)}"
