"""All that stands, for whoever must be told of it again and again."""

from collections.abc import AsyncGenerator, Sequence

from connectors.store.database import Database
from connectors.store.rows import alert_of
from streams.alerts.alert import Alert

ALERTS_PER_BATCH_MAX = 200

# The words of the partial index: with parameters in their place it would not be used.
STANDING = """
SELECT priority, id::text AS alert_id, alert FROM data_consistency_alerts
WHERE status IN ('open', 'acknowledged') AND NOT baseline AND (priority, id) > ($1, $2::uuid)
ORDER BY priority, id LIMIT $3
"""
_BEFORE_ALL = (0, "00000000-0000-0000-0000-000000000000")


async def standing_alerts(
    database: Database, *, batch_max: int = ALERTS_PER_BATCH_MAX
) -> AsyncGenerator[Sequence[Alert], None]:
    """Open and acknowledged alerts that are no baseline, most urgent first, in batches. Raises StoreUnavailable.

    Each batch is as the store has it when it is read; one that changes its priority meanwhile may come twice.
    """
    after = _BEFORE_ALL
    while True:
        async with database.connection() as connection:
            rows = await connection.fetch(STANDING, *after, batch_max)
        if rows:
            yield tuple(alert_of(row["alert"]) for row in rows)
        if len(rows) < batch_max:
            return
        after = (rows[-1]["priority"], rows[-1]["alert_id"])
