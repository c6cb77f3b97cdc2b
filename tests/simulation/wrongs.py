"""What is wrong in a world, at one instant: written from the design's prose (§5), apart from the product's rules.

It looks at the truth of both systems alone, and knows nothing of events, reads, grace or proof.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import msgspec

from streams.model.ids import parse_iso
from tests.simulation.calcom import Booking, CalCom
from tests.simulation.database import Database
from tests.truth import T0

ACTIVE = ("scheduled", "confirmed", "pending")
LIVE = ("accepted", "pending")
TOLERANCE_SECONDS = 60
SAME_TIME_SECONDS = 300
#: Which words of a row agree with which of a booking.
AGREE = {
    "accepted": ("confirmed", "scheduled", "completed", "no_show"),
    "pending": ("pending", "scheduled"),
    "cancelled": ("cancelled",),
    "rejected": ("cancelled",),
}


class Fault(NamedTuple):
    """One thing that is wrong, as the alert about it is named (contracts.md)."""

    rule: str
    subject: str


class Cause(msgspec.Struct):
    """One story's bookings, rows and calls: everything in it may hang together, nothing outside does."""

    number: int
    tenant: str = "1"
    uids: list[str] = []
    rows: list[str] = []
    calls: list[str] = []


class Row(NamedTuple):
    """An appointment that is there, with the booking that it names."""

    id: str
    columns: dict[str, Any]
    uid: str | None
    booking: Booking | None

    @property
    def tenant(self) -> str | None:
        return None if self.columns["company_id"] is None else str(self.columns["company_id"])

    @property
    def active(self) -> bool:
        return self.columns["status"] in ACTIVE

    @property
    def call(self) -> str | None:
        return None if self.columns.get("call_id") is None else str(self.columns["call_id"])


@lru_cache(maxsize=4096)
def seconds(text: str) -> float:
    """Seconds after T0."""
    return (int(parse_iso(text) or 0) - T0) / 1000


class Picture:
    """Both sides of one cause as they are now."""

    def __init__(self, cause: Cause, calcom: CalCom, database: Database) -> None:
        self.calcom = calcom
        held = [(row, columns) for row in cause.rows if (columns := database.rows.get(("appointments", row)))]
        everyones = [self._row(row, columns) for row, columns in held]
        self.rows = [row for row in everyones if row.tenant == cause.tenant]
        self.nobodys = [row for row in everyones if row.tenant is None]
        self.foreign = [row for row in everyones if row.tenant not in (None, cause.tenant)]
        self.calls = {call: columns for call in cause.calls if (columns := database.rows.get(("calls", call)))}
        self.chains = list({chain[0]: chain for uid in cause.uids for chain in (self.chain(uid),)}.values())

    def _row(self, row_id: str, columns: dict[str, Any]) -> Row:
        ref = columns.get("calcom_v2_booking_id")
        uid = None if ref is None else self.calcom.by_id.get(str(ref), str(ref))
        return Row(row_id, columns, uid, self.calcom.bookings.get(uid or ""))

    def chain(self, uid: str) -> tuple[str, ...]:
        """Its links, oldest first; a booking that never was is a chain of its own."""
        known = self.calcom.last_known
        links = [uid]
        while links[0] in known and (before := known[links[0]].predecessor):
            links.insert(0, before)
        while links[-1] in known and (after := known[links[-1]].successor):
            links.append(after)
        return tuple(links)

    def newest(self, uid: str) -> str:
        return self.chain(uid)[-1]

    def naming(self, *uids: str) -> list[Row]:
        return [row for row in self.rows if row.uid in uids]


def wrong(cause: Cause, calcom: CalCom, database: Database) -> dict[Fault, frozenset[Fault]]:
    """Every fault of this cause, with the higher ones that speak for it."""
    picture = Picture(cause, calcom, database)
    each = (_orphans, _pairs, _flags, _promises, _links, _mismatches, _syncs, _doubles)
    faults = [fault for look in each for fault in look(picture)]
    faults += [Fault("missing_tenant", row.id) for row in picture.nobodys]
    return {fault: _higher(fault, faults, picture) for fault in faults}


