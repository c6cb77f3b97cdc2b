"""The words of a validation: what was seen, what is known, why something is not whole (S4 §1)."""

from enum import StrEnum
from typing import Literal

import msgspec

from streams.model.facts import Row
from streams.model.records import Difference, Subject
from streams.model.rule import Rule


class FailureReason(StrEnum):
    """Why something is not whole, most telling first: of several, the first is named."""

    CALL_NOT_FOUND = "call_not_found"  # there is no such call of this tenant
    APPOINTMENT_NOT_FOUND = "appointment_not_found"  # no such appointment, or the call promised one and has none
    TENANT_MISSING = "tenant_missing"  # the row names no tenant
    TENANT_MISMATCH = "tenant_mismatch"  # another tenant's appointment holds the booking
    APPOINTMENT_NOT_LINKED = "appointment_not_linked"  # the appointment does not name its call, or names another
    BOOKING_ID_MISMATCH = "booking_id_mismatch"  # call and appointment do not name the same booking
    TIMESTAMPS_NOT_RECENT = "timestamps_not_recent"  # the appointment was made long before its call
    CREATION_FAILED = "creation_failed"  # the call says that making the appointment failed
    CALL_FLAGS_CONTRADICT = "call_flags_contradict"  # outcome and appointment_made say two things
    DUPLICATE = "duplicate"  # there are two of it
    BOOKING_NOT_SYNCED = "booking_not_synced"  # the sync to Cal.com failed, or is over its grace
    BOOKING_NOT_FOUND = "booking_not_found"  # proved: Cal.com has no such booking
    BOOKING_DIFFERS = "booking_differs"  # proved: Cal.com's booking has another time or status, or was moved


Kind = Literal["call", "appointment"]


class SeenRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row as the SELECT showed it, deleted ones left out. `tenant` is `~none` where the row names none."""

    kind: Kind
    id: str
    tenant: str
    row: Row


class KnownBooking(msgspec.Struct, frozen=True, kw_only=True):
    """The newest verdict of one booking; `names` holds every uid and numeric id of its chain."""

    uid: str
    names: frozenset[str]
    verdict: str
    reason: str
    as_of: str
    compared_through: str | None


class KnownAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that stands about the same booking or rows."""

    id: str
    rule: Rule
    subject: Subject
    appointment_id: str | None = None
    differences: tuple[Difference, ...] = ()


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the store knows of the tenant's bookings that the rows name, and of the rows."""

    bookings: tuple[KnownBooking, ...] = ()
    alerts: tuple[KnownAlert, ...] = ()

    def uid(self, ref: str) -> str:
        """The booking that a reference means: its chain's newest uid, else the reference itself."""
        return next((booking.uid for booking in self.bookings if ref in booking.names), ref)


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not whole, and about what; `rule` is null where no rule of alerts says the same."""

    reason: FailureReason
    rule: Rule | None
    subject: Subject
    differences: tuple[Difference, ...] = ()


class BookingWord(msgspec.Struct, frozen=True, kw_only=True):
    """How the booking that the rows name stands; `unknown` with reason `unread` until anything was compared."""

    uid: str
    verdict: str
    reason: str
    as_of: str | None
    compared_through: str | None


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. `reason` is the first of `details`, null on success; `as_of` is when the rows were read."""

    success: bool
    reason: FailureReason | None
    details: tuple[Detail, ...]
    alerts: tuple[str, ...]
    as_of: str
    booking: BookingWord | None
