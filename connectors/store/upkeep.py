"""What the store does by itself as time passes: snoozes end, acknowledgements expire. Any number may run it."""

import asyncio
import logging

from connectors.store.alerts import AlertStore
from connectors.store.database import StoreUnavailable

logger = logging.getLogger(__name__)

PASS_SECONDS = 1.0


async def let_time_pass(store: AlertStore, acknowledge_hours: float) -> None:
    """Until cancelled: each alert within about a second of its snooze's or its acknowledgement's end.

    An acknowledgement lasts `acknowledge_hours`; 0 is for ever.
    """
    while True:
        try:
            await store.end_snoozes()
            await store.expire_acknowledgements(acknowledge_hours)
        except StoreUnavailable as later:
            logger.debug("snoozes and acknowledgements are looked at again: %s", later)
        await asyncio.sleep(PASS_SECONDS)
