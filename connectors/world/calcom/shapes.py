"""Bookings as API v2 writes them: the current shape (2024-08-13) and the older one that a wrong version gets."""

import math

from connectors.world.calcom.booking import Attendee, Booking
from connectors.world.config import WorldAccount
from connectors.world.instants import MINUTE, with_millis

Json = dict[str, object]


def host_email(account: WorldAccount) -> str:
    return f"{account.host.split()[0].lower()}@{account.name}.example"


def title_of(booking: Booking, account: WorldAccount) -> str:
    return f"{booking.event_type.title} between {account.host} and {booking.attendees[0].name}"


def booking_shape(booking: Booking, account: WorldAccount) -> Json:
    """One booking of 2024-08-13 (calcom.md §4); what is not set is left out where Cal.com leaves it out."""
    video = f"https://cal.com/video/{booking.uid}"
    shape: Json = {
        "id": booking.id,
        "uid": booking.uid,
        "title": title_of(booking, account),
        "description": "",
        "hosts": [_host(account)],
        "status": booking.status,
        "start": with_millis(booking.start),
        "end": with_millis(booking.end),
        "duration": (booking.end - booking.start) // MINUTE,
        "eventTypeId": booking.event_type.id,
        "eventType": {"id": booking.event_type.id, "slug": booking.event_type.slug},
        "location": video,
        "meetingUrl": video,
        "absentHost": False,
        "createdAt": with_millis(booking.created_at),
        "updatedAt": with_millis(booking.updated_at),
        "rating": None,
        "icsUid": booking.ical_uid,
        "attendees": [_attendee(each) for each in booking.attendees],
        "guests": [],
        "bookingFieldsResponses": _answers(booking.attendees[0]),
        "metadata": booking.metadata,
    }
    return shape | _optional(booking)


def _optional(booking: Booking) -> Json:
    fields: Json = {
        "rescheduledFromUid": booking.rescheduled_from,
        "recurringBookingUid": booking.series,
    }
    if booking.series is None:
        fields |= {"rescheduledToUid": booking.rescheduled_to, "rescheduledByEmail": booking.rescheduled_by}
    if booking.status == "cancelled":
        fields |= {
            "cancellationReason": booking.cancellation_reason,
            "cancelledByEmail": booking.cancelled_by,
        }
    return {name: value for name, value in fields.items() if value is not None}


def older_shape(booking: Booking) -> Json:
    """What a missing or malformed `cal-api-version` gets: other names, upper-case status."""
    return {
        "id": booking.id,
        "uid": booking.uid,
        "title": booking.event_type.title,
        "startTime": with_millis(booking.start),
        "endTime": with_millis(booking.end),
        "status": booking.status.upper(),
        "eventType": {"id": booking.event_type.id, "slug": booking.event_type.slug},
        "attendees": [{"name": each.name, "email": each.email} for each in booking.attendees],
    }


def pagination(total: int, skip: int, take: int, returned: int) -> Json:
    """The object beside a page. `currentPage` is 0 when nothing was found."""
    remaining = max(0, total - skip - returned)
    return {
        "returnedItems": returned,
        "totalItems": total,
        "itemsPerPage": take,
        "remainingItems": remaining,
        "currentPage": skip // take + 1 if total else 0,
        "totalPages": math.ceil(total / take),
        "hasNextPage": remaining > 0,
        "hasPreviousPage": skip > 0 and total > 0,
    }


def _host(account: WorldAccount) -> Json:
    return {
        "id": account.user_id,
        "name": account.host,
        "email": host_email(account),
        "username": account.host.lower().replace(" ", "-"),
        "timeZone": "Europe/Lisbon",
    }


def _attendee(attendee: Attendee) -> Json:
    shape: Json = {
        "name": attendee.name,
        "email": attendee.email,
        "timeZone": attendee.time_zone,
        "language": "en",
        "absent": attendee.absent,
    }
    return shape | ({"seatUid": attendee.seat} if attendee.seat else {})


def _answers(attendee: Attendee) -> Json:
    return {
        "name": attendee.name,
        "email": attendee.email,
        "guests": [],
        "location": {"value": "integrations:daily", "optionValue": ""},
    }