def _orphans(picture: Picture) -> Iterator[Fault]:
    for chain in picture.chains:
        newest = picture.calcom.bookings.get(chain[-1])
        if newest is None or newest.status not in LIVE or newest.unpaid:
            continue
        if not picture.naming(chain[-1]) and not any(row.active for row in picture.naming(*chain)):
            yield Fault("orphaned_calcom", chain[0])
            if any(row.active and row.uid in chain for row in picture.foreign):
                yield Fault("tenant_mismatch", chain[0])
    for row in (*picture.rows, *picture.foreign):
        if row.active and row.uid is not None and row.booking is None:
            yield Fault("orphaned_local", row.id)


def _pairs(picture: Picture) -> Iterator[Fault]:
    for row in picture.rows:
        if row.uid is None or row.booking is None:
            continue
        newest_uid = picture.newest(row.uid)
        newest = picture.calcom.bookings.get(newest_uid)
        if row.uid != newest_uid and row.active and newest is not None:
            yield from _on_old_link(picture, row, newest)
            continue
        if row.booking.unpaid:
            continue
        yield from _pair(picture, row, row.booking)


def _on_old_link(picture: Picture, row: Row, newest: Booking) -> Iterator[Fault]:
    """An active row that names a link whose chain went on."""
    named = any(other.active for other in picture.naming(newest.uid))
    if newest.status not in LIVE or (newest.status == "accepted" and named):
        yield Fault("status_drift", row.id)
    elif newest.status == "accepted":
        yield Fault("missed_reschedule", row.id)
    elif named:
        yield Fault("status_drift", row.id)


def _pair(picture: Picture, row: Row, booking: Booking) -> Iterator[Fault]:
    if row.columns["status"] not in AGREE[booking.status]:
        # A closed row whose booking another active row holds tells of the past only.
        others = [other for other in picture.naming(*picture.chain(booking.uid)) if other.active and other is not row]
        if row.active or not others:
            yield Fault("status_drift", row.id)
    if not row.active or booking.status not in LIVE:
        return
    if abs(seconds(row.columns["starts_at"]) - booking.start) > TOLERANCE_SECONDS:
        yield Fault("start_time_drift", row.id)
    elif abs(seconds(row.columns["ends_at"]) - booking.end) > TOLERANCE_SECONDS:
        yield Fault("end_time_drift", row.id)


def _flags(picture: Picture) -> Iterator[Fault]:
    for call, columns in picture.calls.items():
        outcome, made = columns.get("session_outcome"), columns.get("appointment_made")
        if outcome == "appointment_booked" and made is False:
            yield Fault("phantom_booking", call)
        if outcome and outcome != "appointment_booked" and made is True:
            yield Fault("appointment_made_mismatch", call)
        if not columns.get("direction"):
            yield Fault("missing_direction", call)
        if "creation_failed" in (outcome, columns.get("appointment_link_status")):
            yield Fault("recent_failure", call)


def _unkept(picture: Picture) -> Iterator[tuple[str, str | None]]:
    """Calls that made an appointment which no row has, with the booking that each names."""
    held = {row.call for row in picture.rows}
    for call, columns in picture.calls.items():
        if columns.get("appointment_made") is True and call not in held:
            ref = columns.get("booking_id")
            yield call, None if ref is None else picture.calcom.by_id.get(str(ref), str(ref))


def _promises(picture: Picture) -> Iterator[Fault]:
    for call, uid in _unkept(picture):
        if uid is None or not picture.naming(*picture.chain(uid)):
            yield Fault("missing_appointment", call)


def _links(picture: Picture) -> Iterator[Fault]:
    named = {link for _, uid in _unkept(picture) if uid is not None for link in picture.chain(uid)}
    for row in picture.rows:
        if row.call is not None or row.columns["status"] not in ACTIVE:
            continue
        if row.columns.get("source") == "retell_webhook" or row.uid in named:
            yield Fault("missing_call_link", row.id)


