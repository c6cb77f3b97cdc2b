"""One booking of Cal.com as a value: its row, what a create asks for, its ids. No I/O, no clock."""

import random

import msgspec
from msgspec.structs import replace

from connectors.world.calcom.event_types import EventType

#: Bitcoin's alphabet, as Cal.com's short-uuid uses it (no 0, O, I, l).
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
UID_LENGTH = 22
#: Below every id ever given, so that a smaller number exists nowhere.
FIRST_ID = 1_904_000
#: Nobody holds the time of a booking in one of these any more.
DEAD = ("cancelled", "rejected")


class Attendee(msgspec.Struct, frozen=True, kw_only=True):
    """One who comes. `seat` is the seat's reference in a seated booking."""

    name: str
    email: str
    time_zone: str = "Europe/Lisbon"
    seat: str | None = None
    #: The host says that this one did not come.
    absent: bool = False


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One row of Cal.com's table. Times in milliseconds; `status` as the API writes it."""

    id: int
    uid: str
    account: str
    event_type: EventType
    status: str
    start: int
    end: int
    attendees: tuple[Attendee, ...]
    created_at: int
    updated_at: int
    metadata: dict[str, str]
    ical_uid: str
    ical_sequence: int = 0
    rescheduled_from: str | None = None
    rescheduled_to: str | None = None
    rescheduled_by: str | None = None
    cancellation_reason: str | None = None
    cancelled_by: str | None = None
    rejection_reason: str | None = None
    series: str | None = None
    paid: bool = True
    #: Cancelled by the host so that the attendee chooses another time (calcom.md §3).
    move_requested: bool = False


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a create asks for."""

    account: str
    event_type: EventType
    start: int
    end: int
    attendee: Attendee
    metadata: dict[str, str] = {}
    series: str | None = None
    #: An instant meeting: it waits for a host who joins (calcom.md §5).
    instant: bool = False


def cancelled(booking: Booking, reason: str | None, by: str, at: int) -> Booking:
    """What a booking looks like once cancelled; an announcement shows it before it is done."""
    return replace(
        booking, status="cancelled", cancellation_reason=reason, cancelled_by=by, updated_at=at,
        ical_sequence=booking.ical_sequence + 1,
    )  # fmt: skip


def new_uid(rng: random.Random) -> str:
    """A uid as Cal.com makes them, never of digits only: that would be taken for a numeric id."""
    while True:
        uid = "".join(rng.choice(BASE58) for _ in range(UID_LENGTH))
        if not uid.isdigit():
            return uid


def seat_reference(rng: random.Random) -> str:
    bits = f"{rng.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"
