"""What was heard of each account, in tables `account_hearing` and `announced_changes`.

Written by the one process that reads Cal.com; read by whoever watches the sources.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from connectors.calcom.announced import AnnouncedChanges

#: Of an account's rounds with changes; three changes make a silence, so the rest says nothing new.
ROUNDS_KEPT_MAX = 20
FAILURE_CHARACTERS_MAX = 200

_HEARD = """
INSERT INTO account_hearing (account, delivered_at, listened_at)
SELECT account, CASE WHEN account = ANY($2) THEN $3::timestamptz END, $3 FROM unnest($1::text[]) AS account
ON CONFLICT (account) DO UPDATE
   SET delivered_at = coalesce(excluded.delivered_at, account_hearing.delivered_at), listened_at = excluded.listened_at
"""
_FAILED = """
INSERT INTO account_hearing (account, poll_failing_since, poll_failed_at, poll_failure) VALUES ($1, $2, $2, $3)
ON CONFLICT (account) DO UPDATE
   SET poll_failing_since = coalesce(account_hearing.poll_failing_since, excluded.poll_failing_since),
       poll_failed_at = excluded.poll_failed_at, poll_failure = excluded.poll_failure
"""
_SUCCEEDED = """
UPDATE account_hearing SET poll_failing_since = NULL, poll_failure = NULL
 WHERE account = $1 AND poll_failing_since IS NOT NULL
"""
_CHANGED = """
INSERT INTO announced_changes (account, made_after, seen_at, changes) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
_FORGET = """
DELETE FROM announced_changes AS old
 WHERE account = $1
   AND (made_after <= (SELECT delivered_at FROM account_hearing WHERE account = $1)
        OR seen_at < (SELECT seen_at FROM announced_changes WHERE account = $1
                       ORDER BY seen_at DESC OFFSET $2 LIMIT 1))
"""


class Hearing:
    """The tables. `pool` is the store's; its errors are raised as they are."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def listened(self, accounts: Collection[str], delivered: Collection[str], at: datetime) -> None:
        """Every webhook up to `at` was heard; those of the accounts `delivered` are new."""
        await self._pool.execute(_HEARD, sorted(accounts), sorted(delivered), at)

    async def listened_at(self) -> datetime | None:
        """Through which instant webhooks were heard; None before the first time."""
        found: datetime | None = await self._pool.fetchval("SELECT max(listened_at) FROM account_hearing")
        return found

    async def poll_failed(self, account: str, at: datetime, reason: str) -> None:
        """A round of the account's poll failed."""
        await self._pool.execute(_FAILED, account, at, reason[:FAILURE_CHARACTERS_MAX])

    async def poll_succeeded(self, account: str, changes: AnnouncedChanges | None) -> None:
        """A round of the account's poll was read to its end; `changes` are those that a webhook should have told."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_SUCCEEDED, account)
            if changes is not None:
                await connection.execute(_CHANGED, account, changes.made_after, changes.seen_at, changes.changes)
            await connection.execute(_FORGET, account, ROUNDS_KEPT_MAX)
