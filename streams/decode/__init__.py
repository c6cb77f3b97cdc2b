"""Raw records of every input topic as observations. The only place that knows their shapes."""

from streams.decode.calcom_booking import decode_booking_read
from streams.decode.debezium import decode_change
from streams.decode.error import DecodeError
from streams.decode.names import AS_NAMED, ColumnNames
from streams.decode.rows import decode_rows
from streams.decode.sources import decode_source
from streams.decode.webhook import decode_webhook
from streams.model.facts import RowKind
from streams.model.ids import NO_TENANT
from streams.model.observation import NobodysRow, Observation, Origin, RowChanged
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
        return decode_source(value or b"", timestamp)
    tenant = _tenant(key)
    if tenant is None or (value is None and topic not in (Topic.APPOINTMENTS, Topic.CALLS)):
        return _without_key(topic, value, appointments if topic is Topic.APPOINTMENTS else calls)
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
            return decode_rows(tenant, value or b"", timestamp, appointments, calls)
        case _:
            return ()


def _tenant(key: bytes | None) -> str | None:
    if not key:
        return None
    try:
        return key.decode()
    except UnicodeDecodeError as error:
        raise DecodeError("bad_key", str(error)) from None


def _without_key(topic: Topic, value: bytes | None, names: ColumnNames) -> tuple[Observation, ...]:
    if topic not in (Topic.APPOINTMENTS, Topic.CALLS) or value is None:
        raise DecodeError("wrong_shape", "no key or no value")
    kind: RowKind = "appointment" if topic is Topic.APPOINTMENTS else "call"
    changes = decode_change(kind, NO_TENANT, value, 0, Origin(-1, -1), names)
    return tuple(NobodysRow(change.kind, change.id) for change in changes if isinstance(change, RowChanged))
