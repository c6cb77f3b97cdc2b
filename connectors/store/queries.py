"""What the API asks of the store: pages of alerts, one, its history, and what waits to go out."""

from collections.abc import Sequence

import msgspec

from connectors.store.database import Database
from connectors.store.instants import iso_of
from connectors.store.listing import AlertFilter, Position, listed, unordered_ids
from connectors.store.rows import alert_of
from streams.alerts.alert import Alert

__all__ = [
    "HISTORY_MAX",
    "PAGE_MAX",
    "AlertFilter",
    "HistoryLine",
    "Position",
    "history_of",
    "ids_of_alerts",
    "one_alert",
    "outbox_waiting",
    "page_of_alerts",
]

PAGE_MAX = 200
HISTORY_MAX = 5_000


class HistoryLine(msgspec.Struct, frozen=True, kw_only=True, rename={"from_status": "from", "to_status": "to"}):
    """One line of an alert's history, as the API shows it."""

    at: str
    actor: str
    action: str
    from_status: str | None
    to_status: str
    note: str | None
    through: str


_HISTORY = """
SELECT at, actor, action, from_status, to_status, note, through FROM alert_history
WHERE alert_id = $1 ORDER BY id LIMIT $2
"""


async def page_of_alerts(
    database: Database, wanted: AlertFilter, *, limit: int, after: Position | None
) -> tuple[Alert, ...]:
    """Newest change first, at most `limit`, those behind `after`. Raises StoreUnavailable."""
    statement = listed(wanted, limit=limit, after=after)
    async with database.connection() as connection:
        rows = await connection.fetch(statement.text, *statement.values)
    return tuple(alert_of(row["alert"]) for row in rows)


async def ids_of_alerts(database: Database, wanted: AlertFilter, *, limit: int) -> tuple[str, ...]:
    """The ids of at most `limit` of them, in no order. Raises StoreUnavailable."""
    statement = unordered_ids(wanted, limit=limit)
    async with database.connection() as connection:
        rows = await connection.fetch(statement.text, *statement.values)
    return tuple(str(row["id"]) for row in rows)


async def one_alert(database: Database, alert_id: str, tenants: Sequence[str] | None) -> Alert | None:
    """The alert, if it is there and one of these tenants' (None is all). Raises StoreUnavailable."""
    async with database.connection() as connection:
        text = await connection.fetchval(
            "SELECT alert FROM data_consistency_alerts WHERE id = $1 AND ($2::text[] IS NULL OR tenant = ANY($2))",
            alert_id,
            None if tenants is None else list(tenants),
        )
    return None if text is None else alert_of(text)


async def history_of(database: Database, alert_id: str) -> tuple[HistoryLine, ...]:
    """What happened to an alert, oldest first. Raises StoreUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_HISTORY, alert_id, HISTORY_MAX)
    return tuple(
        HistoryLine(
            at=iso_of(row["at"]),
            actor=row["actor"],
            action=row["action"],
            from_status=row["from_status"],
            to_status=row["to_status"],
            note=row["note"],
            through=row["through"],
        )
        for row in rows
    )


async def outbox_waiting(database: Database) -> int:
    """Changes that are not on plumbline.alerts yet. Raises StoreUnavailable."""
    async with database.connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL"))
