"""Looks at each account's webhook subscriptions now and then, and keeps what it saw in table `webhook_audits`."""

import asyncio
import time
from typing import Any

import msgspec
import structlog

from connectors.calcom.client import CalcomClient
from connectors.calcom.quota import Priority
from connectors.calcom.subscriptions import Audit, Subscription, audited, subscription_of
from connectors.calcom.transport import Unanswered
from streams.model.ids import iso

log = structlog.get_logger()

AFTER_FAILURE_SECONDS = 30.0
SUBSCRIPTIONS_PER_PAGE = 250
PAGES_MAX = 4

_LOAD = "SELECT audit FROM webhook_audits WHERE account = $1"
_SAVE = """
INSERT INTO webhook_audits (account, audit) VALUES ($1, $2::jsonb)
ON CONFLICT (account) DO UPDATE SET audit = excluded.audit, updated_at = now()
"""


class NotListed(Exception):
    """The subscriptions could not be read to the end of their list."""


async def keep_auditing(client: CalcomClient, pool: Any, every_seconds: float) -> None:
    """Look once at the start and then at this pace, for ever. Raises what asyncpg raises when the store is away."""
    while True:
        try:
            listed = await _subscriptions(client)
        except NotListed as failed:
            log.info("webhook subscriptions not read", account=client.account, reason=str(failed))
            await asyncio.sleep(min(AFTER_FAILURE_SECONDS, every_seconds))
            continue
        kept = await pool.fetchval(_LOAD, client.account)
        before = None if kept is None else msgspec.json.decode(kept, type=Audit)
        after = audited(before, listed, client.account, iso(int(time.time() * 1000)) or "")
        await pool.execute(_SAVE, client.account, msgspec.json.encode(after).decode())
        await asyncio.sleep(every_seconds)


async def _subscriptions(client: CalcomClient) -> list[Subscription]:
    """Every subscription that the key's owner is shown. Raises NotListed."""
    found: list[Subscription] = []
    for number in range(PAGES_MAX):
        rows = await _page(client, number * SUBSCRIPTIONS_PER_PAGE)
        found += [one for one in map(subscription_of, rows) if one is not None]
        if len(rows) < SUBSCRIPTIONS_PER_PAGE:
            return found
    raise NotListed(f"more than {PAGES_MAX} pages")


async def _page(client: CalcomClient, skip: int) -> list[object]:
    params = {"take": SUBSCRIPTIONS_PER_PAGE, "skip": skip}
    try:
        reply = await client.transport.get("/v2/webhooks", params, Priority.POLL)
    except Unanswered as none:
        raise NotListed(none.reason) from none
    rows = reply.json.get("data") if reply.status == 200 and isinstance(reply.json, dict) else None
    if not isinstance(rows, list):
        raise NotListed(f"status {reply.status}, and no list")
    return rows
