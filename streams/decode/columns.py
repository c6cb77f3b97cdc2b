"""Rows as facts: the compared columns, from change events and from direct reads alike, under our names."""

from collections.abc import Mapping

from streams.model.facts import AppointmentRow, CallRow
from streams.model.ids import parse_iso

#: Above this an integer time is microseconds, below milliseconds (Debezium's MicroTimestamp and Timestamp).
_MICROSECONDS_FROM = 100_000_000_000_000

Columns = Mapping[str, object]


def appointment_row(columns: Columns) -> AppointmentRow:
    """Raises ValueError for a time that is none."""
    return AppointmentRow(
        booking=text(columns.get("calcom_v2_booking_id")),
        status=text(columns.get("status")),
        start=instant(columns.get("starts_at")),
        end=instant(columns.get("ends_at")),
        call=text(columns.get("call_id")),
        source=text(columns.get("source")),
        customer=text(columns.get("customer_id")),
        service=text(columns.get("service_id")),
        created_at=instant(columns.get("created_at")),
    )


def call_row(columns: Columns) -> CallRow:
    """Raises ValueError for a time that is none."""
    return CallRow(
        direction=text(columns.get("direction")),
        outcome=text(columns.get("session_outcome")),
        made=flag(columns.get("appointment_made")),
        booking=text(columns.get("booking_id")),
        link_status=text(columns.get("appointment_link_status")),
        created_at=instant(columns.get("created_at")),
    )


def text(value: object) -> str | None:
    """A value as text; empty text and null are both absent."""
    return None if value is None or value == "" else str(value)


def flag(value: object) -> bool | None:
    """A boolean, or 0 and 1 of databases that have none."""
    if value is None or isinstance(value, bool):
        return value
    if value in (0, 1, "0", "1"):
        return bool(int(str(value)))
    raise ValueError(f"no boolean: {value!r}")


def instant(value: object) -> int | None:
    """ISO text with an offset, or Debezium's integers for columns without a zone (taken as UTC)."""
    if value is None:
        return None
    if isinstance(value, int):
        return value // 1000 if abs(value) >= _MICROSECONDS_FROM else value
    return parse_iso(str(value))
