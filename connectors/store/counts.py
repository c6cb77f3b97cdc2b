"""How many alerts there are of each kind, without counting rows: exact, since triggers of the table itself write it.

`alert_counts` holds sums, `alert_count_changes` the differences that came since (migrations/0011_lists.sql). A reader
adds both in one statement, so what it sees is what was committed, before and after a fold.
"""

import asyncio
import logging

import msgspec

from connectors.store.database import Database, StoreUnavailable

logger = logging.getLogger(__name__)

FOLD_SECONDS = 5.0
#: One folds at a time: two could wait for each other's rows.
FOLD_LOCK = 0x666F6C64

_FIGURES = """
SELECT rule, severity, status, sum(alerts)::bigint AS alerts, sum(episodes)::bigint AS episodes
  FROM (TABLE alert_counts UNION ALL TABLE alert_count_changes) AS counted
 GROUP BY rule, severity, status
"""
_FOLD = """
WITH taken AS (DELETE FROM alert_count_changes RETURNING *)
INSERT INTO alert_counts
SELECT tenant, status, rule, severity, sum(alerts), sum(episodes) FROM taken GROUP BY tenant, status, rule, severity
ON CONFLICT (tenant, status, rule, severity) DO UPDATE
   SET alerts = alert_counts.alerts + EXCLUDED.alerts, episodes = alert_counts.episodes + EXCLUDED.episodes
"""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """How many alerts, and episodes of them, there are of one kind; 0 where there were some once."""

    rule: str
    severity: str
    status: str
    alerts: int
    episodes: int


async def figures(database: Database) -> tuple[Figure, ...]:
    """Alerts and episodes by rule, severity and status. Raises StoreUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_FIGURES)
    return tuple(Figure(**dict(row)) for row in rows)


async def fold(database: Database) -> None:
    """Add the differences to the sums, unless somebody else does just now. Raises StoreUnavailable."""
    async with database.transaction() as connection:
        if await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", FOLD_LOCK):
            await connection.execute(_FOLD)


async def keep_counts(database: Database) -> None:
    """Until cancelled: keep the differences few. Any number of processes may run it."""
    while True:
        try:
            await fold(database)
        except StoreUnavailable as later:
            logger.debug("counts are folded later: %s", later)
        await asyncio.sleep(FOLD_SECONDS)