def _mismatches(picture: Picture) -> Iterator[Fault]:
    """Call and appointment name different partners."""
    for call, columns in picture.calls.items():
        ref = columns.get("booking_id")
        if ref is None:
            continue
        chain = picture.chain(picture.calcom.by_id.get(str(ref), str(ref)))
        own = [row for row in picture.rows if row.call == call]
        named = [row for row in own if row.uid is not None]
        holders = picture.naming(*chain)
        elsewhere = any(row.active for row in named) and not any(row.uid in chain for row in named)
        anothers = not own and columns.get("appointment_made") is True and holders and all(row.call for row in holders)
        if elsewhere or anothers:
            yield Fault("call_link_mismatch", call)


def _syncs(picture: Picture) -> Iterator[Fault]:
    """The application's own word on its sync; how long it has stood is grace."""
    for row in (*picture.rows, *picture.foreign):
        sync, attempts = row.columns.get("calcom_sync_status"), row.columns.get("sync_attempt_count") or 0
        if sync == "pending":
            yield Fault("stuck_pending", row.id)
        if sync == "failed" or (attempts >= 3 and sync != "synced"):
            yield Fault("sync_failed", row.id)
        if row.active and row.uid is None:
            yield Fault("never_synced", row.id)


def _doubles(picture: Picture) -> Iterator[Fault]:
    """Two appointments, or two bookings, where one was meant; said of the later."""
    for earlier, later in combinations(sorted((row for row in picture.rows if row.active), key=lambda r: int(r.id)), 2):
        if not _on_one_chain(picture, earlier, later) and _one_and_the_same(earlier, later):
            yield Fault("duplicate_appointment", later.id)
    newest = [picture.calcom.bookings.get(chain[-1]) for chain in picture.chains]
    accepted = [booking for booking in newest if booking is not None and booking.status == "accepted"]
    for first, second in combinations(sorted(accepted, key=lambda booking: (booking.made, booking.id)), 2):
        if (first.host, first.start) == (second.host, second.start):
            yield Fault("duplicate_booking", second.uid)


def _on_one_chain(picture: Picture, a: Row, b: Row) -> bool:
    """Rows on different links of one chain: one was left behind, which other rules say."""
    return a.uid is not None and b.uid is not None and a.uid != b.uid and b.uid in picture.chain(a.uid)


def _one_and_the_same(a: Row, b: Row) -> bool:
    if a.uid is not None and a.uid == b.uid:
        return True
    if a.columns.get("idempotency_key") and a.columns["idempotency_key"] == b.columns.get("idempotency_key"):
        return True
    customer = (a.columns.get("customer_id"), a.columns.get("service_id"))
    apart = abs(seconds(a.columns["starts_at"]) - seconds(b.columns["starts_at"]))
    theirs = (b.columns.get("customer_id"), b.columns.get("service_id"))
    return None not in customer and customer == theirs and apart <= SAME_TIME_SECONDS


#: Lower → higher rules about the same subject (design §5, "One cause, one alert").
_FAMILIES = {
    "orphaned_local": ("missed_reschedule", "duplicate_appointment"),
    "duplicate_appointment": ("missed_reschedule",),
    "status_drift": ("missed_reschedule", "duplicate_appointment"),
    "start_time_drift": ("missed_reschedule", "duplicate_appointment", "status_drift"),
    "end_time_drift": ("missed_reschedule", "duplicate_appointment", "status_drift"),
    "appointment_made_mismatch": ("phantom_booking",),
    "orphaned_calcom": ("tenant_mismatch",),
    "stuck_pending": ("sync_failed",),
    "never_synced": ("sync_failed", "duplicate_appointment"),
}


def _higher(fault: Fault, faults: list[Fault], picture: Picture) -> frozenset[Fault]:
    higher = {
        other for other in faults if other.subject == fault.subject and other.rule in _FAMILIES.get(fault.rule, ())
    }
    if fault.rule == "missing_appointment":
        ref = picture.calls[fault.subject].get("booking_id")
        if ref is not None:
            root = picture.chain(picture.calcom.by_id.get(str(ref), str(ref)))[0]
            higher |= {other for other in faults if other == ("orphaned_calcom", root)}
    if fault.rule == "orphaned_calcom":
        higher |= {other for other in faults if other == ("duplicate_booking", picture.newest(fault.subject))}
    return frozenset(higher)
