"""What a channel says next out of the notification log, and what became of it.

A message is claimed under a lease; a process that dies while sending gives it back by time alone. Whoever claims holds
the channel's row, so that its allowance is one over all processes.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid5

import msgspec

from connectors.store.database import Connection
from connectors.store.instants import instant_of
from connectors.store.notice_composing import compose
from streams.alerts.notice import NoticeKind, Reason
from streams.model.ids import NAMESPACE, Instant
from streams.model.rule import AlertStatus
from streams.notices.claim import Claim
from streams.notices.due import overtaken
from streams.notices.pacing import Allowance, Pacing, Tell, Wait, Waiting, choose
from streams.notices.planning import STANDING_KINDS, Way

#: Notices looked at for one message of a channel that gathers; of one that does not, a few are enough.
WAITING_MAX = 5_000
WAITING_ONE_BY_ONE_MAX = 50

_CHANNEL = "SELECT pacing FROM notice_channels WHERE channel = $1 FOR UPDATE SKIP LOCKED"
_NEW_CHANNEL = "INSERT INTO notice_channels (channel) VALUES ($1) ON CONFLICT DO NOTHING"
_KEEP_PACING = "UPDATE notice_channels SET pacing = $2::text::jsonb WHERE channel = $1"
# Not before an earlier one of the same alert, except in a digest, which tells all of it at once.
_WAITING = """
SELECT n.position, n.kind, n.episode, n.critical, n.gathered, n.telling, n.attempts, n.reason, n.due_at,
       a.status, a.episode AS newest_episode,
       n.kind <> 'resolved' OR EXISTS (
           SELECT 1 FROM notices AS told
           WHERE told.channel = n.channel AND told.alert_id = n.alert_id AND told.episode = n.episode
             AND told.kind = ANY($4::text[]) AND told.state IN ('sent', 'failed')
             AND NOT EXISTS (
                 SELECT 1 FROM notices AS ended
                 WHERE ended.channel = n.channel AND ended.alert_id = n.alert_id AND ended.episode = n.episode
                   AND ended.kind = 'resolved' AND ended.state IN ('sent', 'failed')
                   AND ended.position > told.position
             )
       ) AS told,
       CASE WHEN n.kind = 'changed' THEN (
           SELECT said.message FROM notices AS said
           WHERE said.channel = n.channel AND said.alert_id = n.alert_id AND said.episode = n.episode
             AND said.kind = ANY($4::text[]) AND said.state = 'sent' AND said.message IS NOT NULL
           ORDER BY said.position LIMIT 1
       ) END AS message
FROM notices AS n JOIN data_consistency_alerts AS a ON a.id = n.alert_id
WHERE n.channel = $1 AND n.state = 'pending'
  AND (n.due_at <= now() OR (n.telling IS NOT NULL AND n.reason IS NOT NULL))
  AND ($3 OR NOT EXISTS (
      SELECT 1 FROM notices AS earlier
      WHERE earlier.channel = n.channel AND earlier.alert_id = n.alert_id
        AND earlier.state = 'pending' AND earlier.position < n.position
  ))
ORDER BY n.critical DESC, n.position LIMIT $2
"""
_SKIP = """
UPDATE notices SET state = 'skipped', reason = given.reason, telling = NULL, finished_at = now()
FROM unnest($1::bigint[], $2::text[]) AS given (position, reason) WHERE notices.position = given.position
"""
_TAKE = """
UPDATE notices SET attempts = attempts + 1, begun_at = now(), due_at = now() + $3, reason = NULL,
       telling = $2::uuid, together = $4
WHERE position = ANY($1::bigint[]) AND state = 'pending'
"""
_TAKE_AGAIN = """
UPDATE notices SET attempts = attempts + 1, begun_at = now(), due_at = now() + $2, reason = NULL
WHERE telling = $1::uuid AND state = 'pending'
"""
_BASELINE_AGES = """
SELECT extract(epoch FROM now() - min(planned_at))::float8 AS oldest,
       extract(epoch FROM now() - max(planned_at))::float8 AS newest, min(position) AS position
FROM notices WHERE channel = $1 AND state = 'held' AND reason = 'baseline'
"""
_TAKE_BASELINE = """
UPDATE notices SET state = 'pending', attempts = attempts + 1, begun_at = now(), due_at = now() + $3, reason = NULL,
       telling = $2::uuid, together = 'baseline'
