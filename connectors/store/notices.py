"""The notification log in the store: what the notifiers' `NoticeLog` asks for.

A notice is claimed under a lease; a process that dies while sending gives it back by time alone.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from connectors.store.database import Database
from streams.alerts.alert import Alert
from streams.alerts.notice import (
    GATHER_SECONDS,
    DueNotice,
    HeldNotices,
    NoticeKind,
    PlannedNotice,
    Reason,
    gathered_by,
    is_urgent,
)

LEASE = timedelta(seconds=30)
#: Notices told with another one.
TOGETHER_MAX = 100

_PLAN = """
INSERT INTO notices (channel, alert_id, episode, kind, state, reason, critical, alert, due_at)
SELECT $1::text, $2::uuid, $3::integer, $4::text, decided.state, decided.reason, $7::boolean, $8::text::jsonb,
       now() + $9::interval
FROM (
    SELECT
        CASE
            WHEN $5 = 'held' AND told.baseline THEN 'skipped'
            WHEN $4 = 'resolved' AND $5 = 'pending' AND NOT told.beginning THEN 'skipped'
            ELSE $5::text
        END AS state,
        CASE
            WHEN $5 = 'held' AND told.baseline THEN 'baseline'
            WHEN $4 = 'resolved' AND $5 = 'pending' AND NOT told.beginning THEN 'never_told'
            ELSE $6::text
        END AS reason
    FROM (
        SELECT
            EXISTS (
                SELECT 1 FROM notices WHERE channel = $1 AND state = 'sent' AND reason = 'baseline'
            ) AS baseline,
            EXISTS (
                SELECT 1 FROM notices
                WHERE channel = $1 AND alert_id = $2::uuid AND episode = $3
                  AND kind IN ('opened', 'reopened') AND state IN ('pending', 'sent', 'failed')
            ) AS beginning
    ) AS told
) AS decided
ON CONFLICT (channel, alert_id, episode, kind) DO NOTHING
"""
_NO_LONGER_HELD = """
UPDATE notices SET state = 'skipped', reason = 'over_before_told', finished_at = now()
WHERE channel = $1 AND alert_id = $2::uuid AND episode = $3 AND state = 'held'
"""
_CLAIM = """
UPDATE notices SET attempts = attempts + 1, begun_at = now(), due_at = now() + $2
WHERE position = (
    SELECT position FROM notices AS next
    WHERE channel = $1 AND state = 'pending' AND due_at <= now()
      AND NOT EXISTS (
          SELECT 1 FROM notices AS earlier
          WHERE earlier.channel = next.channel AND earlier.alert_id = next.alert_id
            AND earlier.state = 'pending' AND earlier.position < next.position
      )
    ORDER BY critical DESC, position LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING position, kind, attempts, alert
"""
# Those that are kept back for one another, or are due; not those that another process is sending.
_TOGETHER = """
UPDATE notices SET attempts = attempts + 1, begun_at = now(), due_at = now() + $2
WHERE position IN (
    SELECT position FROM notices AS next
    WHERE channel = $1 AND state = 'pending' AND kind = $3 AND (begun_at IS NULL OR due_at <= now())
      AND alert->>'rule' = $4 AND alert->'subject'->>'kind' = 'source'
      AND starts_with(alert->'subject'->>'id', $5 || ':')
      AND NOT EXISTS (
          SELECT 1 FROM notices AS earlier
          WHERE earlier.channel = next.channel AND earlier.alert_id = next.alert_id
            AND earlier.state = 'pending' AND earlier.position < next.position
      )
    ORDER BY position LIMIT $6 FOR UPDATE SKIP LOCKED
)
RETURNING position, kind, attempts, alert
"""
_HELD = """
SELECT alert->>'rule' AS rule, array_agg(position) AS positions,
       extract(epoch FROM now() - min(planned_at)) AS oldest,
       extract(epoch FROM now() - max(planned_at)) AS newest
FROM notices WHERE channel = $1 AND state = 'held' GROUP BY 1
"""
_SENT = """
UPDATE notices SET state = 'sent', reason = $2, finished_at = now() WHERE position = ANY($1::bigint[])
"""
_PUT_OFF = "UPDATE notices SET due_at = now() + $2, reason = $3 WHERE position = ANY($1::bigint[])"
_FAILED = "UPDATE notices SET state = 'failed', reason = $2, finished_at = now() WHERE position = ANY($1::bigint[])"


_alert = msgspec.json.Decoder(Alert)


class StoredNotices:
    """The log of all channels."""

    def __init__(self, database: Database, *, gather_seconds: float = GATHER_SECONDS) -> None:
        self._database = database
        self._gather_seconds = gather_seconds

    async def plan(self, channel: str, notices: Sequence[PlannedNotice]) -> None:
        """Enter those that are new, in this order; an end whose beginning was not told is skipped."""
        async with self._database.transaction() as connection:
            for notice in notices:
                alert = notice.alert
                key = (channel, alert.id, alert.episode)
                if notice.kind is NoticeKind.RESOLVED:
                    await connection.execute(_NO_LONGER_HELD, *key)
                await connection.execute(
                    _PLAN,
                    *key,
                    notice.kind.value,
                    notice.state.value,
                    notice.reason and notice.reason.value,
                    is_urgent(alert),
                    msgspec.json.encode(alert).decode(),
                    timedelta(seconds=0 if gathered_by(alert) is None else self._gather_seconds),
                )

    async def claim(self, channel: str) -> DueNotice | None:
        """The next one to send, ours for LEASE; never before an earlier one of the same alert."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_CLAIM, channel, LEASE)
            if row is None:
                return None
            notice = _due(row)
            gathered = gathered_by(notice.alert)
            if gathered is None:
                return notice
            rows = await connection.fetch(_TOGETHER, channel, LEASE, notice.kind.value, *gathered, TOGETHER_MAX)
        return msgspec.structs.replace(notice, together=tuple(sorted(map(_due, rows), key=lambda one: one.position)))

    async def held(self, channel: str) -> HeldNotices | None:
        """The baseline notices that wait for their one message."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_HELD, channel)
        if not rows:
            return None
        return HeldNotices(
            positions=tuple(position for row in rows for position in row["positions"]),
            by_rule={row["rule"]: len(row["positions"]) for row in rows},
            oldest_seconds=max(float(row["oldest"]) for row in rows),
            newest_seconds=min(float(row["newest"]) for row in rows),
        )

    async def sent(self, positions: Sequence[int], reason: Reason | None = None) -> None:
        """These were told."""
        await self._execute(_SENT, list(positions), reason and reason.value)

    async def put_off(self, positions: Sequence[int], seconds: float, reason: Reason) -> None:
        """These again in so many seconds."""
        await self._execute(_PUT_OFF, list(positions), timedelta(seconds=seconds), reason.value)

    async def failed(self, positions: Sequence[int], reason: Reason) -> None:
        """These never."""
        await self._execute(_FAILED, list(positions), reason.value)

    async def _execute(self, statement: str, *values: object) -> None:
        async with self._database.connection() as connection:
            await connection.execute(statement, *values)


def _due(row: Mapping[str, Any]) -> DueNotice:
    return DueNotice(
        position=row["position"],
        kind=NoticeKind(row["kind"]),
        attempts=row["attempts"],
        alert=_alert.decode(row["alert"]),
    )
