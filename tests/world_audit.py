"""The world's auditor: reads Cal.com's model and the CRM's tables as they are, and says what is wrong right now.

Written apart from the planter and from the product, so that a wrong ledger is found before it accuses anybody.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from connectors.world.calcom.booking import Booking
from connectors.world.calcom.bookings import Bookings
from connectors.world.instants import MINUTE, now

Row = Mapping[str, Any]
ACTIVE = ("scheduled", "confirmed", "pending")
#: Walk-ins have no booking, and need none.
SYNCED_SOURCES = ("website", "calcom", "retell_webhook")
NOBODY = "~none"


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
        clashes, strayed = set(self._clashes()), set(self._strayed())
        orphans = set(self._orphans({self.root(self.bookings[wrong.id]).uid for wrong in clashes}))
        roots = {wrong.id for wrong in orphans}
        found = clashes | strayed | orphans | set(self._twins())
        found |= {wrong for row in self.appointments for wrong in self._of_appointment(row)}
        return found | {wrong for call in self.calls for wrong in self._of_call(call, roots)}

    def _clashes(self) -> Iterator[Wrong]:
        """Two accepted bookings of one host at one start: the later made."""
        at: dict[tuple[str, int], list[Booking]] = defaultdict(list)
        for booking in self.bookings.values():
            if booking.status == "accepted" and not booking.event_type.seats:
                at[(booking.account, booking.start)].append(booking)
        for together in at.values():
            for later in sorted(together, key=lambda each: (each.created_at, each.id))[1:]:
                yield Wrong("duplicate_booking", tenant_of(later), "booking", later.uid)

    def _strayed(self) -> Iterator[Wrong]:
        for booking in self.bookings.values():
            rows = self.of_booking[booking.uid]
            if rows and not any(self.is_own(row, booking) for row in rows):
                yield Wrong("tenant_mismatch", tenant_of(booking), "booking", self.root(booking).uid)

    def _twins(self) -> Iterator[Wrong]:
        """Two active rows of one tenant for one appointment: the one with the greater id."""
        seen: dict[tuple[Any, ...], int] = {}
        for row in sorted(filter(self.active, self.appointments), key=lambda each: each["id"]):
            names = list(self._names(row))
            if any(name in seen for name in names):
                yield Wrong("duplicate_appointment", str(row["company_id"]), "appointment", str(row["id"]))
            seen |= dict.fromkeys(names, row["id"])

    def _names(self, row: Row) -> Iterator[tuple[Any, ...]]:
        """What no other active row may share."""
        tenant, booking = row["company_id"], self.named_by(row["calcom_v2_booking_id"])
        if booking is not None:
            yield (tenant, booking.uid, row["customer_id"] if booking.event_type.seats else None)
        if row["idempotency_key"]:
            yield (tenant, row["idempotency_key"])
        if row["customer_id"] and row["starts_at"]:
            minute = int(row["starts_at"].timestamp()) // 60
            # A start shares a name with every start less than five minutes away.
            yield from ((tenant, row["customer_id"], row["service_id"], minute + off) for off in range(5))

    def is_own(self, row: Row, booking: Booking) -> bool:
        return str(row["company_id"]) == tenant_of(booking)

    def _orphans(self, spoken_for: set[str]) -> Iterator[Wrong]:
        for booking in self.bookings.values():
            if booking.status not in ("accepted", "pending") or not booking.paid:
                continue
            root = self.root(booking).uid
            held = self.of_booking[booking.uid] or any(map(self.active, self.of_chain[root]))
            if not held and root not in spoken_for:
                yield Wrong("orphaned_calcom", tenant_of(booking), "booking", root)

    def _of_appointment(self, row: Row) -> Iterator[Wrong]:
        if row["company_id"] is None:
            yield Wrong("missing_tenant", NOBODY, "appointment", str(row["id"]))
            return
        booking = self.named_by(row["calcom_v2_booking_id"])
        rule = None
        if booking is not None and not self.is_own(row, booking):
            return
        if booking is not None:
            rule = self._pair_rule(row, booking)
        elif row["calcom_v2_booking_id"] and self.active(row):
            rule = "orphaned_local"
        for each in (rule, "missing_call_link" if self._lacks_call(row, booking) else None, *self._sync_rules(row)):
            if each is not None:
                yield Wrong(each, str(row["company_id"]), "appointment", str(row["id"]))

    def _sync_rules(self, row: Row) -> Iterator[str]:
        sync, attempts = row["calcom_sync_status"], row["sync_attempt_count"] or 0
        if sync == "pending":
            yield "stuck_pending"
        if sync == "failed" or (attempts >= 3 and sync != "synced"):
            yield "sync_failed"
        if self.active(row) and not row["calcom_v2_booking_id"] and row["source"] in SYNCED_SOURCES:
            yield "never_synced"

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
        if call["company_id"] is None:
            yield Wrong("missing_tenant", NOBODY, "call", str(call["id"]))
            return
        outcome, made = call["session_outcome"], call["appointment_made"]
        rules = []
        if "creation_failed" in (outcome, call["appointment_link_status"]):
            rules.append("recent_failure")
        if self._crossed(call):
            rules.append("call_link_mismatch")
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
        return root in orphans or bool(self.of_chain[root])

    def _crossed(self, call: Row) -> bool:
        """Its appointment names another booking, or its booking's appointment another call."""
        booking = self.named_by(call["booking_id"])
        if booking is None:
            return False
        own, root = self.of_call[str(call["id"])], self.root(booking).uid
        named = [each for row in own if (each := self.named_by(row["calcom_v2_booking_id"])) is not None]
        others = any(row["call_id"] for row in self.of_chain[root])
        return any(self.root(each).uid != root for each in named) or (not own and others)


def tenant_of(booking: Booking) -> str:
    return booking.account.removeprefix("acct-")
