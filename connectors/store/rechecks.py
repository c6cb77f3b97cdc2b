"""People's wishes to have both sides read again: asked by the API, taken by the connectors' reader.

A wish is taken under a lease: who takes it and dies loses it to the next; after TAKES_MAX it is dropped.
"""

from collections.abc import Sequence

import msgspec

from connectors.store.database import Connection, Database
from streams.alerts.alert import Alert

LEASE_SECONDS = 60
TAKES_MAX = 3

_REQUEST = """
INSERT INTO recheck_requests
    (alert_id, tenant, subject_kind, subject_id, booking_uid, appointment_id, call_id, requested_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (alert_id) DO UPDATE SET requested_at = now(), requested_by = EXCLUDED.requested_by, takes = 0
"""
_TAKE = """
UPDATE recheck_requests AS asked SET taken_at = now(), takes = takes + 1
FROM (
    SELECT id FROM recheck_requests
    WHERE (taken_at IS NULL OR taken_at < now() - make_interval(secs => $2)) AND takes < $3
    ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
) AS due
WHERE asked.id = due.id
RETURNING asked.*
"""
_FINISH = """
DELETE FROM recheck_requests
WHERE id = ANY($1::bigint[]) OR takes >= $2 AND taken_at < now() - interval '1 hour'
"""


class RecheckRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to read again: each id that the alert knows."""

    id: int
    alert_id: str
    tenant: str
    subject_kind: str
    subject_id: str
    booking_uid: str | None
    appointment_id: str | None
    call_id: str | None


async def request_recheck(connection: Connection, alert: Alert, actor: str) -> None:
    """Ask, inside the transaction that writes the history; asking twice is asking once."""
    await connection.execute(
        _REQUEST,
        alert.id,
        alert.tenant,
        alert.subject.kind,
        alert.subject.id,
        alert.booking_uid,
        alert.appointment_id,
        alert.call_id,
        actor,
    )


async def take_rechecks(database: Database, limit: int) -> tuple[RecheckRequest, ...]:
    """At most `limit` wishes, leased for LEASE_SECONDS. Raises StoreUnavailable."""
    async with database.connection() as connection:
        rows = await connection.fetch(_TAKE, limit, LEASE_SECONDS, TAKES_MAX)
    return tuple(
        RecheckRequest(
            id=row["id"],
            alert_id=str(row["alert_id"]),
            tenant=row["tenant"],
            subject_kind=row["subject_kind"],
            subject_id=row["subject_id"],
            booking_uid=row["booking_uid"],
            appointment_id=row["appointment_id"],
            call_id=row["call_id"],
        )
        for row in rows
    )


async def finish_rechecks(database: Database, ids: Sequence[int]) -> None:
    """The questions of these wishes were asked. Raises StoreUnavailable."""
    async with database.connection() as connection:
        await connection.execute(_FINISH, list(ids), TAKES_MAX)
