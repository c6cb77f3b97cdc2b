"""Where two rows for one appointment meet, so that they are judged together (duplicate_appointment).

A row stands at the point of its booking key, and at one of its customer, service and span of five minutes. A twin by
customer stands there too, or in the span beside it: `points` says where a row stands, `reach` where its twins may.
"""

from collections.abc import Iterator
from uuid import UUID, uuid5

from streams.model.facts import AppointmentRow
from streams.model.ids import iso

#: Starts of one customer's appointments for one service that lie no further apart are one appointment, ms.
TWIN_MS = 5 * 60_000
#: The namespace of booking keys (design §4).
_NAMESPACE = UUID("550e8400-e29b-41d4-a716-446655440000")


def booking_key(row: AppointmentRow) -> str | None:
    """The stored key as it is; where the column is empty ours, if all its pieces are known."""
    if row.key is not None:
        return row.key
    if row.customer is None or row.service is None or row.start is None or row.source is None:
        return None
    return str(uuid5(_NAMESPACE, f"{row.customer}:{row.service}:{iso(row.start)}:{row.source}"))


def points(row: AppointmentRow) -> Iterator[str]:
    """Where this row stands."""
    key = booking_key(row)
    if key is not None:
        yield f"k|{key}"
    yield from _spans(row, 0)


def reach(row: AppointmentRow) -> Iterator[str]:
    """Where else a twin of this row may stand."""
    yield from _spans(row, -1, 1)


def _spans(row: AppointmentRow, *steps: int) -> Iterator[str]:
    if row.customer is None or row.service is None or row.start is None:
        return
    span = row.start // TWIN_MS
    for step in steps:
        yield f"c|{row.customer}|{row.service}|{span + step}"
