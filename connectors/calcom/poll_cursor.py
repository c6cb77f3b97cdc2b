"""How far each account was polled, in table `poll_cursors`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

_LOAD = "SELECT polled_through, backfilled_at FROM poll_cursors WHERE account = $1"
_SAVE = """
INSERT INTO poll_cursors (account, polled_through, event_types, backfilled_at)
VALUES ($1, $2, $3, CASE WHEN $4 THEN now() END)
ON CONFLICT (account) DO UPDATE
   SET polled_through = greatest(poll_cursors.polled_through, excluded.polled_through),
       event_types = excluded.event_types,
       backfilled_at = coalesce(excluded.backfilled_at, poll_cursors.backfilled_at),
       updated_at = now()
"""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that changed up to `polled_through` was published."""

    polled_through: datetime
    backfilled: bool


async def load_cursor(pool: Any, account: str) -> Cursor | None:
    """The account's cursor; None before its first back-fill."""
    row = await pool.fetchrow(_LOAD, account)
    if row is None:
        return None
    return Cursor(polled_through=row["polled_through"], backfilled=row["backfilled_at"] is not None)


async def save_cursor(
    pool: Any, account: str, through: datetime, event_types: Sequence[str], *, backfilled: bool
) -> None:
    """Move the cursor on; it never goes back. `event_types` are those that the account's lists have shown."""
    await pool.execute(_SAVE, account, through, list(event_types), backfilled)


async def load_event_types(pool: Any) -> dict[str, list[str]]:
    """The event types that each account's lists have shown."""
    rows = await pool.fetch("SELECT account, event_types FROM poll_cursors")
    return {row["account"]: row["event_types"] for row in rows}
