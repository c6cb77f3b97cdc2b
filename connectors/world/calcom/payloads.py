"""Bodies of webhooks, in both generations of Cal.com (calcom.md §1): compact JSON bytes, as they are signed.

`legacy` is sent inline by the web app and mixes date styles; `pipeline` is built from the row at delivery
time, with its own dates, and carries metadata everywhere. The `status` is the trigger's constant in both.
"""

from typing import Literal

import msgspec

from connectors.world.calcom.booking import Attendee, Booking
from connectors.world.calcom.shapes import Json, host_email, title_of
from connectors.world.config import WorldAccount
from connectors.world.instants import with_millis, with_offset, with_seconds

Style = Literal["legacy", "pipeline"]
Trigger = Literal[
    "BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED", "BOOKING_REJECTED",
    "BOOKING_PAYMENT_INITIATED", "BOOKING_PAID", "PING",
]  # fmt: skip

#: What a trigger claims, whatever the row says (§1.5).
CLAIMS: dict[Trigger, str] = {
    "BOOKING_CREATED": "ACCEPTED",
    "BOOKING_REQUESTED": "PENDING",
    "BOOKING_RESCHEDULED": "ACCEPTED",
    "BOOKING_CANCELLED": "CANCELLED",
    "BOOKING_REJECTED": "REJECTED",
    "BOOKING_PAYMENT_INITIATED": "ACCEPTED",
    "BOOKING_PAID": "ACCEPTED",
}

#: What a request to reschedule lacked before January 2026, its own flag too (§1.5, missing-field matrix).
UNTOLD_OF_MOVE_REQUESTS = frozenset(
    {"bookingId", "status", "eventTypeId", "length", "iCalSequence", "eventTitle", "requestReschedule"}
)


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """Why a webhook is sent. `at` (ms) becomes `createdAt`."""

    trigger: Trigger
    at: int
    #: The booking that this one replaces; given for reschedules and their requests.
    replaced: Booking | None = None
    #: A pending booking was accepted: other dates, and no word of a reschedule.
    after_confirmation: bool = False
    #: The only attendee named, where a seat is taken or given back.
    seat: Attendee | None = None
    #: The host asks for another time; nobody gave the booking up.
    move_requested: bool = False


def body(occasion: Occasion, booking: Booking, account: WorldAccount, style: Style) -> bytes:
    """The bytes to sign and send. Undefined keys are left out, as JSON.stringify does."""
    if occasion.trigger == "PING":
        return ping(occasion.at)
    payload = _common(occasion, booking, account, style)
    payload |= _people(occasion, booking, account)
    payload |= _reschedule(occasion, booking, style)
    payload |= _ending(occasion, booking)
    if style == "pipeline" or occasion.trigger != "BOOKING_CANCELLED":
        payload["metadata"] = _metadata(occasion, booking, style)
        payload["recurringEvent"] = {"freq": 2, "count": 4, "interval": 1} if booking.series else None
    if occasion.move_requested and style == "legacy":
        payload = {name: value for name, value in payload.items() if name not in UNTOLD_OF_MOVE_REQUESTS}
    return envelope(occasion.trigger, occasion.at, payload)


def ping(at: int) -> bytes:
    """The test button: no uid, no bookingId."""
    person = {"timeZone": "Europe/London", "language": {"locale": "en"}, "utcOffset": 0}
    payload: Json = {
        "type": "Test",
        "title": "Test trigger event",
        "description": "",
        "startTime": with_millis(at - 1),
        "endTime": with_millis(at - 1),
        "attendees": [{"email": "jdoe@example.com", "name": "John Doe", **person}],
        "organizer": {"name": "Cal", "email": "no-reply@cal.com", **person},
    }
    return envelope("PING", at, payload)


def date(at: int, occasion: Occasion, style: Style) -> str:
    """`startTime` and `endTime` in the style of this sender and trigger (§1.4)."""
    if style == "pipeline" or occasion.after_confirmation or occasion.trigger == "BOOKING_REJECTED":
        return with_millis(at)
    return with_offset(at) if occasion.trigger == "BOOKING_CANCELLED" else with_seconds(at)


def envelope(trigger: str, at: int, payload: Json) -> bytes:
    """The default body (§1.2)."""
    return msgspec.json.encode({"triggerEvent": trigger, "createdAt": with_millis(at), "payload": payload})


