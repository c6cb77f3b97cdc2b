"""Clients for a command that runs once and keeps nothing: no store, no breaker of yesterday."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from connectors.calcom.breaker import Breaker, BreakerPolicy, BreakerState
from connectors.calcom.client import CalcomClient, open_http
from connectors.calcom.quota import Quota
from connectors.calcom.transport import Transport
from streams.settings import Settings


@asynccontextmanager
async def unkept_clients(settings: Settings) -> AsyncIterator[dict[str, CalcomClient]]:
    """A client for each account by name; accounts with the same key share its quota."""
    quotas: dict[str, Quota] = {}
    async with AsyncExitStack() as open_:
        clients = {}
        for account in settings.accounts:
            key = account.api_key.get_secret_value()
            quota = quotas.setdefault(key, Quota(settings.calcom.requests_per_minute, time.monotonic))
            http = await open_.enter_async_context(open_http(settings.calcom, account))
            breaker = Breaker(policy=BreakerPolicy(), clock=time.time, save=_forget)
            seconds = settings.calcom.timeout_seconds
            transport = Transport(http=http, quota=quota, breaker=breaker, timeout_seconds=seconds)
            clients[account.name] = CalcomClient(account.name, transport)
        yield clients


async def _forget(state: BreakerState) -> None:
    """Nothing of it is kept."""
