"""Silences in the store: made, listed and ended by people."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import uuid4

import msgspec

from connectors.store.database import Connection, Database
from connectors.store.instants import iso_of, moment
from connectors.store.notice_rows import SILENCES_MAX, silence_of
from streams.model.ids import Instant
from streams.notices.silences import Matchers, Silence

#: Silences kept at once that have not ended.
_UNENDED = "ends_at > now() AND ended_at IS NULL"

_COLUMNS = "id, tenants, matchers, starts_at, ends_at, comment, author, created_at, ended_at, ended_by"
_INSERT = f"""
INSERT INTO silences (id, tenants, matchers, starts_at, ends_at, comment, author, created_at)
VALUES ($1::uuid, $2, $3::text::jsonb, $4, $5, $6, $7, now()) RETURNING {_COLUMNS}
"""
# A key of some tenants sees what is only about these.
_SEEN = "($1::text[] IS NULL OR tenants <@ $1)"
_LIST = f"""
SELECT {_COLUMNS} FROM silences WHERE {_SEEN} AND ($2 OR {_UNENDED}) ORDER BY created_at DESC, id LIMIT $3
"""
_END = f"""
UPDATE silences SET ended_at = now(), ended_by = $3 WHERE id = $2::uuid AND {_SEEN} AND {_UNENDED} RETURNING {_COLUMNS}
"""
_ONE = f"SELECT {_COLUMNS} FROM silences WHERE id = $2::uuid AND {_SEEN}"
_FITS = """
SELECT count(*) FROM data_consistency_alerts
WHERE status <> 'resolved' AND ($1::text[] IS NULL OR tenant = ANY($1)) AND ($2::text[] IS NULL OR tenant = ANY($2))
  AND ($3::text[] IS NULL OR rule = ANY($3)) AND ($4::text[] IS NULL OR severity = ANY($4))
  AND ($5::text IS NULL OR (subject_kind = $5 AND subject_id = $6))
"""


class TooManySilences(Exception):
    """There are as many silences that have not ended as are looked at."""


class WrittenSilence(msgspec.Struct, frozen=True, kw_only=True):
    """A silence as people see it. Empty matchers fit everything; `tenants` null is all of them."""

    id: str
    state: Literal["to_come", "holds", "ended"]
    tenants: tuple[str, ...] | None
    rules: tuple[str, ...]
    severities: tuple[str, ...]
    labels: dict[str, str]
    subject: str | None
    starts_at: str
    ends_at: str
    comment: str
    author: str
    created_at: str
    ended_at: str | None
    ended_by: str | None


async def make_silence(
    database: Database,
    silence: Matchers,
    *,
    starts_at: Instant,
    ends_at: Instant,
    comment: str,
    author: str,
    now: Instant,
) -> WrittenSilence:
    """Keep a new one. Raises TooManySilences, StoreUnavailable."""
    async with database.transaction() as connection:
        if await connection.fetchval(f"SELECT count(*) FROM silences WHERE {_UNENDED}") >= SILENCES_MAX:
            raise TooManySilences
        row = await connection.fetchrow(
            _INSERT,
            str(uuid4()),
            None if silence.tenants is None else list(silence.tenants),
            msgspec.json.encode(silence).decode(),
            moment(starts_at),
            moment(ends_at),
            comment,
            author,
        )
    return _written(row, now)


async def list_silences(
    database: Database, tenants: Sequence[str] | None, *, ended: bool, limit: int, now: Instant
) -> tuple[WrittenSilence, ...]:
    """Newest first, those of these tenants alone (None is all). Raises StoreUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_LIST, None if tenants is None else list(tenants), ended, limit)
    return tuple(_written(row, now) for row in rows)


async def end_silence(
    database: Database, silence_id: str, tenants: Sequence[str] | None, *, actor: str, now: Instant
) -> WrittenSilence | None:
    """End it now; one that has ended stays as it is. None where these tenants have none. Raises StoreUnavailable."""
    mine = None if tenants is None else list(tenants)
    async with database.transaction() as connection:
        row = await connection.fetchrow(_END, mine, silence_id, actor)
        row = row or await connection.fetchrow(_ONE, mine, silence_id)
    return None if row is None else _written(row, now)


async def alerts_silenced(
    database: Database, matchers: Matchers, labels_by_tenant: Mapping[str, Mapping[str, str]]
) -> int:
    """How many unresolved alerts it fits. Raises StoreUnavailable."""
    async with database.connection() as connection:
        return await _count(connection, matchers, labels_by_tenant)


async def _count(connection: Connection, matchers: Matchers, labels_by_tenant: Mapping[str, Mapping[str, str]]) -> int:
    labelled = [
        tenant
        for tenant, labels in labels_by_tenant.items()
        if all(labels.get(name) == value for name, value in matchers.labels.items())
    ]
    kind, subject_id = matchers.subject or (None, None)
    fits = await connection.fetchval(
        _FITS,
        None if matchers.tenants is None else list(matchers.tenants),
        labelled if matchers.labels else None,
        list(matchers.rules) or None,
        list(matchers.severities) or None,
        kind,
        subject_id,
    )
    return int(fits)


def _written(row: Any, now: Instant) -> WrittenSilence:
    silence = silence_of(row)
    matchers = silence.matchers
    return WrittenSilence(
        id=silence.id,
        state=_state(silence, now),
        tenants=matchers.tenants,
        rules=tuple(rule.value for rule in matchers.rules),
        severities=tuple(severity.value for severity in matchers.severities),
        labels=matchers.labels,
        subject=None if matchers.subject is None else ":".join(matchers.subject),
        starts_at=iso_of(row["starts_at"]),
        ends_at=iso_of(row["ends_at"]),
        comment=row["comment"],
        author=row["author"],
        created_at=iso_of(row["created_at"]),
        ended_at=None if row["ended_at"] is None else iso_of(row["ended_at"]),
        ended_by=row["ended_by"],
    )


def _state(silence: Silence, now: Instant) -> Literal["to_come", "holds", "ended"]:
    if silence.ended_at is not None or silence.ends_at <= now:
        return "ended"
    return "holds" if silence.starts_at <= now else "to_come"
