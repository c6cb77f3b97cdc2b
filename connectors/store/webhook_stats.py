"""How reliable each account's webhooks are, by trigger: the answer of `GET /v1/stats/webhooks`."""

from collections.abc import Sequence

import msgspec

from connectors.store.database import Database
from connectors.store.instants import iso_of

DAYS_MAX = 30

_BY_TRIGGER = """
SELECT account, trigger,
       count(outcome) AS expected,
       count(*) FILTER (WHERE outcome = 'received') AS received,
       count(*) FILTER (WHERE outcome = 'late') AS late,
       count(*) FILTER (WHERE outcome = 'lost') AS lost,
       count(*) FILTER (WHERE outcome = 'refused') AS refused,
       count(*) FILTER (WHERE outcome IS NULL) AS waiting,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY delay_ms) AS delay_p50_ms,
       percentile_disc(0.99) WITHIN GROUP (ORDER BY delay_ms) AS delay_p99_ms
  FROM webhook_expectations
 WHERE seen_at >= now() - make_interval(days => $1) AND ($2::text[] IS NULL OR tenant = ANY($2))
 GROUP BY account, trigger ORDER BY account, trigger
"""
_REFUSALS = """
SELECT account, status, count(*) AS count, max(refused_at) AS newest_at FROM webhook_refusals
 WHERE refused_at >= now() - make_interval(days => $1) AND ($2::text[] IS NULL OR account = ANY($2))
 GROUP BY account, status ORDER BY account, status
"""


class TriggerStats(msgspec.Struct, frozen=True, kw_only=True):
    """One trigger of one account. `expected` = received + late + lost + refused; `waiting` is not judged yet.

    Delays are from Cal.com's sending to Kafka, milliseconds; null where none came.
    """

    account: str
    trigger: str
    expected: int
    received: int
    late: int
    lost: int
    refused: int
    waiting: int
    delay_p50_ms: int | None
    delay_p99_ms: int | None


class DoorRefusals(msgspec.Struct, frozen=True, kw_only=True):
    """How often the door answered an account's webhooks with this HTTP status, of the last 7 days at most."""

    account: str
    status: int
    count: int
    newest_at: str


class WebhookStats(msgspec.Struct, frozen=True, kw_only=True):
    """Of the last so many days."""

    days: int
    items: tuple[TriggerStats, ...]
    refusals: tuple[DoorRefusals, ...]


async def webhook_stats(
    database: Database, days: int, tenants: Sequence[str] | None, accounts: Sequence[str] | None
) -> WebhookStats:
    """What these tenants' bookings and these accounts' door say; None is all. Raises StoreUnavailable."""
    async with database.connection() as connection:
        triggers = await connection.fetch(_BY_TRIGGER, days, None if tenants is None else list(tenants))
        refusals = await connection.fetch(_REFUSALS, days, None if accounts is None else list(accounts))
    return WebhookStats(
        days=days,
        items=tuple(TriggerStats(**row) for row in triggers),
        refusals=tuple(DoorRefusals(**{**row, "newest_at": iso_of(row["newest_at"])}) for row in refusals),
    )
