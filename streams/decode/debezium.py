"""Debezium change events as facts (facts/faust-and-debezium.md §C), schemas on or off."""

from collections.abc import Mapping
from datetime import tzinfo

import msgspec

from streams.decode.columns import appointment_row, call_row, instant, is_deleted, text, unknown_fields
from streams.decode.error import DecodeError, from_json, undecodable
from streams.decode.names import AS_NAMED, ColumnNames
from streams.model.facts import Row, RowKind, RowVersion
from streams.model.observation import Observation, Origin, RowChanged

Columns = Mapping[str, object]


class _Source(msgspec.Struct):
    ts_ms: int = 0
    lsn: int | None = None
    txId: int | None = None
    sequence: str | None = None
    snapshot: str | bool | None = None


class _Envelope(msgspec.Struct):
    op: str | None = None
    before: dict[str, object] | None = None
    after: dict[str, object] | None = None
    source: _Source | None = None
    payload: "_Envelope | None" = None


_decoder = msgspec.json.Decoder(_Envelope)
#: Change events about rows; `t` (truncate) and `m` (message) are not.
_ROW_OPS = frozenset("crud")


def decode_change(
    kind: RowKind,
    tenant: str,
    value: bytes | None,
    timestamp: int,
    origin: Origin,
    names: ColumnNames = AS_NAMED,
) -> tuple[Observation, ...]:
    """The row's new version; nothing for tombstones and for events that are not about a row.

    A row that goes to another tenant arrives as a delete under the old one and a create under the new one.
    A row with `deleted_at` set is deleted: the application treats it as gone, and so do we.
    Raises DecodeError (invalid_json, wrong_shape, bad_instant, bad_value).
    """
    if value is None:
        return ()
    envelope = from_json(_decoder, value)
    envelope = envelope.payload or envelope
    if envelope.op is None or envelope.source is None:
        raise DecodeError("wrong_shape", "no op or no source: not a change event")
    if envelope.op not in _ROW_OPS:
        return ()
    row = envelope.before if envelope.op == "d" else envelope.after
    columns = names.rename(row or {})
    identity = text(columns.get("id"))
    if identity is None:
        raise DecodeError("wrong_shape", f"a change without a primary key (op {envelope.op})")
    version = _version(kind, envelope, columns, timestamp, origin, names.zone)
    return (RowChanged(tenant, kind, identity, version),)


def _version(
    kind: RowKind, envelope: _Envelope, columns: Columns, timestamp: int, origin: Origin, zone: tzinfo | None
) -> RowVersion:
    source = envelope.source or _Source()
    commit_lsn, lsn = _lsns(source)
    deleted = envelope.op == "d" or is_deleted(columns)
    return RowVersion(
        commit_lsn=commit_lsn,
        lsn=lsn,
        tx=source.txId,
        arrived=timestamp,
        source_at=_source_at(envelope, columns, source),
        # A delete's `before` holds true values in its key columns only (identity by index): nothing else is taken.
        row=None if deleted else _row(kind, columns, zone),
        snapshot_row=envelope.op == "r",
        partition=origin.partition,
        offset=origin.offset,
        unknown=() if deleted else unknown_fields(kind, columns),
    )


def _source_at(envelope: _Envelope, columns: Columns, source: _Source) -> int:
    """When the change happened there. A snapshot tells the time of the snapshot: the row's own word counts then."""
    if envelope.op != "r":
        return source.ts_ms
    try:
        return instant(columns.get("updated_at")) or instant(columns.get("created_at")) or source.ts_ms
    except (ValueError, OverflowError) as error:
        raise undecodable(error) from None


def _row(kind: RowKind, columns: Columns, zone: tzinfo | None) -> Row:
    try:
        return appointment_row(columns, zone) if kind == "appointment" else call_row(columns, zone)
    except (ValueError, OverflowError) as error:
        raise undecodable(error) from None


def _lsns(source: _Source) -> tuple[int, int]:
    """(LSN of the commit before, LSN), as `sequence` has them (tried with 3.7.0.Final).

    A snapshot's rows, and the first change behind it, have no commit before them: they rank by their own LSN, so that
    the rows of a later snapshot are newer than all changes before it. Transaction ids rank nothing.
    """
    lsn = source.lsn or 0
    if not source.sequence:
        return lsn, lsn
    try:
        commit, event = msgspec.json.decode(source.sequence, type=tuple[str | None, str | None])
    except msgspec.DecodeError:
        return lsn, lsn
    return int(commit or lsn), int(event or lsn)
