"""Which alerts a message told, by the notification log."""

from collections.abc import Sequence

from connectors.store.database import Database

_TOLD_IN = """
SELECT DISTINCT alert_id FROM notices WHERE channel = ANY($1::text[]) AND message = $2 AND state = 'sent' LIMIT $3
"""


async def alerts_told_in(database: Database, channels: Sequence[str], message: str, *, limit: int) -> tuple[str, ...]:
    """Ids of alerts that these channels told in the message of that name. Raises StoreUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_TOLD_IN, list(channels), message, limit)
    return tuple(str(row["alert_id"]) for row in rows)
