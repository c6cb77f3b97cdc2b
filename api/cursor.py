"""Page positions as opaque text: what the caller gets is handed back unread."""

import base64
import binascii
from uuid import UUID

import msgspec

from api.bodies import YEAR_9999_MS
from api.problems import Problem, bad_input
from connectors.store.queries import Position
from streams.alerts.alert import Alert
from streams.model.ids import Instant, parse_iso

_decoder = msgspec.json.Decoder(tuple[str, str])
_parts = msgspec.json.Decoder(tuple[str, ...])


def cursor_after(alert: Alert) -> str:
    """The position behind this alert."""
    text = msgspec.json.encode((alert.updated_at, alert.id))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def position_of(cursor: str) -> Position:
    """The position that a cursor stands for. Raises Problem (422)."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        updated_at, alert_id = _decoder.decode(base64.b64decode(padded, altchars=b"-_", validate=True))
        at = parse_iso(updated_at)
        if at is None:
            raise ValueError("no time")
        return Position(updated_at=at, id=str(UUID(alert_id)))
    except (ValueError, OverflowError, binascii.Error, msgspec.DecodeError):
        raise bad_input("cursor", cursor, "allowed is next_cursor of an earlier page") from None


def cursor_of_number(number: int) -> str:
    """The position behind the row of this number."""
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def number_of(cursor: str) -> int:
    """The number that a cursor stands for. Raises Problem (422)."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        number = int(base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii"))
    except (ValueError, binascii.Error):
        number = -1
    if not 0 < number < 2**63:
        raise bad_input("cursor", cursor, "allowed is next_cursor of an earlier page")
    return number


def cursor_of(*parts: str) -> str:
    """A position that is made of several texts."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def parts_of(cursor: str, count: int) -> tuple[str, ...]:
    """The texts that a cursor is made of. Raises Problem (422) for another number of them."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = _parts.decode(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, msgspec.DecodeError):
        parts = ()
    if len(parts) != count:
        raise not_a_cursor(cursor)
    return parts


def instant_of(text: str) -> Instant:
    """An instant within a cursor. Raises ValueError for one that the store could not compute with."""
    at = parse_iso(text)
    if at is None or not 0 <= at < YEAR_9999_MS:
        raise ValueError("no such instant")
    return at


def not_a_cursor(cursor: str) -> Problem:
    """It is none of ours."""
    return bad_input("cursor", cursor, "allowed is next_cursor of an earlier page")
