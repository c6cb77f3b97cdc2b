"""Cal.com's bookings as a pure model: what each write does, and what a read of the past would have shown.

Every change is kept as a version with its instant, so that a lagging replica can be asked. No I/O, no clock:
`at` is handed in, milliseconds. Semantics: calcom.md §1.7, §3, §5.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from connectors.world.calcom.event_types import EventType

#: Bitcoin's alphabet, as Cal.com's short-uuid uses it (no 0, O, I, l).
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
UID_LENGTH = 22
#: Below every id ever given, so that a smaller number exists nowhere.
FIRST_ID = 1_904_000


class Attendee(msgspec.Struct, frozen=True, kw_only=True):
    """One who comes. `seat` is the seat's reference in a seated booking."""

    name: str
    email: str
    time_zone: str = "Europe/Lisbon"
    seat: str | None = None


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


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a create asks for."""

    account: str
    event_type: EventType
    start: int
    end: int
    attendee: Attendee
    metadata: dict[str, str] = {}
    series: str | None = None


class NoSuchBooking(Exception):
    """No booking has this uid."""


class Refused(Exception):
    """The booking's state does not allow this; the text says why, and names the successor where there is one."""


class Bookings:
    """All bookings with all their versions."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._next_id = FIRST_ID
        self._versions: dict[str, list[tuple[int, Booking]]] = {}

    def __len__(self) -> int:
        return len(self._versions)

    # Reading -------------------------------------------------------------------------------------------------

    def current(self, uid: str) -> Booking:
        """Raises NoSuchBooking."""
        if uid not in self._versions:
            raise NoSuchBooking(uid)
        return self._versions[uid][-1][1]

    def as_of(self, uid: str, at: int) -> Booking | None:
        """What a replica that has seen everything until `at` holds."""
        versions = self._versions.get(uid, [])
        seen = bisect_right(versions, at, key=lambda version: version[0])
        return versions[seen - 1][1] if seen else None

    def all_as_of(self, at: int) -> Iterator[Booking]:
        for uid in self._versions:
            booking = self.as_of(uid, at)
            if booking is not None:
                yield booking

    def series_as_of(self, series: str, at: int) -> list[Booking]:
        return [booking for booking in self.all_as_of(at) if booking.series == series]

    # Writing -------------------------------------------------------------------------------------------------

    def draw(self, draft: Draft, at: int) -> Booking:
        """A new booking with ids of its own, not kept: what a server answers that then forgets."""
        kind = draft.event_type
        uid = new_uid(self._rng)
        self._next_id += self._rng.randint(1, 9)
        seat = _seat(self._rng) if kind.seats else None
        return Booking(
            id=self._next_id,
            uid=uid,
            account=draft.account,
            event_type=kind,
            status="pending" if kind.confirm or kind.price else "accepted",
            start=draft.start,
            end=draft.end,
            attendees=(replace(draft.attendee, seat=seat),),
            created_at=at,
            updated_at=at,
            metadata=dict(draft.metadata),
            ical_uid=f"{uid}@Cal.com",
            series=draft.series,
            paid=not kind.price,
        )

    def create(self, draft: Draft, at: int) -> Booking:
        return self._keep(self.draw(draft, at), at)

    def reschedule(self, uid: str, start: int, by: str, at: int, *, host: bool = False) -> tuple[Booking, Booking]:
        """Old and new booking. The new one has a uid of its own; a seated one is moved in place instead.

        Raises NoSuchBooking, Refused.
        """
        old = self._live(uid)
        length = old.end - old.start
        if old.event_type.seats:
            moved = replace(old, start=start, end=start + length, updated_at=at, ical_sequence=old.ical_sequence + 1)
            return old, self._keep(moved, at)
        draft = Draft(
            account=old.account, event_type=old.event_type, start=start, end=start + length,
            attendee=old.attendees[0], metadata=old.metadata, series=old.series,
        )  # fmt: skip
        new = replace(
            self.draw(draft, at),
            status="pending" if old.event_type.confirm and not host else "accepted",
            rescheduled_from=old.uid,
            ical_uid=old.ical_uid,
            ical_sequence=old.ical_sequence + 1,
            paid=old.paid,
        )
        ended = replace(
            old, status="cancelled", updated_at=at, rescheduled_to=new.uid, rescheduled_by=by,
        )  # fmt: skip
        return self._keep(ended, at), self._keep(new, at)

    def cancel(self, uid: str, reason: str | None, by: str, at: int) -> Booking:
        """Raises NoSuchBooking, Refused."""
        booking = self._live(uid)
        return self._keep(cancelled(booking, reason, by, at), at)

    def confirm(self, uid: str, at: int) -> Booking:
        """Raises NoSuchBooking, Refused."""
        return self._keep(replace(self._pending(uid), status="accepted", updated_at=at), at)

    def decline(self, uid: str, reason: str | None, at: int) -> Booking:
        """Raises NoSuchBooking, Refused."""
        declined = replace(self._pending(uid), status="rejected", rejection_reason=reason, updated_at=at)
        return self._keep(declined, at)

    def pay(self, uid: str, at: int) -> Booking:
        """The payment arrived. Raises NoSuchBooking, Refused."""
        return self._keep(replace(self._pending(uid), status="accepted", paid=True, updated_at=at), at)

    def add_seat(self, uid: str, attendee: Attendee, at: int) -> Booking:
        """Raises NoSuchBooking, Refused (no seats left)."""
        booking = self._live(uid)
        if len(booking.attendees) >= (booking.event_type.seats or 1):
            raise Refused("Booking does not have available seats")
        seated = (*booking.attendees, replace(attendee, seat=_seat(self._rng)))
        return self._keep(replace(booking, attendees=seated, updated_at=at), at)

    def cancel_seat(self, uid: str, seat: str, at: int) -> tuple[Attendee, Booking]:
        """The one removed, and the booking; with fewer than two on it the whole booking ends (§1.7).

        Raises NoSuchBooking, Refused.
        """
        booking = self._live(uid)
        gone = next((each for each in booking.attendees if each.seat == seat), None)
        if gone is None:
            raise Refused(f"no seat {seat} in this booking")
        if len(booking.attendees) < 2:
            return gone, self._keep(cancelled(booking, None, gone.email, at), at)
        left = tuple(each for each in booking.attendees if each is not gone)
        return gone, self._keep(replace(booking, attendees=left, updated_at=at), at)

    def _keep(self, booking: Booking, at: int) -> Booking:
        self._versions.setdefault(booking.uid, []).append((at, booking))
        return booking

    def _live(self, uid: str) -> Booking:
        booking = self.current(uid)
        if booking.status in ("cancelled", "rejected"):
            onward = f", it was rescheduled to {booking.rescheduled_to}" if booking.rescheduled_to else ""
            raise Refused(f"Booking with uid={uid} is {booking.status}{onward}")
        return booking

    def _pending(self, uid: str) -> Booking:
        booking = self.current(uid)
        if booking.status != "pending":
            raise Refused(f"Booking with uid={uid} is already {booking.status}")
        return booking


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


def _seat(rng: random.Random) -> str:
    bits = f"{rng.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"
