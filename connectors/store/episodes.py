"""Every episode of every alert, one row each: what statistics and reports are made of.

Written with the alert, in its transaction. The alert's own row knows the present episode only, and its history tells
what was said when, not since when a fault stood.
"""

from collections.abc import Sequence

import msgspec

from connectors.store.database import Connection
from streams.alerts.alert import MACHINE, Alert, Change, Ledger, TrackedAlert


class EpisodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of `alert_episodes`, by name. `responded_at`: the first word of a person on it."""

    alert_id: str
    episode: int
    tenant: str
    rule: str
    severity: str
    subject_kind: str
    subject_id: str
    booking_uid: str | None
    event_type: str | None
    account: str | None
    opened_at: str
    detected_at: str
    responded_at: str | None
    resolved_at: str | None
    resolution: str | None
    baseline: bool


_COLUMNS = ", ".join(EpisodeRow.__struct_fields__)
#: Of an episode that is there, these stay as they were first written.
_FIXED = {"alert_id", "episode", "tenant", "rule", "subject_kind", "subject_id", "responded_at"}
_CHANGING = ", ".join(f"{name} = EXCLUDED.{name}" for name in EpisodeRow.__struct_fields__ if name not in _FIXED)
_UPSERT = f"""
INSERT INTO alert_episodes AS kept ({_COLUMNS})
SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::alert_episodes, $1::jsonb)
ON CONFLICT (alert_id, episode) DO UPDATE SET {_CHANGING},
    responded_at = coalesce(kept.responded_at, EXCLUDED.responded_at)
"""


async def write_episodes(
    connection: Connection, alerts: Sequence[TrackedAlert], changes: Sequence[tuple[Alert, Change]]
) -> None:
    """Keep the episodes that these changes are about, each as its last change left it; one statement for all."""
    ledgers = {tracked.alert.id: tracked.ledger for tracked in alerts}
    rows: dict[tuple[str, int], EpisodeRow] = {}
    for alert, change in changes:
        key = (alert.id, alert.episode)
        before = rows.get(key)
        said = before.responded_at if before else None
        if said is None and change.actor != MACHINE:
            said = change.at
        rows[key] = _row(alert, ledgers[alert.id], said)
    await connection.execute(_UPSERT, msgspec.json.encode(list(rows.values())).decode())


def _row(alert: Alert, ledger: Ledger, responded_at: str | None) -> EpisodeRow:
    return EpisodeRow(
        alert_id=alert.id,
        episode=alert.episode,
        tenant=alert.tenant,
        rule=alert.rule,
        severity=alert.severity,
        subject_kind=alert.subject.kind,
        subject_id=alert.subject.id,
        booking_uid=alert.booking_uid,
        event_type=ledger.event_type,
        account=ledger.account,
        opened_at=alert.opened_at,
        detected_at=alert.detected_at,
        responded_at=responded_at,
        resolved_at=alert.resolved_at,
        resolution=alert.resolution,
        baseline=alert.baseline,
    )
