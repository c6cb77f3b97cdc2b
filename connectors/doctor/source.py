"""Everything about the monitored database, over one connection of the role that Plumbline works with."""

import asyncpg

from connectors.doctor.database import PREPARE, SERVER_CHECKS, Look
from connectors.doctor.line import Line, checked, fail, ok
from connectors.doctor.tables import (
    examine_columns,
    examine_identity,
    examine_publication,
    examine_visibility,
    examine_words,
    examine_writing,
)
from connectors.source.mapping import mapping_of
from connectors.source.prepare import names_of
from streams.logs import mask_text
from streams.settings_sections import SourceSettings

CONNECT_SECONDS_MAX = 5.0
STATEMENT_MS_MAX = 5_000


async def examine_source(source: SourceSettings) -> list[Line]:
    """Every check of it; only the first if it cannot be reached."""
    if source.dsn is None:
        return [fail("source", "source.dsn is not set", "set it to postgresql://role:password@host:port/database")]
    dsn = source.dsn.get_secret_value()
    settings = {
        "application_name": "plumbline-doctor",
        "default_transaction_read_only": "on",
        "statement_timeout": str(STATEMENT_MS_MAX),
    }
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS_MAX, server_settings=settings)
    except (asyncpg.PostgresError, OSError, TimeoutError) as away:
        reason = mask_text(str(away) or type(away).__name__)
        return [
            fail("source", reason, f"is source.dsn right, and may it be reached from here? Is the role made: {PREPARE}")
        ]
    look = Look(connection, source, mapping_of(source), names_of(dsn)[0])
    try:
        version = await connection.fetchval("SHOW server_version")
        return [ok("source", f"reachable, PostgreSQL {version}"), *await _server(look), *await _tables(look)]
    finally:
        await connection.close(timeout=CONNECT_SECONDS_MAX)


async def _server(look: Look) -> list[Line]:
    lines: list[Line] = []
    for name, check in SERVER_CHECKS.items():
        lines += await checked(name, check(look))
    lines += await checked("source privileges", examine_writing(look))
    return lines + await checked("source publication", examine_publication(look))


async def _tables(look: Look) -> list[Line]:
    lines: list[Line] = []
    kinds = ("appointments", "calls")
    for kind, table in zip(kinds, look.mapping.tables, strict=False):
        lines += await checked(f"{kind} columns", examine_columns(look, kind, table))
        lines += await checked(f"{kind} rows", examine_visibility(look, kind, table))
        lines += await checked(f"{kind} identity", examine_identity(look, kind, table))
        lines += await checked(f"{kind} words", examine_words(look, kind, table))
    return lines
