"""Brings the store's schema up to date: every file of `migrations/` in the order of its name, each once.

Any process may call it at start; an advisory lock lets one at a time. A file never changes after its release.
"""

from importlib.resources import files
from typing import NamedTuple

from connectors.store.database import Connection, dedicated_connection, reachable, until_available

#: Any number will do, as long as nobody else takes it: "plumb" in ASCII.
MIGRATION_LOCK = 0x706C756D62

_VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_versions (
    name text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class Migration(NamedTuple):
    """One file of SQL."""

    name: str
    sql: str


def migrations() -> tuple[Migration, ...]:
    """All migrations in the order in which they must run."""
    folder = files("connectors.store") / "migrations"
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple(Migration(entry.name, entry.read_text("utf-8")) for entry in sorted(found, key=lambda e: e.name))


async def migrate(dsn: str) -> tuple[str, ...]:
    """Apply what is missing and say which. Waits for a store that is away; a wrong migration raises."""
    return await until_available(lambda: _migrate(dsn))


async def missing_migrations(connection: Connection) -> tuple[str, ...]:
    """The migrations that this code has and the store has not; for readiness."""
    if await connection.fetchval("SELECT to_regclass('schema_versions')") is None:
        return tuple(migration.name for migration in migrations())
    applied = await _applied(connection)
    return tuple(migration.name for migration in migrations() if migration.name not in applied)


async def _migrate(dsn: str) -> tuple[str, ...]:
    connection = await dedicated_connection(dsn, name="plumbline-migrate")
    try:
        with reachable():
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
                return await _apply_missing(connection)
    finally:
        await connection.close()


async def _apply_missing(connection: Connection) -> tuple[str, ...]:
    await connection.execute(_VERSIONS)
    applied = await _applied(connection)
    missing = [migration for migration in migrations() if migration.name not in applied]
    for migration in missing:
        await connection.execute(migration.sql)
        await connection.execute("INSERT INTO schema_versions (name) VALUES ($1)", migration.name)
    return tuple(migration.name for migration in missing)


async def _applied(connection: Connection) -> frozenset[str]:
    return frozenset(row["name"] for row in await connection.fetch("SELECT name FROM schema_versions"))