WHERE channel = $1 AND state = 'held' AND reason = 'baseline'
"""
_SENT = """
WITH told AS (
    UPDATE notices SET state = 'sent', reason = together, message = $2, finished_at = now()
    WHERE telling = $1::uuid AND state = 'pending' RETURNING channel, together
)
UPDATE notice_channels SET baseline_told_at = now()
WHERE channel IN (SELECT channel FROM told WHERE together = 'baseline')
"""
_PUT_OFF = "UPDATE notices SET due_at = now() + $2, reason = $3 WHERE telling = $1::uuid AND state = 'pending'"
_FAILED = """
UPDATE notices SET state = 'failed', reason = $2, finished_at = now() WHERE telling = $1::uuid AND state = 'pending'
"""

_pacing = msgspec.json.Decoder(Pacing)


class BaselineTiming(msgspec.Struct, frozen=True, kw_only=True):
    """The baseline is told once nothing new was found for a while, and in any case after the longest wait."""

    quiet_seconds: float = 30.0
    seconds_max: float = 600.0


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """How long a message is ours, and how long notices wait for one another."""

    seconds: float = 30.0
    allowance: Allowance = Allowance()
    baseline: BaselineTiming = BaselineTiming()


async def claim_next(connection: Connection, way: Way, lease: Lease, now: Instant) -> Claim | float | None:
    """The next message of a channel; else in how many seconds there may be one; None where nobody can say."""
    kept = await connection.fetchrow(_CHANNEL, way.name)
    if kept is None:
        await connection.execute(_NEW_CHANNEL, way.name)
        kept = await connection.fetchrow(_CHANNEL, way.name)
    if kept is None:  # another process claims right now
        return None
    telling = await _ripe_baseline(connection, way, lease)
    if telling is not None:
        return await compose(connection, telling)
    waiting = await _waiting(connection, way)
    pacing = _pacing.decode(kept["pacing"])
    after, choice = choose(pacing, way.pace, waiting, now, lease.allowance)
    if after != pacing:
        await connection.execute(_KEEP_PACING, way.name, msgspec.json.encode(after).decode())
    if isinstance(choice, Wait):
        return None if choice.until is None else max(0.0, (choice.until - now) / 1000)
    telling = choice.telling or _name(way.name, choice.positions)
    await _take(connection, choice, telling, timedelta(seconds=lease.seconds))
    return await compose(connection, telling)


async def record_sent(connection: Connection, telling: str, message: str | None) -> None:
    """It was told."""
    await connection.execute(_SENT, telling, message)


async def record_put_off(connection: Connection, telling: str, seconds: float, reason: Reason) -> None:
    """The same again in so many seconds."""
    await connection.execute(_PUT_OFF, telling, timedelta(seconds=seconds), reason.value)


async def record_failed(connection: Connection, telling: str, reason: Reason) -> None:
    """Never."""
    await connection.execute(_FAILED, telling, reason.value)


async def _ripe_baseline(connection: Connection, way: Way, lease: Lease) -> str | None:
    ages = await connection.fetchrow(_BASELINE_AGES, way.name)
    if ages["oldest"] is None:
        return None
    if ages["newest"] < lease.baseline.quiet_seconds and ages["oldest"] < lease.baseline.seconds_max:
        return None
    telling = _name(way.name, (ages["position"],))
    await connection.execute(_TAKE_BASELINE, way.name, telling, timedelta(seconds=lease.seconds))
    return telling


async def _waiting(connection: Connection, way: Way) -> list[Waiting]:
    limit = WAITING_ONE_BY_ONE_MAX if way.pace == "each" else WAITING_MAX
    rows = await connection.fetch(_WAITING, way.name, limit, way.pace == "digest", sorted(STANDING_KINDS))
    over = {row["position"]: reason for row in rows if (reason := _overtaken(row, way)) is not None}
    if over:
        await connection.execute(_SKIP, list(over), [reason.value for reason in over.values()])
    return [_waiting_of(row) for row in rows if row["position"] not in over]


def _overtaken(row: Any, way: Way) -> Reason | None:
    """Not of one that may have been told: who sent it died before recording that."""
    if row["telling"] is not None and row["reason"] is None:
        return None
    alert = (AlertStatus(row["status"]), row["newest_episode"])
    return overtaken(NoticeKind(row["kind"]), row["episode"], row["told"], alert, way.pace)


def _waiting_of(row: Any) -> Waiting:
    tried = row["telling"] is not None
    return Waiting(
        position=row["position"],
        kind=NoticeKind(row["kind"]),
        group=row["gathered"],
        critical=row["critical"],
        message=row["message"],
        telling=str(row["telling"]) if tried else None,
        attempts=row["attempts"],
        not_before=instant_of(row["due_at"]) if tried else None,
    )


async def _take(connection: Connection, choice: Tell, telling: str, lease: timedelta) -> None:
    if choice.telling is not None:
        await connection.execute(_TAKE_AGAIN, telling, lease)
        return
    together = choice.together and choice.together.value
    await connection.execute(_TAKE, list(choice.positions), telling, lease, together)


def _name(channel: str, positions: Sequence[int]) -> str:
    """The same name for the same notices, whoever tells them."""
    return str(uuid5(NAMESPACE, f"notice|{channel}|{','.join(map(str, sorted(positions)))}"))
