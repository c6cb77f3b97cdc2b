"""A Cal.com webhook as a fact (facts/calcom.md §1). Lenient: unknown triggers, fields and words are normal."""

from hashlib import sha256

import msgspec

from streams.decode.error import DecodeError, from_json
from streams.model.facts import Told
from streams.model.ids import parse_iso
from streams.model.observation import Observation, Origin, WebhookHeard

#: Triggers whose `status` and times are a claim about the booking's state.
STATE_TRIGGERS = frozenset(
    {
        "BOOKING_CREATED",
        "BOOKING_REQUESTED",
        "BOOKING_RESCHEDULED",
        "BOOKING_CANCELLED",
        "BOOKING_REJECTED",
        "BOOKING_PAYMENT_INITIATED",
        "BOOKING_PAID",
    }
)
#: Not about a booking's state: heard, and passed over.
QUIET_TRIGGERS = frozenset(
    {
        "PING",
        "BOOKING_NO_SHOW_UPDATED",
        "MEETING_STARTED",
        "MEETING_ENDED",
        "AFTER_HOSTS_CAL_VIDEO_NO_SHOW",
        "AFTER_GUESTS_CAL_VIDEO_NO_SHOW",
        "INSTANT_MEETING",
        "RECORDING_READY",
        "RECORDING_TRANSCRIPTION_GENERATED",
        "FORM_SUBMITTED",
        "FORM_SUBMITTED_NO_EVENT",
        "ROUTING_FORM_FALLBACK_HIT",
        "OOO_CREATED",
        "DELEGATION_CREDENTIAL_ERROR",
        "WRONG_ASSIGNMENT_REPORT",
    }
)


class _Organizer(msgspec.Struct):
    id: int | str | None = None


class _Payload(msgspec.Struct):
    uid: str | None = None
    bookingId: int | str | None = None
    status: str | None = None
    startTime: str | None = None
    endTime: str | None = None
    eventTypeId: int | str | None = None
    iCalSequence: int | float | None = None
    rescheduleUid: str | None = None
    seatsPerTimeSlot: int | None = None
    organizer: _Organizer | None = None


class _Webhook(msgspec.Struct):
    triggerEvent: str
    createdAt: str | None = None
    payload: _Payload | None = None


_decoder = msgspec.json.Decoder(_Webhook)


def decode_webhook(tenant: str, body: bytes, timestamp: int, origin: Origin) -> tuple[Observation, ...]:
    """What one webhook body says; nothing for those that are not about a booking's state.

    Raises DecodeError (invalid_json, wrong_shape, bad_instant).
    """
    webhook = from_json(_decoder, body)
    payload = webhook.payload
    if webhook.triggerEvent in QUIET_TRIGGERS or payload is None or not payload.uid:
        return ()
    try:
        told = _told(webhook, payload, body, timestamp, origin)
    except (ValueError, OverflowError) as error:
        raise DecodeError("bad_instant", str(error)) from None
    return (WebhookHeard(tenant, payload.uid, told),)


def _told(webhook: _Webhook, payload: _Payload, body: bytes, timestamp: int, origin: Origin) -> Told:
    claims = webhook.triggerEvent in STATE_TRIGGERS and payload.status is not None
    return Told(
        created_at=parse_iso(webhook.createdAt) or timestamp,
        sequence=int(payload.iCalSequence) if payload.iCalSequence is not None else -1,
        body=sha256(body).hexdigest()[:16],
        arrived=timestamp,
        trigger=webhook.triggerEvent,
        status=str(payload.status).lower() if claims else None,
        start=parse_iso(payload.startTime),
        end=parse_iso(payload.endTime),
        event_type=_text(payload.eventTypeId),
        numeric_id=_text(payload.bookingId),
        predecessor=_predecessor(payload),
        partition=origin.partition,
        offset=origin.offset,
        seated=payload.seatsPerTimeSlot is not None,
        hosts=_hosts(payload.organizer),
    )


def _hosts(organizer: _Organizer | None) -> tuple[str, ...]:
    return () if organizer is None or organizer.id is None else (str(organizer.id),)


def _predecessor(payload: _Payload) -> str | None:
    """The link before this one. Seats move between bookings that live on: no chain (facts/calcom.md §1.7)."""
    if payload.seatsPerTimeSlot is not None or payload.rescheduleUid == payload.uid:
        return None
    return payload.rescheduleUid or None


def _text(value: int | str | None) -> str | None:
    return None if value is None else str(value)
