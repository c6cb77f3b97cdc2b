"""The dead-man's switch: a page outside is called as long as Plumbline is healthy. Silence raises the alarm there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import httpx

logger = logging.getLogger(__name__)

PING_SECONDS = 30.0
PING_SECONDS_MAX = 10.0


async def ping_while_healthy(
    ping_url: str, healthy: Callable[[], Awaitable[bool]], *, interval_seconds: float = PING_SECONDS
) -> None:
    """Until cancelled: call `ping_url` every interval in which `healthy` says so (clock fresh, nothing stuck).

    An unreachable page is logged and tried at the next interval; a predicate that fails counts as not healthy.
    """
    async with httpx.AsyncClient(timeout=PING_SECONDS_MAX, follow_redirects=True) as client:
        while True:
            if await _is_healthy(healthy):
                await _ping(client, ping_url)
            await asyncio.sleep(interval_seconds)


async def _is_healthy(healthy: Callable[[], Awaitable[bool]]) -> bool:
    try:
        async with asyncio.timeout(PING_SECONDS_MAX):
            return await healthy()
    except Exception as error:
        logger.warning("no ping: health is not known: %s", error)
        return False


async def _ping(client: httpx.AsyncClient, url: str) -> None:
    try:
        answer = await client.get(url)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        # The address may hold a secret; the kind of error is enough.
        logger.warning("the watchdog's page did not take the ping: %s", type(error).__name__)
