"""What the store does by itself as time passes: snoozes end. Any number of processes may run it."""

import asyncio
import logging

from connectors.store.alerts import AlertStore
from connectors.store.database import StoreUnavailable

logger = logging.getLogger(__name__)

PASS_SECONDS = 1.0


async def end_snoozes(store: AlertStore) -> None:
    """Until cancelled: wake each alert within about a second of its snooze's end."""
    while True:
        try:
            await store.end_snoozes()
        except StoreUnavailable as later:
            logger.debug("snoozes are looked at again: %s", later)
        await asyncio.sleep(PASS_SECONDS)
