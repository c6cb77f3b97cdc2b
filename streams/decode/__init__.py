"""Raw records of every input topic as observations. The only place that knows their shapes."""

import msgspec

from streams.decode.calcom_booking import decode_booking_read
from streams.decode.debezium import AS_NAMED, ColumnNames, decode_change
from streams.decode.error import DecodeError
from streams.decode.rows import decode_rows
from streams.decode.webhook import decode_webhook
from streams.model.facts import RowKind
from streams.model.observation import Observation, Origin
from streams.topics import Topic

__all__ = ["DecodeError", "decode_record"]


def decode_record(
    topic: Topic,
    key: bytes | None,
    value: bytes | None,
    timestamp: int,
    origin: Origin,
    appointments: ColumnNames = AS_NAMED,
    calls: ColumnNames = AS_NAMED,
) -> tuple[Observation, ...]:
    """What a record says, under the tenant of its key. `timestamp` is the broker's, ms.

    A row without a key has no tenant: it lands on any partition and is not merged where it lands (design §3).
    Raises DecodeError.
    """
    if topic is Topic.SOURCES:
        return _passed_over(value)
    tenant = _tenant(key)
    if tenant is None or (value is None and topic not in (Topic.APPOINTMENTS, Topic.CALLS)):
        return _without_key(topic, value)
    match topic:
        case Topic.APPOINTMENTS:
            return decode_change("appointment", tenant, value, timestamp, origin, appointments)
        case Topic.CALLS:
            return decode_change("call", tenant, value, timestamp, origin, calls)
        case Topic.WEBHOOKS:
            return decode_webhook(tenant, value or b"", timestamp, origin)
        case Topic.BOOKINGS:
            return decode_booking_read(tenant, value or b"", timestamp, origin)
        case Topic.ROWS:
            return decode_rows(tenant, value or b"", timestamp)
        case _:
            return ()


def _passed_over(value: bytes | None) -> tuple[Observation, ...]:
    """States of sources: nothing is judged by them yet, but what is no record at all is still told."""
    try:
        msgspec.json.decode(value or b"", type=dict[str, object])
    except msgspec.ValidationError as error:
        raise DecodeError("wrong_shape", str(error)) from None
    except msgspec.DecodeError as error:
        raise DecodeError("invalid_json", str(error)) from None
    return ()


def _tenant(key: bytes | None) -> str | None:
    if not key:
        return None
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise DecodeError("bad_key", str(error)) from None


def _without_key(topic: Topic, value: bytes | None) -> tuple[Observation, ...]:
    if topic in (Topic.APPOINTMENTS, Topic.CALLS) and value is not None:
        # Still checked, so that garbage without a key is a dead letter too; judged by the rule about it (later).
        kind: RowKind = "appointment" if topic is Topic.APPOINTMENTS else "call"
        decode_change(kind, "~none", value, 0, Origin(-1, -1))
        return ()
    raise DecodeError("wrong_shape", "no key or no value")
