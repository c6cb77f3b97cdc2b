"""How far each account was polled, in table `poll_cursors`."""

from datetime import datetime
from typing import Any

import msgspec

_LOAD = "SELECT polled_through, backfilled_at FROM poll_cursors WHERE account = $1"
_SAVE = """
INSERT INTO poll_cursors (account, polled_through, backfilled_at)
VALUES ($1, $2, CASE WHEN $3 THEN now() END)
ON CONFLICT (account) DO UPDATE
   SET polled_through = greatest(poll_cursors.polled_through, excluded.polled_through),
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


async def save_cursor(pool: Any, account: str, through: datetime, *, backfilled: bool = False) -> None:
    """Move the cursor on; it never goes back."""
    await pool.execute(_SAVE, account, through, backfilled)
