"""From changes of alerts to lines of the notification log: one batch, all channels, one transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from connectors.store.database import Connection
from connectors.store.instants import instant_of
from connectors.store.notice_rows import NoticeRow, row_of, silences_holding, silent_sources, write_rows
from streams.alerts.alert import Alert, Ledger
from streams.alerts.flapping import is_flapping
from streams.alerts.notice import NoticeKind, NoticeState, Reason
from streams.model.ids import Instant
from streams.notices.planning import BEGINNINGS, Entry, Heard, Policy, Surroundings, Way, plan

_LEDGERS = "SELECT id, ledger FROM data_consistency_alerts WHERE id = ANY($1::uuid[])"
_LOG = """
SELECT channel, alert_id, episode, kind, turn, state, reason, version
FROM notices JOIN unnest($1::uuid[], $2::integer[]) AS asked (id, since) ON alert_id = id AND episode >= since
ORDER BY position
"""
_BASELINE_TOLD = "SELECT channel FROM notice_channels WHERE baseline_told_at IS NOT NULL"
_BEGUN = """
SELECT channel, alert_id, max(coalesce(finished_at, planned_at)) AS at FROM notices
WHERE alert_id = ANY($1::uuid[]) AND kind = ANY($2::text[]) AND state IN ('pending', 'sent') GROUP BY 1, 2
"""

_ledger = msgspec.json.Decoder(Ledger)
Place = tuple[str, str]  # channel and alert


class KnownAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """What the store knows beside the alerts themselves: their ledgers, and when flapping ones were last told."""

    ledgers: dict[str, Ledger]
    begun_at: dict[Place, Instant]

    def heard(self, alert: Alert, action: str | None, now: Instant) -> Heard:
        """The alert with what decides about telling it."""
        ledger = self.ledgers.get(alert.id)
        if ledger is None:
            return Heard(alert=alert, action=action)
        return Heard(alert=alert, action=action, account=ledger.account, flapping=is_flapping(ledger, now))


async def plan_changes(
    connection: Connection,
    changes: Sequence[tuple[Alert, str | None]],
    ways: Sequence[Way],
    policy: Policy,
    now: Instant,
) -> int:
    """Enter what these changes (alert and action, in their order) call for; how many lines were decided."""
    around = await surroundings(connection, policy, now)
    told = {row["channel"] for row in await connection.fetch(_BASELINE_TOLD)}
    known = await known_alerts(connection, {alert.id for alert, _ in changes}, now)
    log = await _log_of(connection, [alert for alert, _ in changes])
    rows: dict[tuple[object, ...], NoticeRow] = {}
    for alert, action in changes:
        heard = known.heard(alert, action, now)
        for way in ways:
            place = (way.name, alert.id)
            here = msgspec.structs.replace(
                around, baseline_told=way.name in told, begun_told_at=known.begun_at.get(place)
            )
            entries = log.setdefault(place, {})
            since = [entry for entry in entries.values() if entry.episode >= alert.episode]
            for notice in plan(heard, way, since, here):
                key = (alert.episode, notice.kind, notice.turn)
                rows[(*place, *key)] = row_of(alert, way, notice, here, version=alert.version)
                entries[key] = Entry(
                    episode=alert.episode,
                    kind=notice.kind,
                    turn=notice.turn,
                    state=notice.state,
                    reason=notice.reason,
                    version=alert.version,
                )
    await write_rows(connection, list(rows.values()))
    return len(rows)


async def surroundings(connection: Connection, policy: Policy, now: Instant) -> Surroundings:
    """What holds for every alert and channel."""
    return Surroundings(
        now=now,
        policy=policy,
        silences=await silences_holding(connection, now),
        sources=await silent_sources(connection),
    )


async def known_alerts(connection: Connection, ids: Iterable[str], now: Instant) -> KnownAlerts:
    """What the store knows of these alerts."""
    rows = await connection.fetch(_LEDGERS, sorted(set(ids)))
    ledgers = {str(row["id"]): _ledger.decode(row["ledger"]) for row in rows}
    flapping = [one for one, ledger in ledgers.items() if is_flapping(ledger, now)]
    begun: Sequence[Any] = await connection.fetch(_BEGUN, flapping, sorted(BEGINNINGS)) if flapping else ()
    begun_at = {(row["channel"], str(row["alert_id"])): instant_of(row["at"]) for row in begun}
    return KnownAlerts(ledgers=ledgers, begun_at=begun_at)


async def _log_of(connection: Connection, alerts: Sequence[Alert]) -> dict[Place, dict[tuple[object, ...], Entry]]:
    """The log of these alerts by channel and alert, from the oldest episode that is asked about."""
    since: dict[str, int] = {}
    for alert in alerts:
        since[alert.id] = min(alert.episode, since.get(alert.id, alert.episode))
    log: dict[Place, dict[tuple[object, ...], Entry]] = {}
    for row in await connection.fetch(_LOG, list(since), list(since.values())):
        entry = Entry(
            episode=row["episode"],
            kind=NoticeKind(row["kind"]),
            turn=row["turn"],
            state=NoticeState(row["state"]),
            reason=None if row["reason"] is None else Reason(row["reason"]),
            version=row["version"],
        )
        place = (row["channel"], str(row["alert_id"]))
        log.setdefault(place, {})[(entry.episode, entry.kind, entry.turn)] = entry
    return log
