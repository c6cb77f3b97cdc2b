"""A read of Cal.com's API as a fact (facts/calcom.md §4), from topic `calcom.bookings`."""

from collections.abc import Mapping

import msgspec

from streams.decode.error import DecodeError, from_json
from streams.model.facts import Read
from streams.model.ids import parse_iso
from streams.model.observation import AnswerRefused, BookingReadSeen, Observation, Origin
from streams.model.records import BookingRead

_decoder = msgspec.json.Decoder(BookingRead)


def decode_booking_read(tenant: str, value: bytes, timestamp: int, origin: Origin) -> tuple[Observation, ...]:
    """What one read says; nothing for an answer that is none (unavailable).

    Raises DecodeError (invalid_json, wrong_shape, bad_instant).
    """
    record = from_json(_decoder, value)
    try:
        return _observations(tenant, record, timestamp, origin)
    except (ValueError, OverflowError) as error:
        raise DecodeError("bad_instant", str(error)) from None
    except (KeyError, TypeError) as error:
        raise DecodeError("wrong_shape", repr(error)) from None


def _observations(tenant: str, record: BookingRead, timestamp: int, origin: Origin) -> tuple[Observation, ...]:
    # A read began when it was asked for; a page nobody asked for at its arrival less the measured duration (§4a).
    begun = parse_iso(record.asked_at) or timestamp - record.duration_ms
    if record.result == "missing":
        read = Read(begun, timestamp, partition=origin.partition, offset=origin.offset)
        return (BookingReadSeen(tenant, record.uid, read),)
    if record.result in ("unusable", "elsewhere"):
        return (AnswerRefused(tenant, record.request_ids, timestamp, record.result == "elsewhere"),)
    if record.result != "found" or record.booking is None:
        return ()
    read = read_of(record.booking, begun, timestamp, origin)
    return (BookingReadSeen(tenant, str(record.booking["uid"]), read),)


def read_of(booking: Mapping[str, object], begun: int, answered: int, origin: Origin) -> Read:
    """One booking object of the API. Its `updatedAt` may be null; then `createdAt` ranks it."""
    seated = bool(booking.get("seated"))
    return Read(
        begun=begun,
        answered=answered,
        status=str(booking["status"]).lower(),
        start=_instant(booking["start"]),
        end=_instant(booking.get("end")),
        updated_at=_instant(booking.get("updatedAt")) or _instant(booking.get("createdAt")) or 0,
        event_type=_text(booking.get("eventTypeId")),
        numeric_id=_text(booking.get("id")),
        predecessor=None if seated else _text(booking.get("rescheduledFromUid")),
        successor=None if seated else _text(booking.get("rescheduledToUid")),
        partition=origin.partition,
        offset=origin.offset,
        seated=seated,
        hosts=_hosts(booking.get("hosts")),
        series=_text(booking.get("recurringBookingUid")),
        made_at=_instant(booking.get("createdAt")) or 0,
    )


def _hosts(value: object) -> tuple[str, ...]:
    """Ids of the hosts; a deleted user's are all "unknown", which names nobody (facts/calcom.md §4)."""
    hosts = value if isinstance(value, list) else []
    ids = {str(host["id"]) for host in hosts if isinstance(host, Mapping) and host.get("id") not in (None, "unknown")}
    return tuple(sorted(ids))


def _instant(value: object) -> int | None:
    return parse_iso(None if value is None else str(value))


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)
