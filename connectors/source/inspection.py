"""What the monitored database looks like now: the ground on which a preparation or removal is planned."""

from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from connectors.source.mapping import SourceMapping, TableMapping

_SQL = files("connectors.source")
TABLE_SQL = (_SQL / "inspect_table.sql").read_text(encoding="utf-8")
#: Of Amazon RDS and Aurora.
RDS_REPLICATION = "rds_replication"
REMEMBERED_SQL = "SELECT table_name, previous, previous_index, made, index FROM {schema}.table_identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNames:
    """What our things are called in their database. The slot's name is unique in the whole server."""

    role: str = "plumbline"
    publication: str = "plumbline"
    slot: str = "plumbline"
    schema: str = "plumbline"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """One mapped table. Replica identity as in pg_class.relreplident: d, n, f, i."""

    mapping: TableMapping
    exists: bool
    has_primary_key: bool
    #: Column name to whether it is NOT NULL.
    columns: dict[str, bool]
    identity: str
    #: Of identity `i`: the index and its columns.
    identity_index: str | None
    identity_columns: frozenset[str]
    #: Whether the index that we would make is there, and whether it was built to the end.
    own_index_valid: bool | None

    @property
    def qualified(self) -> str:
        return f"{quoted(self.mapping.schema)}.{quoted(self.mapping.name)}"

    @property
    def own_index(self) -> str:
        return own_index(self.mapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A replica identity that we changed: what it was, and what we made of it."""

    table_name: str
    previous: str
    previous_index: str | None
    made: str
    #: The index that we built for it, qualified; None for FULL.
    index: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """The whole of what a plan depends on."""

    wal_level: str
    role_exists: bool
    publication_exists: bool
    slot_exists: bool
    tables: tuple[TableState, ...]
    remembered: tuple[Remembered, ...]
    #: Of the tables remembered: the replica identity now.
    identities_now: dict[str, str]
    #: A provider's role whose members may replicate, where nobody gets the attribute itself.
    replication_role: str | None = None


async def inspect(connection: asyncpg.Connection, mapping: SourceMapping | None, names: SourceNames) -> SourceState:
    """Read the catalogue; nothing is changed. Without a mapping the tables are left out."""
    remembered = await _remembered(connection, names.schema)
    return SourceState(
        wal_level=await connection.fetchval("SHOW wal_level"),
        role_exists=await _exists(connection, "pg_roles WHERE rolname = $1", names.role),
        publication_exists=await _exists(connection, "pg_publication WHERE pubname = $1", names.publication),
        slot_exists=await _exists(connection, "pg_replication_slots WHERE slot_name = $1", names.slot),
        tables=tuple([await _table(connection, table) for table in mapping.tables]) if mapping else (),
        remembered=remembered,
        replication_role=await connection.fetchval(
            "SELECT rolname::text FROM pg_roles WHERE rolname = $1", RDS_REPLICATION
        ),
        identities_now={row.table_name: await _identity(connection, row.table_name) for row in remembered},
    )


def quoted(name: str) -> str:
    """An identifier, safe in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string constant, safe in SQL; for statements that take no parameters."""
    body = text.replace("'", "''")
    return f"E'{body.replace(chr(92), chr(92) * 2)}'" if "\\" in body else f"'{body}'"


def own_index(mapping: TableMapping) -> str:
    """The name of the index that carries key and tenant; Postgres' names end at 63 bytes."""
    return f"plumbline_identity_{mapping.name}".encode()[:63].decode(errors="ignore")


async def _exists(connection: asyncpg.Connection, where: str, name: str) -> bool:
    return await connection.fetchval(f"SELECT 1 FROM {where}", name) is not None


async def _identity(connection: asyncpg.Connection, table: str) -> str:
    found = await connection.fetchval("SELECT relreplident::text FROM pg_class WHERE oid = to_regclass($1)", table)
    return str(found or "")


async def _remembered(connection: asyncpg.Connection, schema: str) -> tuple[Remembered, ...]:
    if await connection.fetchval("SELECT to_regclass($1)", f"{quoted(schema)}.table_identity") is None:
        return ()
    rows = await connection.fetch(REMEMBERED_SQL.format(schema=quoted(schema)))
    return tuple(Remembered(**dict(row)) for row in rows)


async def _table(connection: asyncpg.Connection, mapping: TableMapping) -> TableState:
    row = await connection.fetchrow(TABLE_SQL, mapping.schema, mapping.name, own_index(mapping))
    if row is None:
        return TableState(
            mapping=mapping,
            exists=False,
            has_primary_key=False,
            columns={},
            identity="",
            identity_index=None,
            identity_columns=frozenset(),
            own_index_valid=None,
        )
    return TableState(
        mapping=mapping,
        exists=True,
        has_primary_key=row["has_primary_key"],
        columns=dict(zip(row["columns"], row["not_null"], strict=True)),
        identity=row["identity"],
        identity_index=row["identity_index"],
        identity_columns=frozenset(row["identity_columns"] or ()),
        own_index_valid=row["own_index_valid"],
    )
