"""Rows as facts: the compared columns, from change events and from direct reads alike, under our names."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from streams.decode.error import BadValue
from streams.model.facts import AppointmentRow, CallRow, RowKind
from streams.model.ids import parse_iso

#: Above this an integer time is microseconds, below milliseconds (Debezium's MicroTimestamp and Timestamp).
_MICROSECONDS_FROM = 100_000_000_000_000
#: The end of the year 9999, ms: what lies beyond is Debezium's `infinity`, which is no instant.
_INSTANT_MAX = 253_402_300_799_999

#: What Debezium puts in the place of an unchanged TOASTed text (facts/faust-and-debezium.md §C): unknown, no data.
UNAVAILABLE = "__debezium_unavailable_value"

#: Our column → field of the row, for all columns that a database may hold as (long) text.
_TEXTS: Mapping[RowKind, Mapping[str, str]] = {
    "appointment": {
        "calcom_v2_booking_id": "booking",
        "status": "status",
        "call_id": "call",
        "source": "source",
        "customer_id": "customer",
        "service_id": "service",
        "idempotency_key": "key",
        "calcom_sync_status": "sync",
    },
    "call": {
        "direction": "direction",
        "session_outcome": "outcome",
        "booking_id": "booking",
        "appointment_link_status": "link_status",
    },
}

Columns = Mapping[str, object]


def appointment_row(columns: Columns, zone: tzinfo | None = None) -> AppointmentRow:
    """`zone` is that of columns without one; None means UTC. Raises ValueError for what has no meaning."""
    return AppointmentRow(
        booking=text(columns.get("calcom_v2_booking_id")),
        status=text(columns.get("status")),
        start=instant(columns.get("starts_at"), zone),
        end=instant(columns.get("ends_at"), zone),
        call=text(columns.get("call_id")),
        source=text(columns.get("source")),
        customer=text(columns.get("customer_id")),
        service=text(columns.get("service_id")),
        created_at=instant(columns.get("created_at"), zone),
        key=text(columns.get("idempotency_key")),
        sync=text(columns.get("calcom_sync_status")),
        attempts=count(columns.get("sync_attempt_count")),
    )


def call_row(columns: Columns, zone: tzinfo | None = None) -> CallRow:
    """`zone` is that of columns without one; None means UTC. Raises ValueError for what has no meaning."""
    return CallRow(
        direction=text(columns.get("direction")),
        outcome=text(columns.get("session_outcome")),
        made=flag(columns.get("appointment_made")),
        booking=text(columns.get("booking_id")),
        link_status=text(columns.get("appointment_link_status")),
        created_at=instant(columns.get("created_at"), zone),
    )


def is_deleted(columns: Columns) -> bool:
    """Whether the application has deleted the row and left it there: `deleted_at` holds a time, or a flag says yes."""
    return columns.get("deleted_at") not in (None, "", 0, False)


def unknown_fields(kind: RowKind, columns: Columns) -> tuple[str, ...]:
    """Fields of the row whose values this change event does not carry."""
    if UNAVAILABLE not in columns.values():
        return ()
    fields = _TEXTS[kind]
    return tuple(sorted(fields[name] for name, value in columns.items() if value == UNAVAILABLE and name in fields))


def text(value: object) -> str | None:
    """A value as text; empty text and null are both absent, and so is what Debezium did not send."""
    return None if value is None or value in ("", UNAVAILABLE) else str(value)


def flag(value: object) -> bool | None:
    """A boolean, or 0 and 1 of databases that have none. Raises BadValue for words such as `t`."""
    if value is None or isinstance(value, bool):
        return value
    if value in (0, 1, "0", "1"):
        return bool(int(str(value)))
    raise BadValue(f"no boolean: {value!r}; allowed are true, false, 0 and 1")


def count(value: object) -> int | None:
    """A whole number. Raises BadValue for what is none."""
    try:
        return None if value is None else int(str(value))
    except ValueError:
        raise BadValue(f"no whole number: {value!r}") from None


def instant(value: object, zone: tzinfo | None = None) -> int | None:
    """ISO text with an offset, or Debezium's integers for columns without a zone: the wall clock of `zone`."""
    if value is None:
        return None
    if not isinstance(value, int):
        return parse_iso(str(value))
    at = value // 1000 if abs(value) >= _MICROSECONDS_FROM else value
    if abs(at) > _INSTANT_MAX:
        return None
    return at if zone is None else _from_wall_clock(at, zone)


def _from_wall_clock(at: int, zone: tzinfo) -> int:
    """An hour that the clock shows twice, or never, is standard time's, as in Postgres."""
    wall = datetime.fromtimestamp(at / 1000, UTC).replace(tzinfo=zone)
    return round(1000 * max(wall.timestamp(), wall.replace(fold=1).timestamp()))
