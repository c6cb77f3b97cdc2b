"""Cal.com's bookings as a pure model: what each write does, and what a read of the past would have shown.

Every change is kept as a version with its instant, so that a lagging replica can be asked. No I/O, no clock:
`at` is handed in, milliseconds. Semantics: calcom.md §1.7, §3, §5.
"""

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from connectors.world.calcom.booking import DEAD, FIRST_ID, Attendee, Booking, Draft, cancelled, new_uid, seat_reference


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
        #: Uids by account and by series: a list or a 404 must not look at every booking there is.
        self._of_account: dict[str, list[str]] = defaultdict(list)
        self._of_series: dict[str, list[str]] = defaultdict(list)

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

    def all_as_of(self, at: int, account: str | None = None) -> Iterator[Booking]:
        """Every booking, or one account's, in the order of their making."""
        return self._as_of(self._versions if account is None else self._of_account.get(account, ()), at)

    def series_as_of(self, series: str, at: int) -> list[Booking]:
        return list(self._as_of(self._of_series.get(series, ()), at))

    def _as_of(self, uids: Iterable[str], at: int) -> Iterator[Booking]:
        for uid in uids:
            booking = self.as_of(uid, at)
            if booking is not None:
                yield booking

    # Writing -------------------------------------------------------------------------------------------------

    def draw(self, draft: Draft, at: int) -> Booking:
        """A new booking with ids of its own, not kept: what a server answers that then forgets."""
        kind = draft.event_type
        uid = new_uid(self._rng)
        self._next_id += self._rng.randint(1, 9)
        seat = seat_reference(self._rng) if kind.seats else None
        return Booking(
            id=self._next_id,
            uid=uid,
            account=draft.account,
            event_type=kind,
            status="awaiting_host" if draft.instant else "pending" if kind.confirm or kind.price else "accepted",
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

        A booking that the host asked to move is dead already, and is moved all the same.
        Raises NoSuchBooking, Refused.
        """
        old = self.current(uid)
        if not old.move_requested or old.rescheduled_to:
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

    def cancel_remaining(self, uid: str, reason: str | None, by: str, at: int) -> Booking:
        """This occurrence of a series and all after it; the one asked for. Raises NoSuchBooking, Refused."""
        asked = self._live(uid)
        for each in self._series_of(asked, at):
            if each.start >= asked.start and each.status not in DEAD:
                self._keep(cancelled(each, reason, by, at), at)
        return self.current(uid)

    def request_move(self, uid: str, reason: str | None, by: str, at: int) -> Booking:
        """The host asks the attendee for another time: cancelled, and no new booking (calcom.md §3).

        Raises NoSuchBooking, Refused.
        """
        asked = replace(cancelled(self._live(uid), reason, by, at), move_requested=True, rescheduled_by=by)
        return self._keep(asked, at)

    def confirm(self, uid: str, at: int) -> Booking:
        """The host agrees, or joins; to one occurrence of a series is to all. Raises NoSuchBooking, Refused."""
        asked = self._waiting(uid)
        for each in self._series_of(asked, at):
            if each.status == asked.status:
                self._keep(replace(each, status="accepted", updated_at=at), at)
        return self.current(uid)

    def decline(self, uid: str, reason: str | None, at: int) -> Booking:
        """Raises NoSuchBooking, Refused."""
        declined = replace(self._waiting(uid), status="rejected", rejection_reason=reason, updated_at=at)
        return self._keep(declined, at)

    def pay(self, uid: str, at: int) -> Booking:
        """The payment arrived. Raises NoSuchBooking, Refused."""
        return self._keep(replace(self._waiting(uid), status="accepted", paid=True, updated_at=at), at)

    def add_seat(self, uid: str, attendee: Attendee, at: int) -> Booking:
        """Raises NoSuchBooking, Refused (no seats left)."""
        booking = self._live(uid)
        if len(booking.attendees) >= (booking.event_type.seats or 1):
            raise Refused("Booking does not have available seats")
        seated = (*booking.attendees, replace(attendee, seat=seat_reference(self._rng)))
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

    def mark_absent(self, uid: str, at: int) -> Booking:
        """Nobody came. No status tells it (calcom.md §5). Raises NoSuchBooking."""
        booking = self.current(uid)
        absent = tuple(replace(each, absent=True) for each in booking.attendees)
        return self._keep(replace(booking, attendees=absent, updated_at=at), at)

    def _keep(self, booking: Booking, at: int) -> Booking:
        if booking.uid not in self._versions:
            self._versions[booking.uid] = []
            self._of_account[booking.account].append(booking.uid)
            if booking.series:
                self._of_series[booking.series].append(booking.uid)
        self._versions[booking.uid].append((at, booking))
        return booking

    def _series_of(self, booking: Booking, at: int) -> list[Booking]:
        """All occurrences of its series; itself where it stands alone."""
        return self.series_as_of(booking.series, at) if booking.series else [booking]

    def _live(self, uid: str) -> Booking:
        booking = self.current(uid)
        if booking.status in DEAD:
            onward = f", it was rescheduled to {booking.rescheduled_to}" if booking.rescheduled_to else ""
            raise Refused(f"Booking with uid={uid} is {booking.status}{onward}")
        return booking

    def _waiting(self, uid: str) -> Booking:
        booking = self.current(uid)
        if booking.status not in ("pending", "awaiting_host"):
            raise Refused(f"Booking with uid={uid} is already {booking.status}")
        return booking
