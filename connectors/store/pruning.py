"""What the API writes beside the alerts goes when it is old: kept answers and the audit. Any number may run it."""

import asyncio
import logging

from connectors.store.audit import prune_audit
from connectors.store.database import Database, StoreUnavailable
from connectors.store.idempotency import prune_answers

logger = logging.getLogger(__name__)

#: A pass takes 10 000 rows of each away, so it keeps up with as many writes a minute.
PASS_SECONDS = 60.0


async def keep_pruned(database: Database) -> None:
    """Until cancelled: one pass now and then."""
    while True:
        try:
            await prune(database)
        except StoreUnavailable as later:
            logger.debug("old rows are taken away later: %s", later)
        await asyncio.sleep(PASS_SECONDS)


async def prune(database: Database) -> None:
    """One bounded pass. Raises StoreUnavailable."""
    async with database.connection() as connection:
        await prune_answers(connection)
        await prune_audit(connection)
