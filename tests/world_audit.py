"""The world's auditor: reads Cal.com's model and the CRM's tables as they are, and says what is wrong right now.

Written apart from the planter and from the product, so that a wrong ledger is found before it accuses anybody.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from connectors.world.calcom.bookings import Booking, Bookings
from connectors.world.instants import MINUTE, now

Row = Mapping[str, Any]
ACTIVE = ("scheduled", "confirmed", "pending")


class Wrong(NamedTuple):
    """One inconsistency, by the key of its alert."""

    rule: str
    tenant: str
    kind: str
    id: str


class Truth:
    """Both sides at one instant."""

    def __init__(self, bookings: Bookings, appointments: list[Row], calls: list[Row]) -> None:
        self.now = now()
        self.bookings = {each.uid: each for each in bookings.all_as_of(self.now)}
        self.by_number = {str(each.id): each.uid for each in self.bookings.values()}
        self.appointments, self.calls = appointments, calls
        self.of_booking: dict[str, list[Row]] = defaultdict(list)
        self.of_chain: dict[str, list[Row]] = defaultdict(list)
        self.of_call: dict[str, list[Row]] = defaultdict(list)
        for row in appointments:
            booking = self.named_by(row["calcom_v2_booking_id"])
            if booking is not None:
                self.of_booking[booking.uid].append(row)
                self.of_chain[self.root(booking).uid].append(row)
            if row["call_id"]:
                self.of_call[str(row["call_id"])].append(row)

    def named_by(self, ref: str | None) -> Booking | None:
        return self.bookings.get(self.by_number.get(ref or "", ref or ""))

    def root(self, booking: Booking) -> Booking:
        while booking.rescheduled_from:
            booking = self.bookings[booking.rescheduled_from]
        return booking

    def newest(self, booking: Booking) -> Booking:
        while booking.rescheduled_to:
            booking = self.bookings[booking.rescheduled_to]
        return booking

    def active(self, row: Row) -> bool:
        return row["status"] in ACTIVE and row["ends_at"].timestamp() * 1000 > self.now

    def wrongs(self) -> set[Wrong]:
        orphans = set(self._orphans())
        roots = {wrong.id for wrong in orphans}
        found = orphans | {wrong for row in self.appointments for wrong in self._of_appointment(row)}
        return found | {wrong for call in self.calls for wrong in self._of_call(call, roots)}

    def _orphans(self) -> Iterator[Wrong]:
        for booking in self.bookings.values():
            if booking.status not in ("accepted", "pending") or not booking.paid:
                continue
            root = self.root(booking).uid
            if not self.of_booking[booking.uid] and not any(map(self.active, self.of_chain[root])):
                yield Wrong("orphaned_calcom", booking.account.removeprefix("acct-"), "booking", root)

    def _of_appointment(self, row: Row) -> Iterator[Wrong]:
        booking = self.named_by(row["calcom_v2_booking_id"])
        rule = None
        if booking is not None:
            rule = self._pair_rule(row, booking)
        elif row["calcom_v2_booking_id"] and self.active(row):
            rule = "orphaned_local"
        for each in (rule, "missing_call_link" if self._lacks_call(row, booking) else None):
            if each is not None:
                yield Wrong(each, str(row["company_id"]), "appointment", str(row["id"]))

    def _pair_rule(self, row: Row, booking: Booking) -> str | None:
        newest = self.newest(booking)
        if not self.active(row):
            return "status_drift" if booking.status in ("accepted", "pending") else None
        if newest.status in ("cancelled", "rejected"):
            return "status_drift"
        if newest is not booking:
            missed = newest.status == "accepted" and not any(map(self.active, self.of_booking[newest.uid]))
            return "missed_reschedule" if missed else None
        if (booking.status, row["status"]) in (("accepted", "pending"), ("pending", "confirmed")):
            return "status_drift"
        if abs(row["starts_at"].timestamp() * 1000 - booking.start) > MINUTE:
            return "start_time_drift"
        return "end_time_drift" if abs(row["ends_at"].timestamp() * 1000 - booking.end) > MINUTE else None

    def _lacks_call(self, row: Row, booking: Booking | None) -> bool:
        if row["call_id"] or row["status"] == "cancelled":
            return False
        return row["source"] == "retell_webhook" or any(
            call["appointment_made"]
            and not self.of_call[str(call["id"])]
            and self.named_by(call["booking_id"]) == booking
            for call in self.calls
            if booking is not None and call["booking_id"]
        )

    def _of_call(self, call: Row, orphans: set[str]) -> Iterator[Wrong]:
        outcome, made = call["session_outcome"], call["appointment_made"]
        rules = []
        if call["direction"] is None:
            rules.append("missing_direction")
        if outcome == "appointment_booked" and made is False:
            rules.append("phantom_booking")
        if made and outcome not in (None, "appointment_booked"):
            rules.append("appointment_made_mismatch")
        if made and not self.of_call[str(call["id"])] and not self._spoken_for(call, orphans):
            rules.append("missing_appointment")
        for rule in rules:
            yield Wrong(rule, str(call["company_id"]), "call", str(call["id"]))

    def _spoken_for(self, call: Row, orphans: set[str]) -> bool:
        """Another rule tells of this call's missing appointment."""
        booking = self.named_by(call["booking_id"])
        if booking is None:
            return False
        root = self.root(booking).uid
        return root in orphans or any(not row["call_id"] for row in self.of_chain[root])
