"""The ledger of failed syncs: orphans with their alerts, accounts' trouble by the minute, and its pages."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.store.database import Connection, Database
from connectors.store.instants import iso_of, moment
from streams.alerts.alert import Alert
from streams.alerts.sync_failure import FIRST_STATUS, FailureType, ResolutionStatus, Trouble, failure_of
from streams.model.ids import Instant

PAGE_MAX = 200
#: An account's trouble of a sort is over when none was seen for so long, though Cal.com answered.
UNUSABLE_QUIET = timedelta(hours=1)
#: Accounts' trouble is kept for so long; an orphan's line as long as its alert.
TROUBLE_KEPT = timedelta(days=90)

_ORPHANS = """
INSERT INTO calcom_sync_failures (alert_id, episode, tenant, calcom_booking_id, appointment_id, call_id, failure_type,
                                  detected_at, last_seen_at, resolved_at, resolution_status, resolution_notes)
SELECT alert_id, episode, tenant, calcom_booking_id, appointment_id, call_id, failure_type,
       detected_at, detected_at, resolved_at, resolution_status, resolution_notes
  FROM jsonb_populate_recordset(NULL::calcom_sync_failures, $1::jsonb)
ON CONFLICT (alert_id, episode) DO UPDATE
   SET calcom_booking_id = EXCLUDED.calcom_booking_id, appointment_id = EXCLUDED.appointment_id,
       call_id = EXCLUDED.call_id, resolved_at = EXCLUDED.resolved_at,
       resolution_status = EXCLUDED.resolution_status, resolution_notes = EXCLUDED.resolution_notes
 WHERE (calcom_sync_failures.resolution_status, calcom_sync_failures.calcom_booking_id)
       IS DISTINCT FROM (EXCLUDED.resolution_status, EXCLUDED.calcom_booking_id)
"""
_TROUBLE = """
INSERT INTO calcom_sync_failures (account, failure_type, minute, occurrences, error_details, detected_at, last_seen_at,
                                  resolution_status)
SELECT account, failure_type, date_trunc('minute', detected_at), occurrences, error_details, detected_at, last_seen_at,
       resolution_status
  FROM jsonb_populate_recordset(NULL::calcom_sync_failures, $1::jsonb)
ON CONFLICT (account, failure_type, minute) DO UPDATE
   SET occurrences = calcom_sync_failures.occurrences + EXCLUDED.occurrences,
       error_details = EXCLUDED.error_details, last_seen_at = EXCLUDED.last_seen_at,
       resolution_status = EXCLUDED.resolution_status, resolved_at = NULL, resolution_notes = NULL
"""
_ANSWERED = """
UPDATE calcom_sync_failures
   SET resolution_status = 'resolved', resolved_at = now(), resolution_notes = 'Cal.com answers again'
 WHERE account = ANY($1::text[]) AND resolution_status <> 'resolved'
   AND (failure_type <> 'schema_error' OR last_seen_at < now() - $2::interval)
"""
_FORGET = "DELETE FROM calcom_sync_failures WHERE account IS NOT NULL AND detected_at < now() - $1::interval"


class FailurePlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a page ended: when the last one was detected, and its number."""

    detected_at: Instant
    id: int


class FailureFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which failures; an empty tuple is any. `accounts` are those whose trouble the tenants may see."""

    tenants: tuple[str, ...] | None = None
    accounts: tuple[str, ...] | None = None
    types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    since: Instant | None = None


class SyncFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger. Of an account's trouble `tenant` and `alert_id` are null, of an orphan `account` is."""

    id: str
    failure_type: FailureType
    resolution_status: ResolutionStatus
    tenant: str | None
    account: str | None
    alert_id: str | None
    calcom_booking_id: str | None
    appointment_id: str | None
    call_id: str | None
    occurrences: int
    error_details: dict[str, str | int | None] | None
    detected_at: str
    last_seen_at: str
    resolved_at: str | None
    resolution_notes: str | None


_COLUMNS = ", ".join(SyncFailure.__struct_fields__)
_details = msgspec.json.Decoder(dict[str, str | int | None])


async def follow_orphans(connection: Connection, alerts: Sequence[Alert]) -> None:
    """Enter orphans and their ends, in the transaction that writes them; of several states of an episode the last."""
    failures = [failure for alert in alerts if (failure := failure_of(alert)) is not None]
    newest = {(failure.alert_id, failure.episode): failure for failure in failures}
    if newest:
        await connection.execute(_ORPHANS, msgspec.json.encode(list(newest.values())).decode())


class SyncFailures:
    """The table `calcom_sync_failures`. Every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep_trouble(self, trouble: Sequence[Trouble], answering: Collection[str]) -> None:
        """Enter what failed; `answering` are accounts whose newest request was answered as it should be."""
        rows = [
            {
                "account": one.account,
                "failure_type": one.failure_type,
                "occurrences": one.occurrences,
                "error_details": {"reason": one.reason, "http_status": one.http_status},
                "detected_at": _whole_milliseconds(one.detected_at),  # as far as a cursor tells
                "last_seen_at": one.last_seen_at,
                "resolution_status": FIRST_STATUS[one.failure_type],
            }
            for one in trouble
        ]
        async with self._database.transaction() as connection:
            if rows:
                await connection.execute(_TROUBLE, msgspec.json.encode(rows).decode())
                await connection.execute(_FORGET, TROUBLE_KEPT)
            if answering:
                await connection.execute(_ANSWERED, sorted(answering), UNUSABLE_QUIET)

    async def page(self, wanted: FailureFilter, *, limit: int, after: FailurePlace | None) -> tuple[SyncFailure, ...]:
        """Newest first, at most `limit`, those behind `after`."""
        values: list[object] = []
        clauses = ["true"]
        if wanted.tenants is not None or wanted.accounts is not None:
            values += [list(wanted.tenants or ()), list(wanted.accounts or ())]
            clauses.append("(tenant = ANY($1::text[]) OR account = ANY($2::text[]))")
        for column, allowed in (("failure_type", wanted.types), ("resolution_status", wanted.statuses)):
            if allowed:
                values.append(list(allowed))
                clauses.append(f"{column} = ANY(${len(values)}::text[])")
        if wanted.since is not None:
            values.append(moment(wanted.since))
            clauses.append(f"detected_at >= ${len(values)}")
        if after is not None:
            values += [moment(after.detected_at), after.id]
            clauses.append(f"(detected_at, id) < (${len(values) - 1}, ${len(values)})")
        values.append(limit)
        where = " AND ".join(clauses)
        order = "detected_at DESC, id DESC"
        statement = f"SELECT {_COLUMNS} FROM calcom_sync_failures WHERE {where} ORDER BY {order} LIMIT ${len(values)}"
        async with self._database.connection() as connection:
            return tuple(_failure(row) for row in await connection.fetch(statement, *values))


def _whole_milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _failure(row: Any) -> SyncFailure:
    values = dict(row)
    for name in ("detected_at", "last_seen_at", "resolved_at"):
        values[name] = None if values[name] is None else iso_of(values[name])
    details = values["error_details"]
    values |= {
        "id": str(values["id"]),
        "alert_id": None if values["alert_id"] is None else str(values["alert_id"]),
        "error_details": None if details is None else _details.decode(details),
    }
    return msgspec.convert(values, SyncFailure)
