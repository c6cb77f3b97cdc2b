"""The notification log as people read it: for each alert and channel what was told and when, or why not."""

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.store.database import Database
from connectors.store.instants import iso_of, moment
from streams.alerts.notice import NoticeKind, NoticeState, Reason
from streams.model.ids import Instant

#: Lines about one alert: a few for each channel, episode and repeat.
LINES_MAX = 2_000


class NoticeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One notice. `planned_at` is when it was decided, `next_at` when a waiting one is due or looked at again.

    `finished_at` is when it was sent, skipped or refused. Notices of one `telling` were told in one message.
    """

    channel: str
    alert_id: str
    tenant: str
    rule: str
    episode: int
    kind: NoticeKind
    turn: int
    state: NoticeState
    reason: Reason | None
    attempts: int
    planned_at: str
    next_at: str | None
    finished_at: str | None
    telling: str | None


class NoticeFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines; None is any. `tenants` are those of the reader."""

    tenants: Sequence[str] | None = None
    channel: str | None = None
    state: NoticeState | None = None
    reason: Reason | None = None
    since: Instant | None = None


class NoticeFigure(msgspec.Struct, frozen=True, kw_only=True):
    """How many notices of a channel wait, or were finished in the last day."""

    channel: str
    state: str
    reason: str | None
    notices: int


_LINE = """
SELECT n.position, n.channel, n.alert_id, n.tenant, a.rule, n.episode, n.kind, n.turn, n.state, n.reason, n.attempts,
       n.planned_at, n.due_at, n.finished_at, n.telling
FROM notices AS n JOIN data_consistency_alerts AS a ON a.id = n.alert_id
"""
_OF_ALERT = f"{_LINE} WHERE n.alert_id = $1::uuid ORDER BY n.position LIMIT $2"
_FIGURES = """
SELECT channel, state, reason, count(*) AS notices FROM notices
WHERE state IN ('pending', 'held') OR finished_at > now() - interval '1 day' GROUP BY 1, 2, 3
"""
# What waits for the next digest is not late.
_AGES = """
SELECT channel, extract(epoch FROM now() - min(planned_at))::float8 AS seconds FROM notices
WHERE state = 'pending' AND (telling IS NOT NULL OR reason IS NULL) GROUP BY 1
"""


async def notices_of_alert(database: Database, alert_id: str) -> tuple[NoticeLine, ...]:
    """The log of one alert over all channels, oldest first. Raises StoreUnavailable."""
    async with database.connection() as connection:
        return tuple(_line(row) for row in await connection.fetch(_OF_ALERT, alert_id, LINES_MAX))


async def page_of_notices(
    database: Database, wanted: NoticeFilter, *, limit: int, before: int | None
) -> tuple[tuple[int, NoticeLine], ...]:
    """Newest first, at most `limit` lines with their numbers, those before number `before`. Raises StoreUnavailable."""
    clauses: list[str] = []
    values: list[object] = []

    def clause(text: str, value: object) -> None:
        values.append(value)
        clauses.append(text.format(f"${len(values)}"))

    if wanted.tenants is not None:
        clause("n.tenant = ANY({}::text[])", list(wanted.tenants))
    for column, value in (("channel", wanted.channel), ("state", wanted.state), ("reason", wanted.reason)):
        if value is not None:
            clause(f"n.{column} = {{}}", str(value))
    if wanted.since is not None:
        clause("n.planned_at >= {}", moment(wanted.since))
    if before is not None:
        clause("n.position < {}", before)
    values.append(limit)
    where = " AND ".join(clauses) or "true"
    async with database.connection() as connection:
        rows = await connection.fetch(f"{_LINE} WHERE {where} ORDER BY n.position DESC LIMIT ${len(values)}", *values)
    return tuple((row["position"], _line(row)) for row in rows)


async def notice_figures(database: Database) -> tuple[NoticeFigure, ...]:
    """What waits, and what was finished in the last day. Raises StoreUnavailable."""
    async with database.connection() as connection:
        return tuple(NoticeFigure(**dict(row)) for row in await connection.fetch(_FIGURES))


async def oldest_waiting(database: Database) -> dict[str, float]:
    """For how many seconds the oldest notice of each channel waits to be told. Raises StoreUnavailable."""
    async with database.connection() as connection:
        return {row["channel"]: row["seconds"] for row in await connection.fetch(_AGES)}


def _line(row: Any) -> NoticeLine:
    waits = row["state"] in (NoticeState.PENDING, NoticeState.HELD)
    return NoticeLine(
        channel=row["channel"],
        alert_id=str(row["alert_id"]),
        tenant=row["tenant"],
        rule=row["rule"],
        episode=row["episode"],
        kind=NoticeKind(row["kind"]),
        turn=row["turn"],
        state=NoticeState(row["state"]),
        reason=None if row["reason"] is None else Reason(row["reason"]),
        attempts=row["attempts"],
        planned_at=iso_of(row["planned_at"]),
        next_at=iso_of(row["due_at"]) if waits else None,
        finished_at=None if row["finished_at"] is None else iso_of(row["finished_at"]),
        telling=None if row["telling"] is None else str(row["telling"]),
    )
