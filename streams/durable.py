"""The durable form of one partition's state: what the changelog holds, one record a key.

A value begins with its next deadline (8 bytes, big endian, ms; 0 none, 1 at once), so that deadlines are found again
without decoding. Behind it stands MessagePack. No value exceeds `VALUE_BYTES_MAX`: larger ones crash a
worker for ever or are lost without a word (design §9).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from streams.cases.case import Case, Phase
from streams.facts.index import FactIndex, Key
from streams.model.facts import BookingFacts, Fact, RowFacts

VALUE_BYTES_MAX = 256 * 1024
CASE_KIND = "k"

_bookings = msgspec.msgpack.Decoder(BookingFacts)
_rows = msgspec.msgpack.Decoder(RowFacts)
_cases = msgspec.msgpack.Decoder(Case)
_encoder = msgspec.msgpack.Encoder()


class CaseKey(NamedTuple):
    """A case by its subject's key and its rule."""

    subject: Key
    rule: str

    def encode(self) -> bytes:
        return f"{CASE_KIND}|{self.subject.tenant}|{self.rule}|{self.subject.kind}|{self.subject.id}".encode()


def decode_case_key(raw: bytes) -> CaseKey:
    """The inverse of `CaseKey.encode`."""
    _, tenant, rule, kind, entity = raw.decode().split("|", 4)
    return CaseKey(Key(kind, tenant, entity), rule)


class DurableState:
    """What changed since the last write, and its encoding."""

    def __init__(self) -> None:
        self._entities: dict[Key, None] = {}
        self._touched_cases: dict[CaseKey, None] = {}

    def touch(self, key: Key) -> None:
        self._entities[key] = None

    def erase(self, key: Key) -> None:
        """A tombstone for this entity goes out with the next write."""
        self._entities[key] = None

    def erase_case(self, key: CaseKey) -> None:
        """A tombstone for this case goes out with the next write."""
        self._touched_cases[key] = None

    def touch_case(self, key: CaseKey) -> None:
        self._touched_cases[key] = None

    def is_touched(self, key: Key) -> bool:
        return key in self._entities

    def take(
        self, index: FactIndex, cases: Mapping[Key, Mapping[str, Case]], wake_hint: Callable[[Key], int]
    ) -> list[tuple[bytes, bytes | None]]:
        """Records of all that changed; empties the list."""
        records: list[tuple[bytes, bytes | None]] = []
        for key in self._entities:
            facts = index.bookings.get(key) if key.kind == "b" else index.rows.get(key)
            records.append((key.encode(), None if facts is None else encode_value(wake_hint(key), facts)))
        for case_key in self._touched_cases:
            case = cases.get(case_key.subject, {}).get(case_key.rule)
            wake_at = 1 if case is not None and case.phase is Phase.CONFIRMED else 0
            records.append((case_key.encode(), None if case is None else encode_value(wake_at, case)))
        self._entities.clear()
        self._touched_cases.clear()
        return records

    @staticmethod
    def decode(key: bytes, value: bytes) -> tuple[int, BookingFacts | RowFacts | Case]:
        """(wake_at, entry) of one changelog record."""
        wake_at, body = int.from_bytes(value[:8], "big"), value[8:]
        match key[:1]:
            case b"k":
                return wake_at, _cases.decode(body)
            case b"b":
                return wake_at, _bookings.decode(body)
            case _:
                return wake_at, _rows.decode(body)


def encode_value(wake_at: int, entry: Fact | Case) -> bytes:
    """One record's value: the deadline, then the entry."""
    value = wake_at.to_bytes(8, "big") + _encoder.encode(entry)
    assert len(value) <= VALUE_BYTES_MAX, (
        f"a state value of {len(value)} bytes: a bound of streams.model.facts is too wide"
    )
    return value
