"""An alert as a row, and the statements that write rows in batches: one statement a table and batch."""

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.store.database import Connection, StoreUnavailable
from connectors.store.episodes import write_episodes
from connectors.store.review_rows import follow_alerts
from connectors.store.sync_failures import follow_orphans
from streams.alerts.alert import Alert, Change, Ledger, TrackedAlert
from streams.model.ids import Instant, iso

#: `LISTEN` on it hears of each transaction that put something into the outbox.
OUTBOX_CHANNEL = "plumbline_outbox"

_alert = msgspec.json.Decoder(Alert)
_ledger = msgspec.json.Decoder(Ledger)


class ConcurrentChange(StoreUnavailable):
    """Another process made one of these alerts meanwhile; the whole batch must be applied again."""


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of `data_consistency_alerts`, by name."""

    id: str
    tenant: str
    rule: str
    severity: str
    priority: int
    status: str
    subject_kind: str
    subject_id: str
    booking_uid: str | None
    appointment_id: str | None
    call_id: str | None
    episode: int
    heard_at: str | None
    opened_at: str
    detected_at: str
    updated_at: str
    resolved_at: str | None
    acknowledged_at: str | None
    snoozed_until: str | None
    baseline: bool
    standing: bool
    version: int
    alert: Alert
    ledger: Ledger


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of `alert_history` that are not given by the database."""

    alert_id: str
    at: str
    actor: str
    action: str
    from_status: str | None
    to_status: str
    note: str | None
    through: str
    episode: int
    version: int


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of `outbox` that are not given by the database or the relay."""

    alert_id: str
    tenant: str
    action: str
    version: int
    alert: Alert


_COLUMNS = ", ".join(AlertRow.__struct_fields__)
_NEW_COLUMNS = ", ".join(f"new.{name}" for name in AlertRow.__struct_fields__)
_HISTORY = ", ".join(HistoryRow.__struct_fields__)
_OUTBOX = ", ".join(OutboxRow.__struct_fields__)

SELECT_FOR_UPDATE = (
    "SELECT id, alert, ledger FROM data_consistency_alerts WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
)
_INSERT = f"""
INSERT INTO data_consistency_alerts ({_COLUMNS})
SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::data_consistency_alerts, $1::jsonb)
ON CONFLICT (id) DO NOTHING
RETURNING id
"""
# The rows are locked; the guard stands against a caller that forgot to lock them.
_UPDATE = f"""
UPDATE data_consistency_alerts AS kept SET ({_COLUMNS}) = ROW({_NEW_COLUMNS}), tombstoned_at = NULL
FROM jsonb_populate_recordset(NULL::data_consistency_alerts, $1::jsonb) AS new
WHERE kept.id = new.id
  AND kept.version <= new.version AND (kept.episode, kept.heard_at) <= (new.episode, new.heard_at)
RETURNING kept.id
"""
_INSERT_HISTORY = f"""
INSERT INTO alert_history ({_HISTORY})
SELECT {_HISTORY} FROM jsonb_populate_recordset(NULL::alert_history, $1::jsonb)
"""
_INSERT_OUTBOX = f"""
INSERT INTO outbox ({_OUTBOX})
SELECT {_OUTBOX} FROM jsonb_populate_recordset(NULL::outbox, $1::jsonb)
"""


async def locked(connection: Connection, ids: Sequence[str]) -> dict[str, TrackedAlert]:
    """The alerts of these ids that exist, locked until the transaction ends; in one order, so no deadlock."""
    rows = await connection.fetch(SELECT_FOR_UPDATE, sorted(set(ids)))
    return {str(row["id"]): tracked_of(row) for row in rows}


def tracked_of(row: Any) -> TrackedAlert:
    """An alert from columns `alert` and `ledger`."""
    return TrackedAlert(alert=_alert.decode(row["alert"]), ledger=_ledger.decode(row["ledger"]))


def alert_of(text: str) -> Alert:
    """An alert from column `alert` alone."""
    return _alert.decode(text)


async def write(
    connection: Connection,
    *,
    known: frozenset[str],
    alerts: Sequence[TrackedAlert],
    changes: Sequence[tuple[Alert, Change]],
) -> None:
    """Write the alerts, their episodes, review items and failed syncs, a line of history and an outbox entry a change.

    `known` are the ids that were there when the alerts were locked. Raises ConcurrentChange.
    """
    for statement, batch in (
        (_UPDATE, [row_of(one) for one in alerts if one.alert.id in known]),
        (_INSERT, [row_of(one) for one in alerts if one.alert.id not in known]),
    ):
        if batch and len(await connection.fetch(statement, as_json(batch))) < len(batch):
            raise ConcurrentChange
    if changes:
        await write_episodes(connection, alerts, changes)
        await follow_alerts(connection, [one.alert for one in alerts])
        await follow_orphans(connection, [alert for alert, _ in changes])
        await connection.execute(_INSERT_HISTORY, as_json([history_of(*one) for one in changes]))
        await connection.execute(_INSERT_OUTBOX, as_json([outbox_of(*one) for one in changes]))
        await connection.execute("SELECT pg_notify($1, '')", OUTBOX_CHANNEL)


def as_json(rows: Sequence[msgspec.Struct]) -> str:
    """Rows as one jsonb parameter."""
    return msgspec.json.encode(rows).decode()


def row_of(tracked: TrackedAlert) -> AlertRow:
    """The columns of one alert."""
    alert, ledger = tracked.alert, tracked.ledger
    return AlertRow(
        id=alert.id,
        tenant=alert.tenant,
        rule=alert.rule,
        severity=alert.severity,
        priority=alert.priority,
        status=alert.status,
        subject_kind=alert.subject.kind,
        subject_id=alert.subject.id,
        booking_uid=alert.booking_uid,
        appointment_id=alert.appointment_id,
        call_id=alert.call_id,
        episode=alert.episode,
        heard_at=iso(Instant(ledger.heard[1])),
        opened_at=alert.opened_at,
        detected_at=alert.detected_at,
        updated_at=alert.updated_at,
        resolved_at=alert.resolved_at,
        acknowledged_at=alert.acknowledged_at,
        snoozed_until=alert.snoozed_until,
        baseline=alert.baseline,
        standing=ledger.standing,
        version=alert.version,
        alert=alert,
        ledger=ledger,
    )


def history_of(alert: Alert, change: Change) -> HistoryRow:
    """One line of history."""
    return HistoryRow(
        alert_id=alert.id,
        at=change.at,
        actor=change.actor,
        action=change.action,
        from_status=change.from_status,
        to_status=change.to_status,
        note=change.note,
        through=change.through,
        episode=alert.episode,
        version=alert.version,
    )


def outbox_of(alert: Alert, change: Change) -> OutboxRow:
    """One entry of the outbox: the whole alert after the change."""
    return OutboxRow(alert_id=alert.id, tenant=alert.tenant, action=change.action, version=alert.version, alert=alert)
