"""A record under `~<account>`: which booking it is about, by all the names it may have in the database. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from streams.model.records import BookingRead

Kind = Literal["webhook", "read"]
#: An unmapped tenant is "~" and the account's name; "~none" holds rows, never bookings.
UNMAPPED_PREFIX = "~"
#: By how much clocks of different hosts may differ: a read told again counts as begun so much earlier. Counted as
#: begun too early it only makes the worker ask again, counted as begun too late it could prove falsely.
CLOCKS_APART_MS_MAX = 120_000
#: Names of one booking that are looked up; a chain names at most its two neighbours.
REFS_MAX = 8


class UnmappedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record and the names of its booking: uids and numeric ids, its own and its neighbours' in the chain.

    `place` is where it lies, "<topic>/<partition>/<offset>"; `headers` are Kafka's, values in latin-1.
    """

    place: str
    account: str
    kind: Kind
    event_type: str | None
    refs: tuple[str, ...]
    value: bytes
    headers: tuple[tuple[str, str], ...] = ()
    lookups: int = 0


class _EventType(msgspec.Struct):
    id: int | str | None = None


class _Payload(msgspec.Struct):
    uid: str | None = None
    bookingUid: str | None = None  # of no-show updates
    id: int | str | None = None  # of MEETING_*
    bookingId: int | str | None = None
    rescheduleUid: str | None = None
    rescheduleId: int | str | None = None
    eventTypeId: int | str | None = None
    eventType: _EventType | None = None


class _Body(_Payload):
    payload: _Payload | None = None


_body = msgspec.json.Decoder(_Body)
_read = msgspec.json.Decoder(BookingRead)


def account_of_key(key: bytes | None) -> str | None:
    """The account that a key's unmapped tenant belongs to; None for every other key."""
    tenant = (key or b"").decode("utf-8", "replace")
    return tenant[len(UNMAPPED_PREFIX) :] if tenant.startswith(UNMAPPED_PREFIX) else None


def unmapped_webhook(record: Any, account: str) -> UnmappedRecord | None:
    """A webhook (of aiokafka); None for a body that names no booking: whose it is cannot be found out."""
    try:
        body = _body.decode(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    one = body.payload or body
    refs = _refs((one.uid, one.bookingUid, one.bookingId, one.id, one.rescheduleUid, one.rescheduleId))
    nested = one.eventType.id if one.eventType is not None else None
    event_type = nested if one.eventTypeId is None else one.eventTypeId
    headers = tuple((name, value.decode("latin-1")) for name, value in record.headers)
    return _record(record, account, "webhook", event_type, refs, headers)


def unmapped_read(record: Any, account: str) -> UnmappedRecord | None:
    """A read (of aiokafka); None for one that shows no booking."""
    try:
        read = _read.decode(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if read.result != "found" or read.booking is None:
        return None
    shown: Mapping[str, object] = read.booking
    refs = _refs(shown.get(name) for name in ("uid", "id", "rescheduledFromUid", "rescheduledToUid"))
    return _record(record, account, "read", shown.get("eventTypeId"), refs, ())


def aged(value: bytes, now: datetime) -> BookingRead:
    """The same read to be told now, as old as it is at the very most. Raises msgspec.DecodeError."""
    read = _read.decode(value)
    held_ms = (now - datetime.fromisoformat(read.read_at)).total_seconds() * 1000
    duration_ms = read.duration_ms + max(0, round(held_ms)) + CLOCKS_APART_MS_MAX
    # Who asked it asked under another tenant: under this one nobody did.
    return msgspec.structs.replace(read, duration_ms=duration_ms, asked_at=None, request_ids=())


def _record(
    record: Any,
    account: str,
    kind: Kind,
    event_type: object,
    refs: tuple[str, ...],
    headers: tuple[tuple[str, str], ...],
) -> UnmappedRecord | None:
    if not refs:
        return None
    return UnmappedRecord(
        place=f"{record.topic}/{record.partition}/{record.offset}",
        account=account,
        kind=kind,
        event_type=None if event_type is None else str(event_type),
        refs=refs,
        value=record.value,
        headers=headers,
    )


def _refs(names: Iterable[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(name) for name in names if name))[:REFS_MAX]
