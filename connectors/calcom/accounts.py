"""The configured accounts as clients: one breaker each, one quota a key, and who reads for which tenant."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from connectors.calcom import breaker_store
from connectors.calcom.breaker import Breaker, BreakerPolicy, BreakerState
from connectors.calcom.client import CalcomClient, open_http
from connectors.calcom.quota import Priority, Quota
from connectors.calcom.transport import Transport
from streams.model.ids import unmapped_tenant
from streams.settings import Settings
from streams.settings_sections import AccountSettings

#: How often a closed breaker is looked at; an open one is probed when its time comes.
LOOK_SECONDS = 0.5


class Accounts:
    """All accounts' clients. Made by `open_accounts`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clients: dict[str, CalcomClient] = {}
        self._https: list[httpx.AsyncClient] = []
        self._on_return: list[Callable[[str], None]] = []

    def of(self, tenant: str) -> tuple[CalcomClient, ...]:
        """Who may hold a booking of the tenant; empty for a tenant without an account."""
        return tuple(self.clients[account.name] for account in self.settings.accounts_of(tenant))

    def on_return(self, listener: Callable[[str], None]) -> None:
        """Call `listener(account)` whenever Cal.com is back for an account."""
        self._on_return.append(listener)

    async def add(self, account: AccountSettings, pool: Any, policy: BreakerPolicy, quotas: dict[str, Quota]) -> None:
        """Make the account's client, with its breaker as it was kept."""
        key = breaker_store.circuit_key(account.name)

        async def save(state: BreakerState) -> None:
            if state.state == "closed" and state.failure_count == 0 and state.closed_at is not None:
                for listener in self._on_return:
                    listener(account.name)
            await breaker_store.save(pool, key, state)

        breaker = Breaker(policy=policy, clock=time.time, save=save, state=await breaker_store.load(pool, key))
        quota = quotas.setdefault(
            account.api_key.get_secret_value(),
            Quota(self.settings.calcom.requests_per_minute, time.monotonic),
        )
        http = open_http(self.settings.calcom, account)
        self._https.append(http)
        transport = Transport(
            http=http, quota=quota, breaker=breaker, timeout_seconds=self.settings.calcom.timeout_seconds
        )
        self.clients[account.name] = CalcomClient(account.name, transport)

    async def close(self) -> None:
        """Close all connections to Cal.com."""
        for http in self._https:
            await http.aclose()


def tenants_by_accounts(settings: Settings) -> dict[tuple[str, ...], frozenset[str]]:
    """The tenants by the accounts that must be asked for them."""
    grouped: dict[tuple[str, ...], set[str]] = {}
    for tenant in sorted(_tenants(settings.accounts)):
        names = tuple(account.name for account in settings.accounts_of(tenant))
        grouped.setdefault(names, set()).add(tenant)
    return {names: frozenset(tenants) for names, tenants in grouped.items()}


async def open_accounts(settings: Settings, pool: Any, policy: BreakerPolicy, quotas: dict[str, Quota]) -> Accounts:
    """All configured accounts. `quotas`, by key, are filled here and outlive the accounts: what was asked stays asked.

    Raises what asyncpg raises when the store is away.
    """
    accounts = Accounts(settings)
    for account in settings.accounts:
        await accounts.add(account, pool, policy, quotas)
    return accounts


async def keep_probing(client: CalcomClient) -> None:
    """While the account's breaker is not closed, make its probes: nobody else may be asking. Runs for
    ever."""
    breaker = client.transport.breaker
    while True:
        await asyncio.sleep(LOOK_SECONDS if breaker.closed else max(breaker.wait_seconds(), 0.02))
        if not breaker.closed and breaker.wait_seconds() <= 0:
            await client.page({"take": 1}, Priority.PROOF)


def _tenants(accounts: Iterable[AccountSettings]) -> set[str]:
    tenants: set[str] = set()
    for account in accounts:
        tenants.add(unmapped_tenant(account.name))
        tenants.update(account.event_types.values())
        if account.tenant is not None:
            tenants.add(account.tenant)
    return tenants
