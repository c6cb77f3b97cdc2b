"""Direct reads of the database as facts, from topic `crm.rows`."""

from collections.abc import Mapping

import msgspec

from streams.decode.columns import appointment_row, call_row, is_deleted, text
from streams.decode.error import from_json, undecodable
from streams.decode.names import AS_NAMED, ColumnNames
from streams.model.facts import ACTIVE_WORDS, Lookup, Row, RowKind, RowRead, Snapshot
from streams.model.ids import NO_TENANT, parse_iso
from streams.model.observation import AnswerRefused, LookupSeen, Observation, RowReadSeen
from streams.model.records import RowsRead

_decoder = msgspec.json.Decoder(RowsRead)


def decode_rows(
    tenant: str,
    value: bytes,
    timestamp: int,
    appointments: ColumnNames = AS_NAMED,
    calls: ColumnNames = AS_NAMED,
) -> tuple[Observation, ...]:
    """What one answer says of rows and of the reference asked; rows of other tenants are none of this one's.

    The rows are under our names already, in their words. One with `deleted_at` set is as absent as one that is gone.
    Raises DecodeError (invalid_json, wrong_shape, bad_instant, bad_value).
    """
    record = from_json(_decoder, value)
    translated = tuple((calls if row.get("table") == "calls" else appointments).translate(row) for row in record.rows)
    record = msgspec.structs.replace(record, rows=tuple(dict(row) for row in translated))
    if record.result == "unusable":
        return (AnswerRefused(tenant, (record.request_id,), timestamp),)
    if record.result != "found" or record.snapshot is None:
        return ()
    try:
        return tuple(_observations(tenant, record, timestamp))
    except (ValueError, OverflowError) as error:
        raise undecodable(error) from None


def _observations(tenant: str, record: RowsRead, timestamp: int) -> list[Observation]:
    question = record.question
    begun = parse_iso(question.asked_at) or timestamp
    if record.duration_ms is not None:
        begun = timestamp - record.duration_ms
    snapshot = _snapshot(str(record.snapshot))
    found: list[Observation] = []
    mine = None if tenant == NO_TENANT else tenant
    own = [row for row in record.rows if text(row.get("company_id")) == mine]
    for row in own:
        identity = text(row.get("id"))
        if identity is None:
            raise ValueError("a row without id")
        kind: RowKind = "call" if row.get("table") == "calls" else "appointment"
        found.append(RowReadSeen(tenant, kind, identity, RowRead(snapshot, begun, timestamp, _row(kind, row))))
    held = [row for row in own if not is_deleted(row)]
    ids = tuple(sorted(str(text(row.get("id"))) for row in held))
    if question.row_id is not None and question.row_id not in {text(row.get("id")) for row in own}:
        kind = "call" if question.table == "calls" else "appointment"
        absent = RowRead(snapshot, begun, timestamp)
        found.append(RowReadSeen(tenant, kind, question.row_id, absent))
    if question.booking_refs or question.call_id is not None:
        lookup = Lookup(snapshot, begun, timestamp, ids, _foreign(tenant, record))
        found.append(LookupSeen(tenant, lookup, question.booking_refs, question.call_id))
    return found


def _row(kind: RowKind, row: Mapping[str, object]) -> Row | None:
    if is_deleted(row):
        return None
    return call_row(row) if kind == "call" else appointment_row(row)


def _foreign(tenant: str, record: RowsRead) -> tuple[str, ...]:
    """Active rows of other tenants: who holds a booking that is this tenant's."""
    others = [row for row in record.rows if text(row.get("company_id")) not in (None, tenant)]
    active = [row for row in others if text(row.get("status")) in ACTIVE_WORDS and not is_deleted(row)]
    return tuple(sorted(f"{text(row.get('company_id'))}|{text(row.get('id'))}" for row in active))


def _snapshot(text_form: str) -> Snapshot:
    """`xmin:xmax:xip,…` as Postgres prints it."""
    xmin, xmax, running = text_form.split(":")
    return Snapshot(int(xmin), int(xmax), tuple(int(xid) for xid in running.split(",") if xid))
