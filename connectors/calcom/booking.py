"""A booking of Cal.com's API cut down to what is judged. Nothing personal passes.

Rule 1: this is a list of what may pass, never of what may not: a new field of Cal.com stays outside by
itself. Rule 2: a booking without an id, status or times is unusable, never half a booking.
"""

from collections.abc import Mapping

from streams.model.ids import parse_iso

Booking = dict[str, object]

_TEXTS = (
    "createdAt",
    "updatedAt",
    "rescheduledFromUid",
    "rescheduledToUid",
    "recurringBookingUid",
)


class UnusableBooking(ValueError):
    """The API's object is not a booking that could be judged."""


def cut(raw: object) -> Booking:
    """The allowed fields of one API object (calcom.md §4, "Booking object"); absent and null are alike, None.

    Times stay as text. Raises UnusableBooking.
    """
    if not isinstance(raw, Mapping):
        raise UnusableBooking(f"a booking is an object, not {type(raw).__name__}")
    booking: Booking = {
        "id": _number(raw, "id"),
        "uid": _text(raw, "uid", required=True),
        "status": _text(raw, "status", required=True),
        "start": _instant(raw, "start"),
        "end": _instant(raw, "end"),
        "eventTypeId": _event_type(raw),
        "hosts": _hosts(raw),
        "seated": _seated(raw),
    }
    for name in _TEXTS:
        booking[name] = _text(raw, name)
    return booking


def event_type_id(booking: Mapping[str, object]) -> str | None:
    """The event type of a cut booking as settings write it."""
    found = booking.get("eventTypeId")
    return None if found is None else str(found)


def _text(raw: Mapping[str, object], name: str, *, required: bool = False) -> str | None:
    value = raw.get(name)
    if isinstance(value, str) and value:
        return value
    if required:
        raise UnusableBooking(f"{name} is missing")
    return None


def _instant(raw: Mapping[str, object], name: str) -> str:
    text = _text(raw, name, required=True)
    try:
        parse_iso(text)
    except ValueError as error:
        raise UnusableBooking(f"{name} is no instant") from error
    return text or ""


def _number(raw: Mapping[str, object], name: str) -> int | None:
    value = raw.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _event_type(raw: Mapping[str, object]) -> int | None:
    # The flat field is deprecated; where it is gone the nested one stays.
    nested = raw.get("eventType")
    inner = _number(nested, "id") if isinstance(nested, Mapping) else None
    flat = _number(raw, "eventTypeId")
    return inner if flat is None else flat


def _hosts(raw: Mapping[str, object]) -> list[dict[str, object]]:
    """Only their ids: a number, or the word "unknown" of a deleted user."""
    hosts = raw.get("hosts")
    if not isinstance(hosts, list):
        return []
    return [{"id": host["id"]} for host in hosts if isinstance(host, Mapping) and isinstance(host.get("id"), int | str)]


def _seated(raw: Mapping[str, object]) -> bool:
    """Whether the booking has seats: one shows its uid, or the attendees are hidden as only seats can be."""
    attendees = raw.get("attendees")
    if not isinstance(attendees, list):
        return False
    return not attendees or any(isinstance(one, Mapping) and one.get("seatUid") for one in attendees)
