"""What became of each webhook that a list lets expect: received, late, lost or refused at the door.

Level-triggered like the rest: arrivals, refusals and expectations may come in any order and twice; each state of a
booking has one expectation, and a webhook that arrives after all makes its verdict new.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from prometheus_client import Counter

from connectors.store.database import Database
from connectors.webhook_expectation import Expectation

#: Older changes are not expected any more: arrivals are kept a day longer.
EXPECTED_FOR = timedelta(days=6)
ARRIVALS_KEPT = timedelta(days=7)
EXPECTATIONS_KEPT = timedelta(days=30)
#: Of one account: what comes beyond is not remembered until older ones are forgotten.
REFUSALS_MAX = 100_000

OUTCOMES = Counter("plumbline_webhook_outcomes_total", "What became of expected webhooks.", ["account", "outcome"])

# What was there before the installation, or is old, no webhook can have told.
_EXPECT = """
INSERT INTO webhook_expectations (account, uid, trigger, satisfied_by, tenant, changed_at, seen_at)
SELECT account, uid, trigger, satisfied_by, tenant, changed_at, seen_at
  FROM jsonb_populate_recordset(NULL::webhook_expectations, $1::jsonb)
 WHERE changed_at >= (SELECT installed_at FROM installation)
ON CONFLICT DO NOTHING
"""
_ARRIVED = """
INSERT INTO webhook_arrivals (account, uid, trigger, created_at, arrived_at)
SELECT account, uid, trigger, created_at, arrived_at
  FROM jsonb_populate_recordset(NULL::webhook_arrivals, $1::jsonb)
ON CONFLICT (account, uid, trigger, created_at) DO UPDATE
   SET arrived_at = least(webhook_arrivals.arrived_at, excluded.arrived_at)
"""
_REOPEN = """
UPDATE webhook_expectations AS expected SET outcome = NULL
  FROM unnest($1::text[], $2::text[], $3::text[]) AS came (account, uid, trigger)
 WHERE expected.account = came.account AND expected.uid = came.uid AND came.trigger = ANY(expected.satisfied_by)
   AND expected.outcome IN ('lost', 'refused')
"""
# Whoever floods the door fills no disk.
_REFUSED = """
WITH given AS (SELECT account, uid, trigger, status, refused_at
                 FROM jsonb_populate_recordset(NULL::webhook_refusals, $1::jsonb)),
     room AS (SELECT account FROM (SELECT DISTINCT account FROM given) AS named
               WHERE (SELECT count(*) FROM (SELECT FROM webhook_refusals AS kept
                                             WHERE kept.account = named.account LIMIT $2) AS counted) < $2)
INSERT INTO webhook_refusals (account, uid, trigger, status, refused_at)
SELECT given.* FROM given JOIN room USING (account)
"""
# Late: the list was first, and the webhook took longer than it may.
_JUDGE = """
WITH open AS (
    SELECT expected.account, expected.uid, expected.trigger, expected.seen_at, came.arrived_at,
           came.arrived_at - came.created_at AS delay,
           EXISTS (SELECT FROM webhook_refusals AS refused
                    WHERE refused.account = expected.account AND refused.uid = expected.uid
                      AND refused.trigger = ANY(expected.satisfied_by)) AS refused
      FROM webhook_expectations AS expected
      LEFT JOIN LATERAL (
          SELECT arrived_at, created_at FROM webhook_arrivals AS arrived
           WHERE arrived.account = expected.account AND arrived.uid = expected.uid
             AND arrived.trigger = ANY(expected.satisfied_by)
           ORDER BY arrived_at LIMIT 1) AS came ON true
     WHERE expected.outcome IS NULL
)
UPDATE webhook_expectations AS expected
   SET outcome = CASE WHEN open.arrived_at > open.seen_at AND open.delay > $2 THEN 'late'
                      WHEN open.arrived_at IS NOT NULL THEN 'received'
                      WHEN open.refused THEN 'refused' ELSE 'lost' END,
       delay_ms = least(greatest(extract(epoch FROM open.delay) * 1000, 0), 2147483647)::integer
  FROM open
 WHERE (expected.account, expected.uid, expected.trigger) = (open.account, open.uid, open.trigger)
   AND (open.arrived_at IS NOT NULL OR open.seen_at < $1)
RETURNING expected.account, expected.outcome
"""
_FORGET = (
    ("webhook_arrivals", "arrived_at", ARRIVALS_KEPT),
    ("webhook_refusals", "refused_at", ARRIVALS_KEPT),
    ("webhook_expectations", "seen_at", EXPECTATIONS_KEPT),
)


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook about a booking's state on Kafka; `created_at` by Cal.com's clock, `arrived_at` by the broker's."""

    account: str
    uid: str
    trigger: str
    created_at: datetime
    arrived_at: datetime


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that the door turned away with this HTTP status; no uid and trigger where its body was not read."""

    account: str
    status: int
    refused_at: datetime
    uid: str | None = None
    trigger: str | None = None


class WebhookLedger:
    """The tables `webhook_arrivals`, `webhook_refusals`, `webhook_expectations`. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def expect(self, expectations: Sequence[Expectation]) -> None:
        """A list showed these states; what is known already stays as it is."""
        since = datetime.now(UTC) - EXPECTED_FOR
        recent = [expected for expected in expectations if expected.changed_at >= since]
        if recent:
            async with self._database.connection() as connection:
                await connection.execute(_EXPECT, msgspec.json.encode(recent).decode())

    async def arrived(self, arrivals: Sequence[Arrival]) -> None:
        """These came through the door."""
        distinct = list({(one.account, one.uid, one.trigger, one.created_at): one for one in arrivals}.values())
        if not distinct:
            return
        async with self._database.transaction() as connection:
            await connection.execute(_ARRIVED, msgspec.json.encode(distinct).decode())
            names = [[getattr(one, name) for one in distinct] for name in ("account", "uid", "trigger")]
            await connection.execute(_REOPEN, *names)

    async def refused(self, refusals: Sequence[Refusal]) -> None:
        """The door turned these away."""
        async with self._database.connection() as connection:
            await connection.execute(_REFUSED, msgspec.json.encode(list(refusals)).decode(), REFUSALS_MAX)

    async def judge(self, seen_before: datetime, late_after: timedelta) -> int:
        """Say what became of the webhooks of states seen before that instant, and of those that came; how many."""
        async with self._database.connection() as connection:
            judged = await connection.fetch(_JUDGE, seen_before, late_after)
        for row in judged:
            OUTCOMES.labels(row["account"], row["outcome"]).inc()
        return len(judged)

    async def forget(self) -> None:
        """Drop what is kept no longer."""
        async with self._database.connection() as connection:
            for table, column, kept in _FORGET:
                await connection.execute(f"DELETE FROM {table} WHERE {column} < now() - $1::interval", kept)
