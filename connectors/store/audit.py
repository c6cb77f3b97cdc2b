"""The audit: one line for each write that a person or a machine asked for, accepted or refused."""

import logging
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from prometheus_client import Counter

from connectors.store.database import Connection, Database, StoreUnavailable
from connectors.store.instants import iso_of, moment
from streams.model.ids import Instant

logger = logging.getLogger(__name__)

AUDIT_KEPT = "400 days"
LINES_PER_PASS_MAX = 10_000

#: Doors by which people write.
Through = Literal["api", "slack", "mail", "command"]

LOST = Counter("plumbline_audit_lines_lost_total", "Lines of the audit that could not be written; the log has them.")


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """One write. `actor` is the key's name, or a person's id in the system they wrote through.

    `route` is the path's template or the action's name, never a path; `concerns` are the tenants whose administrators
    may read the line, None is nobody but keys of all tenants. `status` is the HTTP status that was answered.
    """

    through: Through
    actor: str
    route: str
    status: int
    role: str | None = None
    method: str | None = None
    object_id: str | None = None
    tenant: str | None = None
    concerns: tuple[str, ...] | None = None
    idempotency_key: str | None = None
    request_id: str | None = None


class WrittenLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line as the API shows it."""

    at: str
    through: str
    actor: str
    role: str | None
    method: str | None
    route: str
    object_id: str | None
    tenant: str | None
    status: int
    idempotency_key: str | None
    request_id: str | None


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines; None is any. `tenants` are those of the reader."""

    tenants: Sequence[str] | None = None
    actor: str | None = None
    object_id: str | None = None
    since: Instant | None = None


_NAMES = AuditLine.__struct_fields__
_INSERT = f"INSERT INTO audit_log ({', '.join(_NAMES)}) VALUES ({', '.join(f'${n + 1}' for n in range(len(_NAMES)))})"
# `&&` is what the index can answer, `<@` what is allowed to be seen.
_PAGE = f"""
SELECT id, {", ".join(WrittenLine.__struct_fields__)} FROM audit_log
WHERE ($1::text[] IS NULL OR (concerns && $1 AND concerns <@ $1))
  AND ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR object_id = $3)
  AND ($4::timestamptz IS NULL OR at >= $4) AND ($5::bigint IS NULL OR id < $5)
ORDER BY id DESC LIMIT $6
"""
_PRUNE = f"""
DELETE FROM audit_log WHERE id IN (
    SELECT id FROM audit_log WHERE at < now() - interval '{AUDIT_KEPT}' ORDER BY at LIMIT {LINES_PER_PASS_MAX})
"""


async def write_audit(connection: Connection, line: AuditLine) -> None:
    """Write a line in the transaction of what it tells of: there is no effect without its line."""
    values = (getattr(line, name) for name in _NAMES)
    await connection.execute(_INSERT, *(list(value) if isinstance(value, tuple) else value for value in values))


async def write_audit_alone(database: Database, line: AuditLine) -> None:
    """Write a line about what had no effect. Never raises for a store that is away: the log and a metric tell."""
    try:
        async with database.transaction() as connection:
            await write_audit(connection, line)
    except StoreUnavailable as away:
        LOST.inc()
        logger.error("not in the audit, the store is away (%s): %s", away, msgspec.json.encode(line).decode())


async def page_of_audit(
    database: Database, wanted: AuditFilter, *, limit: int, before: int | None
) -> tuple[tuple[int, WrittenLine], ...]:
    """Newest first, at most `limit` lines with their numbers, those before number `before`. Raises StoreUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            _PAGE,
            None if wanted.tenants is None else list(wanted.tenants),
            wanted.actor,
            wanted.object_id,
            None if wanted.since is None else moment(wanted.since),
            before,
            limit,
        )
    return tuple((row["id"], _line(row)) for row in rows)


def _line(row: Any) -> WrittenLine:
    values = {name: row[name] for name in WrittenLine.__struct_fields__}
    return WrittenLine(**(values | {"at": iso_of(row["at"])}))


async def prune_audit(connection: Connection) -> None:
    """One bounded pass: the oldest lines go."""
    await connection.execute(_PRUNE)
