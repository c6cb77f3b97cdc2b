"""The configured accounts as clients: one breaker each, one quota a key, and which tenants wait for one another."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx

from connectors.calcom import breaker_store, quota_store
from connectors.calcom.breaker import Breaker, BreakerPolicy, BreakerState
from connectors.calcom.client import CalcomClient, See, open_http
from connectors.calcom.quota import Priority, Quota
from connectors.calcom.transport import Transport
from streams.model.ids import unmapped_tenant
from streams.settings import Settings
from streams.settings_sections import AccountSettings

#: How often a closed breaker is looked at; an open one is probed when its time comes.
LOOK_SECONDS = 0.5


class Accounts:
    """All accounts' clients. Made by `open_accounts`."""

    def __init__(self, settings: Settings, see: See | None = None) -> None:
        self.settings = settings
        self._see = see
        self.clients: dict[str, CalcomClient] = {}
        self._https: list[httpx.AsyncClient] = []
        self._on_return: list[Callable[[str], None]] = []

    def of(self, tenant: str) -> tuple[CalcomClient, ...]:
        """Who may hold a booking of the tenant; empty for a tenant without an account."""
        return tuple(self.clients[account.name] for account in self.settings.accounts_of(tenant))

    def on_return(self, listener: Callable[[str], None]) -> None:
        """Call `listener(account)` whenever Cal.com is back for an account."""
        self._on_return.append(listener)

    async def add(self, account: AccountSettings, pool: Any, policy: BreakerPolicy, quota: Quota) -> None:
        """Make the account's client, with its breaker as it was kept."""
        key = breaker_store.circuit_key(account.name)

        async def save(state: BreakerState) -> None:
            if state.state == "closed" and state.failure_count == 0 and state.closed_at is not None:
                for listener in self._on_return:
                    listener(account.name)
            await breaker_store.save(pool, key, breaker)

        state, tally = await breaker_store.load(pool, key)
        breaker = Breaker(policy=policy, clock=time.time, save=save, state=state, tally=tally)
        http = open_http(self.settings.calcom, account)
        self._https.append(http)
        transport = Transport(
            http=http, quota=quota, breaker=breaker, timeout_seconds=self.settings.calcom.timeout_seconds
        )
        self.clients[account.name] = CalcomClient(account.name, transport, see=self._see)

    async def close(self) -> None:
        """Close all connections to Cal.com."""
        for http in self._https:
            await http.aclose()


def known_tenants(settings: Settings) -> frozenset[str]:
    """The tenants for whom some account can be asked."""
    unmapped = frozenset(unmapped_tenant(account.name) for account in settings.accounts)
    return unmapped.union(*(account.tenants for account in settings.accounts))


def tenants_by_accounts(settings: Settings) -> dict[tuple[str, ...], frozenset[str]]:
    """The tenants by the accounts that must be asked for them."""
    grouped: dict[tuple[str, ...], set[str]] = {}
    for tenant in sorted(known_tenants(settings)):
        names = tuple(account.name for account in settings.accounts_of(tenant))
        grouped.setdefault(names, set()).add(tenant)
    return {names: frozenset(tenants) for names, tenants in grouped.items()}


def tenants_by_keys(settings: Settings) -> list[frozenset[str]]:
    """The tenants that must wait for one another: their accounts share a key, directly or through a third tenant's."""
    groups: list[tuple[set[str], set[str]]] = []
    for tenant in sorted(known_tenants(settings)):
        keys = {account.api_key.get_secret_value() for account in settings.accounts_of(tenant)}
        tenants = {tenant}
        apart = []
        for group in groups:
            if group[0] & keys:
                keys, tenants = keys | group[0], tenants | group[1]
            else:
                apart.append(group)
        groups = [*apart, (keys, tenants)]
    return [frozenset(tenants) for _, tenants in groups]


async def open_accounts(settings: Settings, pool: Any, policy: BreakerPolicy, see: See | None = None) -> Accounts:
    """All configured accounts, with breakers and quotas as they were kept; `see` hears of each answer.

    Raises what asyncpg raises when the store is away.
    """
    accounts = Accounts(settings, see)
    quotas = await _open_quotas(settings, pool)
    for account in settings.accounts:
        await accounts.add(account, pool, policy, quotas[account.api_key.get_secret_value()])
    return accounts


async def _open_quotas(settings: Settings, pool: Any) -> dict[str, Quota]:
    """One quota a key. A request that cannot be counted in the store does not go out: somebody else may lead next."""
    names: dict[str, list[str]] = {}
    for account in settings.accounts:
        names.setdefault(account.api_key.get_secret_value(), []).append(account.name)
    quotas: dict[str, Quota] = {}
    for key, accounts in names.items():
        digest = quota_store.key_digest(key)
        keep = partial(quota_store.save, pool, digest, accounts, settings.calcom.requests_per_minute)
        quotas[key] = Quota(settings.calcom.requests_per_minute, time.monotonic, keep)
        quotas[key].restore(await quota_store.load(pool, digest))
    await quota_store.forget_others(pool, [quota_store.key_digest(key) for key in names])
    return quotas


async def keep_probing(client: CalcomClient) -> None:
    """While the account's breaker is not closed, make its probes: nobody else may be asking. Runs for
    ever."""
    breaker = client.transport.breaker
    while True:
        await asyncio.sleep(LOOK_SECONDS if breaker.closed else max(breaker.wait_seconds(), 0.02))
        if not breaker.closed and breaker.wait_seconds() <= 0:
            await client.page({"take": 1}, Priority.PROOF)
