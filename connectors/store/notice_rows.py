"""Notices as rows: what decisions are written as, in batches."""

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.store.database import Connection
from connectors.store.instants import instant_of, moment
from connectors.store.rows import as_json
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, NoticeState, Reason
from streams.model.ids import Instant, iso
from streams.model.rule import Severity
from streams.notices.due import next_digest_at
from streams.notices.inhibition import INHIBITING_RULES, SilentSource
from streams.notices.pacing import group_of
from streams.notices.planning import PlannedNotice, Surroundings, Way
from streams.notices.silences import Matchers, Silence

#: Silences that hold at one instant and are looked at; making more is refused.
SILENCES_MAX = 1_000
#: Sources whose alerts stand at once: a few of each account.
SOURCES_MAX = 5_000

_WRITE = """
INSERT INTO notices AS kept
    (channel, alert_id, tenant, episode, kind, turn, state, reason, critical, version, gathered, due_at, finished_at)
SELECT channel, alert_id, tenant, episode, kind, turn, state, reason, critical, version, gathered,
       coalesce(due_at, now()), CASE WHEN state = 'skipped' THEN now() END
FROM jsonb_to_recordset($1::jsonb) AS new (
    channel text, alert_id uuid, tenant text, episode integer, kind text, turn integer, state text, reason text,
    critical boolean, version integer, gathered text, due_at timestamptz
)
ON CONFLICT (channel, alert_id, episode, kind, turn) DO UPDATE SET
    state = EXCLUDED.state, reason = EXCLUDED.reason, critical = EXCLUDED.critical, version = EXCLUDED.version,
    due_at = EXCLUDED.due_at, finished_at = EXCLUDED.finished_at,
    planned_at = CASE WHEN EXCLUDED.state = 'pending' THEN now() ELSE kept.planned_at END
WHERE kept.state IN ('held', 'skipped')
"""
_SILENCES = """
SELECT id, matchers, starts_at, ends_at, ended_at FROM silences
WHERE starts_at <= $1 AND ends_at > $1 AND (ended_at IS NULL OR ended_at > $1) ORDER BY created_at LIMIT $2
"""
_SOURCES = """
SELECT tenant, subject_id FROM data_consistency_alerts
WHERE subject_kind = 'source' AND status <> 'resolved' AND rule = ANY($1::text[]) LIMIT $2
"""

_matchers = msgspec.json.Decoder(Matchers)


class NoticeRow(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of `notices` that a decision gives. `due_at` None is now."""

    channel: str
    alert_id: str
    tenant: str
    episode: int
    kind: NoticeKind
    turn: int
    state: NoticeState
    reason: Reason | None
    critical: bool
    version: int
    gathered: str
    due_at: str | None


def row_of(alert: Alert, way: Way, notice: PlannedNotice, around: Surroundings, *, version: int) -> NoticeRow:
    """A decision about one alert and channel as a row."""
    waits = notice.state is NoticeState.PENDING and way.pace == "digest"
    return NoticeRow(
        channel=way.name,
        alert_id=alert.id,
        tenant=alert.tenant,
        episode=alert.episode,
        kind=notice.kind,
        turn=notice.turn,
        state=notice.state,
        reason=Reason.DIGEST if waits else notice.reason,
        critical=alert.severity is Severity.CRITICAL,
        version=version,
        gathered=group_of(alert.rule, notice.kind, alert.subject.kind, alert.subject.id),
        due_at=iso(next_digest_at(around.now, around.policy.digest_hours)) if waits else None,
    )


async def write_rows(connection: Connection, rows: Sequence[NoticeRow]) -> None:
    """New rows in this order, and new decisions about those that were kept back; what is on its way stays."""
    if rows:
        await connection.execute(_WRITE, as_json(rows))


async def silences_holding(connection: Connection, now: Instant) -> tuple[Silence, ...]:
    """The silences that hold now."""
    return tuple(silence_of(row) for row in await connection.fetch(_SILENCES, moment(now), SILENCES_MAX))


async def silent_sources(connection: Connection) -> tuple[SilentSource, ...]:
    """The sources whose alerts stand and that may stand for others."""
    rows = await connection.fetch(_SOURCES, sorted(INHIBITING_RULES), SOURCES_MAX)
    return tuple(SilentSource(tenant=row["tenant"], source=row["subject_id"]) for row in rows)


def silence_of(row: Any) -> Silence:
    """A silence from its columns."""
    return Silence(
        id=str(row["id"]),
        matchers=_matchers.decode(row["matchers"]),
        starts_at=instant_of(row["starts_at"]),
        ends_at=instant_of(row["ends_at"]),
        ended_at=None if row["ended_at"] is None else instant_of(row["ended_at"]),
    )
