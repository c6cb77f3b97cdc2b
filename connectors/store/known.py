"""What the store knows about the rows and bookings that are to be validated: verdicts, and alerts that stand."""

from collections.abc import Sequence

import msgspec

from connectors.store.database import Database
from connectors.store.verdicts import verdicts_of
from streams.model.records import Difference, Subject
from streams.model.rule import Rule, SubjectKind
from streams.validation_words import Known, KnownAlert, KnownBooking, SeenRow

ALERTS_MAX = 50

# Found by booking and by row, each by an index of its own: an OR of the two would have none.
_ALERTS = f"""
SELECT id, rule, subject_kind, subject_id, appointment_id, alert -> 'differences' AS differences
  FROM data_consistency_alerts
 WHERE tenant = $1 AND status <> 'resolved'
   AND id IN (SELECT id FROM data_consistency_alerts WHERE booking_uid = ANY($2::text[])
              UNION
              SELECT alert.id FROM unnest($3::text[], $4::text[]) AS named (kind, id)
                JOIN data_consistency_alerts AS alert
                  ON alert.subject_kind = named.kind AND alert.subject_id = named.id)
 ORDER BY priority, id LIMIT {ALERTS_MAX}
"""
_differences = msgspec.json.Decoder(tuple[Difference, ...])


async def known_of(database: Database, tenant: str, bookings: Sequence[str], rows: Sequence[SeenRow]) -> Known:
    """Of one tenant: the bookings that go by these names, and what is told of them and of the rows.

    Raises StoreUnavailable.
    """
    async with database.connection() as connection:
        verdicts = await verdicts_of(connection, bookings, [tenant])
        names = set(bookings).union(*(verdict.names for verdict in verdicts))
        found = await connection.fetch(
            _ALERTS, tenant, sorted(names), [row.kind for row in rows], [row.id for row in rows]
        )
    return Known(
        bookings=tuple(
            KnownBooking(
                uid=verdict.uid,
                names=verdict.names,
                verdict=verdict.verdict,
                reason=verdict.reason,
                as_of=verdict.as_of,
                compared_through=verdict.compared_through,
            )
            for verdict in verdicts
        ),
        alerts=tuple(
            KnownAlert(
                id=str(row["id"]),
                rule=Rule(row["rule"]),
                subject=Subject(kind=SubjectKind(row["subject_kind"]), id=row["subject_id"]),
                appointment_id=row["appointment_id"],
                differences=_differences.decode(row["differences"]),
            )
            for row in found
        ),
    )
