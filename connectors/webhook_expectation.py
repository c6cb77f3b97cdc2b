"""Which webhook should have told of a state that a list shows. Pure.

Only what Cal.com surely announces is expected (calcom.md §1.5, §1.7, §3): the rest of a series may change in silence,
the end of a booking that was rescheduled is told by its successor, and host, place and seats have no trigger.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

_CREATED, _REQUESTED, _RESCHEDULED = "BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_RESCHEDULED"
_PAYMENT, _PAID = "BOOKING_PAYMENT_INITIATED", "BOOKING_PAID"


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """One state of one booking, and the webhook that announces it.

    `satisfied_by`: triggers that say as much. `changed_at`: by Cal.com's clock, when a live booking was made or a dead
    one ended. `seen_at`: when the list was asked for.
    """

    account: str
    uid: str
    tenant: str
    trigger: str
    satisfied_by: tuple[str, ...]
    changed_at: datetime
    seen_at: datetime


def expectation_of(booking: Mapping[str, object], account: str, tenant: str, seen_at: datetime) -> Expectation | None:
    """What this booking (the API's object, cut) lets expect; None for a state that no webhook must tell."""
    told_by = _told_by(booking)
    # A live booking is touched for many reasons, and each moves `updatedAt`.
    ended = told_by[:1] in (("BOOKING_CANCELLED",), ("BOOKING_REJECTED",))
    changed_at = (booking.get("updatedAt") if ended else None) or booking.get("createdAt")
    if not told_by or not isinstance(changed_at, str):
        return None
    return Expectation(
        account=account,
        uid=str(booking["uid"]),
        tenant=tenant,
        trigger=told_by[0],
        satisfied_by=told_by,
        changed_at=datetime.fromisoformat(changed_at),
        seen_at=seen_at,
    )


def _told_by(booking: Mapping[str, object]) -> tuple[str, ...]:
    """The trigger to expect, and behind it those that say as much; empty where none is sure to come."""
    in_series = booking.get("recurringBookingUid") is not None
    match str(booking.get("status")).lower():
        case "accepted" if booking.get("rescheduledFromUid"):
            # Once confirmed by the host, a reschedule is announced like a new booking.
            return (_RESCHEDULED, _CREATED, _PAID)
        case "accepted" if in_series:
            # One confirmation speaks for the whole series.
            return (_CREATED, _REQUESTED, _PAID)
        case "accepted":
            return (_CREATED, _PAID)
        case "pending":
            return (_REQUESTED, _PAYMENT)
        case "cancelled" if not in_series and not booking.get("rescheduledToUid"):
            return ("BOOKING_CANCELLED",)
        case "rejected" if not in_series:
            return ("BOOKING_REJECTED",)
        case _:
            return ()
