"""How long bookings were compared, and how long they were wrong: what the objective is measured by."""

from datetime import datetime

from connectors.store.database import Connection
from connectors.store.period import Scope
from streams.model.ids import Instant
from streams.reports.objective import Measured, WrongTime

#: Spans read from the store at a time.
SPANS_PER_FETCH = 5_000

_MEASURED = """
SELECT tenant, range_agg(tstzrange(greatest(hour, $1), least(hour + interval '1 hour', $2))) AS spans,
       sum((in_sync + differing) * extract(epoch FROM least(hour + interval '1 hour', $2) - greatest(hour, $1)) * 1000
       )::bigint AS compared_ms
  FROM hourly_statistics
 WHERE hour > $1 - interval '1 hour' AND hour < $2 AND compared_at IS NOT NULL
   AND ($3::text[] IS NULL OR tenant = ANY($3))
 GROUP BY tenant
"""
# Byte order is the order of Python's text. What people called no fault was none.
_SPANS = """
SELECT tenant, coalesce('b' || booking_uid, left(subject_kind, 1) || subject_id) COLLATE "C" AS subject,
       (extract(epoch FROM opened_at) * 1000)::bigint AS begin,
       (extract(epoch FROM coalesce(resolved_at, $2)) * 1000)::bigint AS end
  FROM alert_episodes
 WHERE opened_at < $2 AND (resolved_at IS NULL OR resolved_at > $1) AND subject_kind IN ('booking', 'appointment')
   AND rule <> 'verification_failed' AND (resolution IS NULL OR resolution NOT IN ('false_positive', 'expected'))
   AND ($3::text[] IS NULL OR tenant = ANY($3))
 ORDER BY tenant COLLATE "C", subject, begin
"""


async def measured(connection: Connection, scope: Scope) -> tuple[Measured, ...]:
    """When each tenant's bookings were looked at, and how many."""
    return tuple(
        Measured(
            tenant=row["tenant"],
            spans=tuple((_instant(span.lower), _instant(span.upper)) for span in row["spans"]),
            compared_ms=row["compared_ms"],
        )
        for row in await connection.fetch(_MEASURED, *scope.values)
    )


async def measure(connection: Connection, scope: Scope, wrong: WrongTime) -> None:
    """Let `wrong` see when each booking was wrong; by a cursor, so that a million alerts take time and no memory."""
    cursor = await connection.cursor(_SPANS, *scope.values)
    while rows := await cursor.fetch(SPANS_PER_FETCH):
        for row in rows:
            wrong.add(row["tenant"], row["subject"], row["begin"], row["end"])


def _instant(at: datetime) -> Instant:
    return Instant(round(at.timestamp() * 1000))