def _common(occasion: Occasion, booking: Booking, account: WorldAccount, style: Style) -> Json:
    kind = booking.event_type
    ends = occasion.trigger == "BOOKING_CANCELLED" and style == "legacy"
    return {
        "bookerUrl": "https://cal.com",
        "title": title_of(booking, account),
        "startTime": date(booking.start, occasion, style),
        "endTime": date(booking.end, occasion, style),
        "additionalNotes": "",
        "type": kind.slug,
        "description": "",
        "eventTypeId": kind.id,
        "hideCalendarNotes": False,
        "hideCalendarEventDetails": False,
        "hideOrganizerEmail": False,
        "schedulingType": None,
        "seatsPerTimeSlot": kind.seats,
        "seatsShowAttendees": True,
        "seatsShowAvailabilityCount": True,
        "customReplyToEmail": None,
        "location": "integrations:daily",
        "iCalUID": booking.ical_uid,
        "iCalSequence": booking.ical_sequence,
        "uid": booking.uid,
        "eventTitle": kind.title,
        "eventDescription": None,
        # Older cancellations turn falsy values into null.
        "requiresConfirmation": (kind.confirm or None) if ends else kind.confirm,
        "price": (kind.price or None) if ends else kind.price,
        "currency": "eur",
        "length": kind.length,
        "bookingId": booking.id,
        "status": CLAIMS[occasion.trigger],
    }


def _people(occasion: Occasion, booking: Booking, account: WorldAccount) -> Json:
    attendees = (occasion.seat,) if occasion.seat else booking.attendees
    people: Json = {
        "organizer": {
            "id": account.user_id,
            "name": account.host,
            "email": host_email(account),
            "username": account.host.lower().replace(" ", "-"),
            "timeZone": "Europe/Lisbon",
            "language": {"locale": "en"},
            "timeFormat": "H:mm",
            "utcOffset": 0,
        },
        "userFieldsResponses": {},
        "attendees": [_attendee(each) for each in attendees],
        "destinationCalendar": [],
    }
    if booking.event_type.seats is None:
        first = booking.attendees[0]
        people["responses"] = {
            "name": {"label": "your_name", "value": first.name, "isHidden": False},
            "email": {"label": "email_address", "value": first.email, "isHidden": False},
        }
    elif occasion.seat:
        people["attendeeSeatId"] = occasion.seat.seat
    return people


def _attendee(attendee: Attendee) -> Json:
    first, _, last = attendee.name.partition(" ")
    return {
        "email": attendee.email,
        "name": attendee.name,
        "firstName": first,
        "lastName": last,
        "timeZone": attendee.time_zone,
        "language": {"locale": "en"},
        "utcOffset": 0,
    }


def _reschedule(occasion: Occasion, booking: Booking, style: Style) -> Json:
    old = occasion.replaced
    if old is None or occasion.after_confirmation:
        return {}
    write = with_millis if style == "pipeline" else with_seconds
    return {
        "rescheduleId": old.id,
        "rescheduleUid": old.uid,
        "rescheduleStartTime": write(old.start),
        "rescheduleEndTime": write(old.end),
        "rescheduledBy": old.rescheduled_by or booking.attendees[0].email,
    }


def _ending(occasion: Occasion, booking: Booking) -> Json:
    if occasion.trigger == "BOOKING_CANCELLED":
        return {
            "cancellationReason": booking.cancellation_reason,
            "cancelledBy": booking.cancelled_by,
            "requestReschedule": occasion.move_requested,
        }
    if occasion.trigger == "BOOKING_REJECTED":
        return {"rejectionReason": booking.rejection_reason}
    if occasion.trigger in ("BOOKING_PAYMENT_INITIATED", "BOOKING_PAID"):
        return {"paymentId": 60_000 + booking.id % 10_000}
    return {}


def _metadata(occasion: Occasion, booking: Booking, style: Style) -> Json:
    video = {"videoCallUrl": f"https://cal.com/video/{booking.uid}"}
    if occasion.trigger == "BOOKING_PAID" and style == "legacy":
        return {"identifier": "cal.com", "bookingId": str(booking.id)}
    # Metadata set at creation is not in an older sender's reschedule.
    if occasion.trigger == "BOOKING_RESCHEDULED" and style == "legacy":
        return dict(video)
    return {**video, **booking.metadata}
