"""Keeps what later statistics need and nobody could tell afterwards: how many bookings were compared in each hour."""

import asyncio
from typing import Any

from connectors.store.database import Database
from connectors.store.hourly import keep_hour, prune_hours

PASS_SECONDS = 60.0
#: Old hours are looked for this often, in passes.
PRUNE_PASSES = 60


async def keep_statistics(database: Database, _: Any, *, pass_seconds: float = PASS_SECONDS) -> None:
    """Until cancelled, as the only one. Raises StoreUnavailable: to be started again (`supervised`)."""
    passes = 0
    while True:
        async with database.transaction() as connection:
            await keep_hour(connection)
            if passes % PRUNE_PASSES == 0:
                await prune_hours(connection)
        passes += 1
        await asyncio.sleep(pass_seconds)
