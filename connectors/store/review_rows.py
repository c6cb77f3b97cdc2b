"""Items of the review queue as rows: read under lock, made to follow their alerts, written in batches."""

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.store.database import Connection
from connectors.store.instants import iso_of
from streams.alerts.alert import Alert
from streams.alerts.review import ReviewItem, follow, reason_of

_NAMES = tuple(ReviewItem.__struct_fields__)
_COLUMNS = ", ".join(_NAMES)
_CHANGED = ", ".join(f"{name} = EXCLUDED.{name}" for name in _NAMES if name != "id")
SELECT = f"SELECT {_COLUMNS} FROM manual_review_queue"
_LOCKED = f"{SELECT} WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
# The alerts are locked, so nobody else writes their items.
_UPSERT = f"""
INSERT INTO manual_review_queue ({_COLUMNS})
SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::manual_review_queue, $1::jsonb)
ON CONFLICT (id) DO UPDATE SET {_CHANGED}
"""


async def follow_alerts(connection: Connection, alerts: Sequence[Alert]) -> None:
    """Put alerts into the queue, or take them out, in the transaction that writes them."""
    concerned = {alert.id: alert for alert in alerts if reason_of(alert.rule) is not None}
    if not concerned:
        return
    kept = await locked_items(connection, sorted(concerned))
    moved = [(kept.get(alert_id), follow(kept.get(alert_id), alert)) for alert_id, alert in concerned.items()]
    await write_items(connection, [after for before, after in moved if after is not None and after != before])


async def locked_items(connection: Connection, ids: Sequence[str]) -> dict[str, ReviewItem]:
    """The items of these alerts that exist, locked until the transaction ends."""
    return {str(row["id"]): item_of(row) for row in await connection.fetch(_LOCKED, list(ids))}


async def write_items(connection: Connection, items: Sequence[ReviewItem]) -> None:
    """New items, and new states of known ones."""
    if items:
        await connection.execute(_UPSERT, msgspec.json.encode(items).decode())


def item_of(row: Any) -> ReviewItem:
    """An item from its columns."""
    values = {name: row[name] for name in _NAMES}
    for name in _NAMES:
        if name.endswith("_at") and values[name] is not None:
            values[name] = iso_of(values[name])
    return msgspec.convert(values | {"id": str(values["id"])}, ReviewItem)
