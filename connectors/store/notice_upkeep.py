"""What time does to notices: what was kept back is decided again, people are told again, old lines go."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from connectors.store.database import Connection
from connectors.store.instants import instant_of
from connectors.store.notice_plans import KnownAlerts, known_alerts, surroundings
from connectors.store.notice_rows import NoticeRow, row_of, write_rows
from connectors.store.rows import alert_of
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, NoticeState
from streams.model.ids import Instant
from streams.notices.due import Told, told_again
from streams.notices.planning import (
    BEGINNINGS,
    STANDING_KINDS,
    PlannedNotice,
    Policy,
    Surroundings,
    Way,
    decide,
    decide_again,
)

HELD_PER_PASS_MAX = 500
UNATTENDED_PER_PASS_MAX = 200
PRUNED_PER_PASS_MAX = 500
#: What is still kept back is looked at again after this.
LOOK_AGAIN = timedelta(seconds=5)
#: Lines about alerts that were over for so long go.
KEPT = timedelta(days=90)
_FIRST_ID = "00000000-0000-0000-0000-000000000000"

_HELD = """
SELECT n.position, n.channel, n.episode, n.kind, n.turn, n.version, a.alert
FROM notices AS n JOIN data_consistency_alerts AS a ON a.id = n.alert_id
WHERE n.state = 'held' AND n.reason <> 'baseline' AND n.due_at <= now()
ORDER BY n.due_at LIMIT $1 FOR UPDATE OF n SKIP LOCKED
"""
_LOOKED_AT = "UPDATE notices SET due_at = now() + $2 WHERE position = ANY($1::bigint[]) AND state = 'held'"
_UNATTENDED = """
SELECT alert FROM data_consistency_alerts
WHERE status = 'open' AND severity = 'critical' AND NOT baseline AND id > $1::uuid ORDER BY id LIMIT $2
"""
_TOLD = """
SELECT alert_id, channel,
       max(finished_at) FILTER (WHERE kind = ANY($3::text[]) AND state IN ('sent', 'failed')) AS told_at,
       max(planned_at) FILTER (WHERE kind = ANY($4::text[]) AND state IN ('pending', 'sent', 'failed')) AS due_at,
       count(*) FILTER (WHERE kind = 'repeated') AS repeats,
       bool_or(kind = 'escalated') AS escalated,
       bool_or(state IN ('pending', 'held')) AS waits
FROM notices JOIN unnest($1::uuid[], $2::integer[]) AS asked (id, since) ON alert_id = id AND episode = since
GROUP BY 1, 2
"""
_PRUNE = """
DELETE FROM notices WHERE position IN (
    SELECT n.position FROM notices AS n JOIN data_consistency_alerts AS a ON a.id = n.alert_id
    WHERE n.finished_at < now() - $1::interval AND a.status = 'resolved' AND a.resolved_at < now() - $1::interval
    ORDER BY n.finished_at LIMIT $2
)
"""


async def decide_held(connection: Connection, ways: Sequence[Way], policy: Policy, now: Instant) -> int:
    """Decide again about a batch of what was kept back; how many of it changed."""
    rows = await connection.fetch(_HELD, HELD_PER_PASS_MAX)
    if not rows:
        return 0
    around = await surroundings(connection, policy, now)
    alerts = [alert_of(row["alert"]) for row in rows]
    known = await known_alerts(connection, {alert.id for alert in alerts}, now)
    by_name = {way.name: way for way in ways}
    decided: list[NoticeRow] = []
    same: list[int] = []
    for row, alert in zip(rows, alerts, strict=True):
        way = by_name.get(row["channel"])
        new = None if way is None else _decided_again(row, alert, way, known, around)
        if new is None:
            same.append(row["position"])
        else:
            decided.append(new)
    await write_rows(connection, decided)
    await connection.execute(_LOOKED_AT, same, LOOK_AGAIN)
    return len(decided)


async def tell_again(
    connection: Connection, ways: Sequence[Way], policy: Policy, now: Instant, after: str | None
) -> tuple[int, str | None]:
    """Plan what is due of a batch of unattended alerts, those after an id: how many, and where the next begins."""
    rows = await connection.fetch(_UNATTENDED, after or _FIRST_ID, UNATTENDED_PER_PASS_MAX)
    if not rows:
        return 0, None
    alerts = [alert_of(row["alert"]) for row in rows]
    around = await surroundings(connection, policy, now)
    known = await known_alerts(connection, {alert.id for alert in alerts}, now)
    told = await _told(connection, alerts)
    by_name = {way.name: way for way in ways}
    planned: list[NoticeRow] = []
    for alert in alerts:
        heard = known.heard(alert, None, now)
        for again in told_again(told.get(alert.id, []), policy, now):
            way = by_name.get(again.channel)
            if way is None or again.kind not in way.kinds:
                continue
            state, reason = decide(heard, again.kind, way, around)
            notice = PlannedNotice(kind=again.kind, state=state, reason=reason, turn=again.turn)
            planned.append(row_of(alert, way, notice, around, version=0))
    await write_rows(connection, planned)
    return len(planned), alerts[-1].id if len(rows) == UNATTENDED_PER_PASS_MAX else None


async def prune(connection: Connection) -> None:
    """Forget old lines, a batch of them."""
    await connection.execute(_PRUNE, KEPT, PRUNED_PER_PASS_MAX)


def _decided_again(row: Any, alert: Alert, way: Way, known: KnownAlerts, around: Surroundings) -> NoticeRow | None:
    kind = NoticeKind(row["kind"])
    here = msgspec.structs.replace(around, begun_told_at=known.begun_at.get((way.name, alert.id)))
    heard = known.heard(alert, None, around.now)
    state, reason = decide_again(heard, row["episode"], kind, way, here)
    if state is NoticeState.HELD:
        return None
    notice = PlannedNotice(kind=kind, state=state, reason=reason, turn=row["turn"])
    new = row_of(alert, way, notice, here, version=row["version"])
    return msgspec.structs.replace(new, episode=row["episode"])


async def _told(connection: Connection, alerts: Sequence[Alert]) -> dict[str, list[Told]]:
    """What each channel's log says of these alerts' episodes."""
    rows = await connection.fetch(
        _TOLD,
        [alert.id for alert in alerts],
        [alert.episode for alert in alerts],
        sorted(STANDING_KINDS),
        sorted(BEGINNINGS | {NoticeKind.REMINDER}),
    )
    told: dict[str, list[Told]] = {}
    for row in rows:
        one = Told(
            channel=row["channel"],
            told_at=None if row["told_at"] is None else instant_of(row["told_at"]),
            due_at=None if row["due_at"] is None else instant_of(row["due_at"]),
            repeats=row["repeats"],
            escalated=row["escalated"],
            waits=row["waits"],
        )
        told.setdefault(str(row["alert_id"]), []).append(one)
    return told
