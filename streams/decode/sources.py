"""What the watchers say of the sources, from topic `plumbline.sources`."""

import msgspec

from streams.decode.error import DecodeError, from_json
from streams.model.ids import parse_iso
from streams.model.observation import Observation, PassSeen, SourceSeen
from streams.model.source_records import SourceRecord, SourceState

_decoder: msgspec.json.Decoder[SourceRecord] = msgspec.json.Decoder(SourceRecord)


def decode_source(value: bytes, timestamp: int) -> tuple[Observation, ...]:
    """A source's state, or a complete pass; `timestamp` is the broker's, ms.

    Raises DecodeError (invalid_json, wrong_shape, bad_instant).
    """
    record = from_json(_decoder, value)
    if isinstance(record, SourceState):
        return (SourceSeen(record),)
    try:
        starts_from, starts_to = parse_iso(record.starts_from), parse_iso(record.starts_to)
    except ValueError as error:
        raise DecodeError("bad_instant", str(error)) from None
    if starts_from is None or starts_to is None:
        raise DecodeError("bad_instant", "a pass without its bounds")
    begun = timestamp - record.duration_ms
    return (PassSeen(record.side, record.tenant, starts_from, starts_to, begun, record.full),)
