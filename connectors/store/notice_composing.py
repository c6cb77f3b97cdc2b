"""What one message says: its alerts as they stand now, and what they have in common."""

from collections.abc import Iterable, Sequence
from typing import Any

from connectors.store.database import Connection
from connectors.store.instants import iso_of
from connectors.store.rows import alert_of
from streams.alerts.notice import Common, NoticeKind, Reason
from streams.notices.claim import TOGETHER_MAX, Claim
from streams.notices.planning import STANDING_KINDS

# In a digest an alert may have several notices: its newest counts.
_FIRST = """
SELECT n.channel, n.kind, n.turn, n.attempts, n.together
FROM notices AS n JOIN data_consistency_alerts AS a ON a.id = n.alert_id
WHERE n.telling = $1::uuid AND n.state = 'pending' ORDER BY n.critical DESC, a.priority, n.position LIMIT 1
"""
_SAID = """
SELECT DISTINCT ON (n.alert_id) n.alert_id, said.message
FROM notices AS n LEFT JOIN notices AS said
  ON said.channel = n.channel AND said.alert_id = n.alert_id AND said.episode = n.episode
 AND said.kind = ANY($2::text[]) AND said.state = 'sent' AND said.message IS NOT NULL
WHERE n.telling = $1::uuid AND n.state = 'pending' ORDER BY n.alert_id, said.position
"""
_GROUP = """
SELECT DISTINCT alert_id FROM notices
WHERE channel = $1 AND message = $2 AND state = 'sent' AND kind = ANY($3::text[])
"""
_NAMED = """
SELECT alert FROM data_consistency_alerts WHERE id = ANY($1::uuid[])
ORDER BY status = 'resolved', severity <> 'critical', priority, opened_at, id LIMIT $2
"""
_COMMON = """
SELECT count(*) FILTER (WHERE status <> 'resolved') AS standing, min(opened_at) AS since,
       CASE WHEN count(DISTINCT rule) = 1 THEN min(rule) END AS rule,
       CASE WHEN count(DISTINCT tenant) = 1 THEN min(tenant) END AS tenant,
       CASE WHEN count(DISTINCT coalesce(ledger->>'account', '')) = 1 THEN min(ledger->>'account') END AS account,
       CASE WHEN count(DISTINCT coalesce(ledger->>'event_type', '')) = 1 THEN min(ledger->>'event_type')
       END AS event_type
FROM data_consistency_alerts WHERE id = ANY($1::uuid[])
"""
_COUNTS = """
SELECT rule, tenant, count(*) AS alerts FROM data_consistency_alerts WHERE id = ANY($1::uuid[]) GROUP BY rule, tenant
"""


async def compose(connection: Connection, telling: str) -> Claim:
    """The message of that name, which is claimed."""
    first = await connection.fetchrow(_FIRST, telling)
    together = None if first["together"] is None else Reason(first["together"])
    baseline = together is Reason.BASELINE
    said = {
        str(row["alert_id"]): row["message"] for row in await connection.fetch(_SAID, telling, sorted(STANDING_KINDS))
    }
    ids, message = list(said), _one_of(said.values())
    if first["kind"] == NoticeKind.CHANGED and message is not None:
        # What told many at once is edited as a whole.
        group = await connection.fetch(_GROUP, first["channel"], message, sorted(STANDING_KINDS))
        ids = [str(row["alert_id"]) for row in group]
    named = () if baseline else await connection.fetch(_NAMED, ids, TOGETHER_MAX)
    alerts = tuple(alert_of(row["alert"]) for row in named)
    common = await connection.fetchrow(_COMMON, ids)
    counts = await connection.fetch(_COUNTS, ids)
    return Claim(
        telling=telling,
        kind=NoticeKind.BASELINE if baseline else NoticeKind(first["kind"]),
        alerts=alerts,
        total=len(ids),
        attempts=first["attempts"],
        turn=first["turn"] if first["kind"] == NoticeKind.REPEATED else 0,
        common=_common(common),
        by_rule=_summed(counts, "rule"),
        by_tenant=_summed(counts, "tenant"),
        standing=common["standing"],
        together=together,
        message=message,
        messages={alert.id: name for alert in alerts if (name := said.get(alert.id, message)) is not None},
    )


def _one_of(messages: Iterable[str | None]) -> str | None:
    """The name that all of them have."""
    different = set(messages)
    return next(iter(different)) if len(different) == 1 else None


def _summed(counts: Sequence[Any], column: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in counts:
        sums[row[column]] = sums.get(row[column], 0) + row["alerts"]
    return sums


def _common(row: Any) -> Common:
    return Common(
        rule=row["rule"],
        tenant=row["tenant"],
        account=row["account"],
        event_type=row["event_type"],
        since=iso_of(row["since"]),
    )
