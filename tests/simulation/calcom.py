"""Cal.com as it is: bookings with their whole history, so that a lagging replica can be read (facts/calcom.md §3-5)."""

from bisect import bisect_right
from random import Random
from typing import Any

import msgspec

from tests.simulation.agenda import Agenda
from tests.truth import clock

#: What each trigger claims, whatever the row says (facts/calcom.md §1.5).
CLAIMS = {
    "BOOKING_CREATED": "ACCEPTED",
    "BOOKING_RESCHEDULED": "ACCEPTED",
    "BOOKING_PAID": "ACCEPTED",
    "BOOKING_PAYMENT_INITIATED": "ACCEPTED",
    "BOOKING_REQUESTED": "PENDING",
    "BOOKING_CANCELLED": "CANCELLED",
    "BOOKING_REJECTED": "REJECTED",
}


class Booking(msgspec.Struct, frozen=True):
    """One state of one booking; `start` and `end` in seconds after T0, `made` and `updated` by Cal.com's clock."""

    uid: str
    id: int
    tenant: str
    status: str
    start: float
    end: float
    made: float
    updated: float
    host: int
    predecessor: str | None = None
    successor: str | None = None
    #: Payment was initiated and not made: pending is then not live.
    unpaid: bool = False

    def api(self) -> dict[str, Any]:
        """The API's object, less everything personal."""
        return {
            "id": self.id,
            "uid": self.uid,
            "status": self.status,
            "start": clock(self.start),
            "end": clock(self.end),
            "eventTypeId": 7,
            "hosts": [{"id": self.host}],
            "createdAt": clock(self.made),
            "updatedAt": clock(self.updated),
            "rescheduledFromUid": self.predecessor,
            "rescheduledToUid": self.successor,
        }


class CalCom:
    """All bookings; every change is kept with its instant."""

    def __init__(self, agenda: Agenda, random: Random, *, skew: float, hosts_apart: float) -> None:
        self._agenda = agenda
        self._random = random
        self._skew = skew
        self._hosts_apart = hosts_apart
        self._ids = 900_000
        self._bodies = 0
        #: What is there now, by uid.
        self.bookings: dict[str, Booking] = {}
        self.by_id: dict[str, str] = {}
        #: The last state of each that ever was, those that vanished too.
        self.last_known: dict[str, Booking] = {}
        self._changes: list[tuple[float, str]] = []
        self._history: dict[str, tuple[list[float], list[Booking | None]]] = {}

    def clock(self) -> float:
        """What a host of theirs takes for now: skewed, and not quite like the other host."""
        apart = self._hosts_apart if self._random.random() < 0.5 else 0.0
        return self._agenda.now + self._skew + apart

    def make(
        self, uid: str, *, tenant: str, start: float, end: float, status: str = "accepted", **more: Any
    ) -> Booking:
        self._ids += 1
        made = self.clock()
        booking = Booking(uid, self._ids, tenant, status, start, end, made, made, more.pop("host", self._ids), **more)
        self.by_id[str(booking.id)] = uid
        self._keep(uid, booking)
        return booking

    def change(self, uid: str, **fields: Any) -> None:
        self._keep(uid, msgspec.structs.replace(self.bookings[uid], updated=self.clock(), **fields))

    def reschedule(self, old: str, new: str, *, start: float, end: float, status: str = "accepted") -> None:
        """One transaction: a new row with a new uid, the old one cancelled."""
        held = self.bookings[old]
        self.make(new, tenant=held.tenant, start=start, end=end, status=status, host=held.host, predecessor=old)
        self.change(old, status="cancelled", successor=new)

    def vanish(self, uid: str) -> None:
        """Deleted without a trace: no webhook, no poll tells."""
        self._keep(uid, None)

    def _keep(self, uid: str, booking: Booking | None) -> None:
        if booking is None:
            del self.bookings[uid]
        else:
            self.bookings[uid] = self.last_known[uid] = booking
        self._changes.append((self._agenda.now, uid))
        times, states = self._history.setdefault(uid, ([], []))
        times.append(self._agenda.now)
        states.append(booking)

    def as_of(self, uid: str, when: float) -> Booking | None:
        """What a replica shows that stands at this instant."""
        times, states = self._history.get(uid, ([], []))
        position = bisect_right(times, when)
        return states[position - 1] if position else None

    def changed_since(self, when: float) -> list[str]:
        """Bookings that are there and changed at or after this instant."""
        found: dict[str, None] = {}
        for at, uid in reversed(self._changes):
            if at < when:
                break
            found[uid] = None
        return [uid for uid in found if uid in self.bookings]

    def named(self, ref: str | None, tenant: str) -> Booking | None:
        """The booking that a uid or a numeric id means, at this tenant's account."""
        booking = self.bookings.get(self.by_id.get(ref or "", ref or ""))
        return booking if booking is not None and booking.tenant == tenant else None

    def webhook(self, trigger: str, booking: Booking, sent_at: float, *, with_id: bool = True) -> bytes:
        """A body as Cal.com would send it; each is unlike all others."""
        self._bodies += 1
        payload: dict[str, Any] = {
            "uid": booking.uid,
            "status": CLAIMS[trigger],
            "startTime": clock(booking.start),
            "endTime": clock(booking.end),
            "eventTypeId": 7,
            "organizer": {"id": booking.host},
            "title": f"body {self._bodies}",
        }
        if with_id:
            payload["bookingId"] = booking.id
        if trigger in ("BOOKING_RESCHEDULED", "BOOKING_REQUESTED") and booking.predecessor:
            payload["rescheduleUid"] = booking.predecessor
        return msgspec.json.encode({"triggerEvent": trigger, "createdAt": clock(sent_at), "payload": payload})
