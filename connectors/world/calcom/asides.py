"""Webhooks that say nothing of a booking's state: meetings, no-shows, and triggers that nobody has documented.

Shapes: calcom.md §1.5 (no-show), §1.6 (meetings), and its caveat that unknown triggers are normal.
"""

import msgspec

from connectors.world.calcom.booking import Booking
from connectors.world.calcom.payloads import Style, envelope
from connectors.world.calcom.shapes import Json
from connectors.world.instants import with_millis

MEETINGS = ("MEETING_STARTED", "MEETING_ENDED")


def aside(trigger: str, at: int, booking: Booking, style: Style, status: str | None = None) -> bytes:
    """The bytes of one such webhook; `status` is what an unknown trigger says of the booking, if anything."""
    if trigger in MEETINGS:
        return _meeting(trigger, at, booking, style)
    if trigger == "BOOKING_NO_SHOW_UPDATED":
        return envelope(trigger, at, _no_show(booking))
    return envelope(trigger, at, _undocumented(booking, status))


def _meeting(trigger: str, at: int, booking: Booking, style: Style) -> bytes:
    """The row itself: flat in older senders, whose `createdAt` is the booking's, not the message's."""
    row: Json = {
        "id": booking.id,
        "uid": booking.uid,
        "title": booking.event_type.title,
        "startTime": with_millis(booking.start),
        "endTime": with_millis(booking.end),
        "status": booking.status.upper(),
        "eventTypeId": booking.event_type.id,
        "attendees": [{"email": each.email, "name": each.name, "noShow": each.absent} for each in booking.attendees],
        "responses": {},
        "metadata": booking.metadata,
        "createdAt": with_millis(booking.created_at),
    }
    if style == "pipeline":
        return envelope(trigger, at, row)
    return msgspec.json.encode({"triggerEvent": trigger, **row})


def _no_show(booking: Booking) -> Json:
    """The key is `bookingUid`, and there is no status."""
    return {
        "message": "Attendee marked as no-show",
        "bookingUid": booking.uid,
        "bookingId": booking.id,
        "attendees": [{"email": each.email, "noShow": each.absent} for each in booking.attendees],
    }


def _undocumented(booking: Booking, status: str | None) -> Json:
    payload: Json = {
        "uid": booking.uid,
        "bookingId": booking.id,
        "startTime": with_millis(booking.start),
        "endTime": with_millis(booking.end),
        "unheardOf": {"of": ["any", "shape"]},
    }
    return payload | ({"status": status} if status else {})
