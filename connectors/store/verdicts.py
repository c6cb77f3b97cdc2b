"""How each booking and appointment stands: newest verdict by subject, found by any of its aliases."""

from collections.abc import Sequence

import msgspec

from connectors.store.database import Connection, Database
from connectors.store.instants import iso_of
from streams.model.ids import parse_iso
from streams.model.records import Difference, Verdict

_UPSERT = """
INSERT INTO verdicts (tenant, subject_kind, subject_id, verdict, reason, as_of, compared_through, aliases,
                      differences, suspected_for_ms)
SELECT tenant, subject_kind, subject_id, verdict, reason, as_of, compared_through, aliases,
       differences, suspected_for_ms
FROM jsonb_populate_recordset(NULL::verdicts, $1::jsonb)
ON CONFLICT (tenant, subject_kind, subject_id) DO UPDATE SET
    verdict = EXCLUDED.verdict, reason = EXCLUDED.reason, as_of = EXCLUDED.as_of,
    compared_through = EXCLUDED.compared_through, aliases = EXCLUDED.aliases,
    differences = EXCLUDED.differences, suspected_for_ms = EXCLUDED.suspected_for_ms
WHERE verdicts.as_of <= EXCLUDED.as_of
"""
# When a chain grows, or a numeric id turns out to be a uid's, the booking is told of under its newest name: what was
# said of it under an older one is no verdict any more.
_OUTGROWN = """
DELETE FROM verdicts AS old USING jsonb_populate_recordset(NULL::verdicts, $1::jsonb) AS new
 WHERE old.tenant = new.tenant AND old.subject_kind = 'booking' AND new.subject_kind = 'booking'
   AND old.subject_id = ANY(new.aliases) AND old.subject_id <> new.subject_id AND old.as_of < new.as_of
"""
#: What differs anywhere differs; what is unknown anywhere is not known to agree. Then the newest.
#: A verdict is told when it changes, so it stands through what its tenant is compared through; while sources are held
#: back, through what was heard of them.
_OF_BOOKING = """
SELECT v.tenant, v.subject_id, v.aliases, v.verdict, v.reason, v.as_of, v.differences,
       greatest(v.compared_through,
                CASE WHEN held.deaf THEN NULL ELSE least(s.compared_through, held.heard_through) END
       ) AS compared_through
FROM verdicts AS v
LEFT JOIN tenant_standings AS s ON s.tenant = v.tenant
LEFT JOIN LATERAL (
    SELECT min(source_states.heard_through) AS heard_through, bool_or(source_states.heard_through IS NULL) AS deaf
    FROM jsonb_array_elements_text(s.standing -> 'held_back_by') AS name
    LEFT JOIN source_states ON source_states.source = name
) AS held ON true
WHERE v.aliases && $1::text[] AND ($2::text[] IS NULL OR v.tenant = ANY($2))
ORDER BY CASE v.verdict WHEN 'differ' THEN 0 WHEN 'unknown' THEN 1 ELSE 2 END, v.as_of DESC
LIMIT 50
"""
#: An alert names its booking's newest link, and was perhaps opened under an older one.
_ALERTS_OF_BOOKING = """
SELECT id, tenant, rule, detected_at FROM data_consistency_alerts
WHERE booking_uid = ANY($1::text[]) AND status <> 'resolved' AND ($2::text[] IS NULL OR tenant = ANY($2))
ORDER BY priority, id LIMIT 50
"""

_differences = msgspec.json.Decoder(tuple[Difference, ...])


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `GET /v1/bookings/{uid}/consistency`; `alerts` are the ids of those not resolved."""

    uid: str
    tenant: str
    verdict: str
    reason: str
    as_of: str
    compared_through: str | None
    differences: tuple[Difference, ...]
    alerts: tuple[str, ...]


async def write_verdicts(connection: Connection, verdicts: Sequence[Verdict]) -> None:
    """Keep the newest verdict of each subject, by `as_of`; one statement for all."""
    newest: dict[tuple[str, str, str], Verdict] = {}
    for verdict in verdicts:
        key = (verdict.tenant, verdict.subject.kind.value, verdict.subject.id)
        kept = newest.get(key)
        if kept is None or (parse_iso(kept.as_of) or 0) <= (parse_iso(verdict.as_of) or 0):
            newest[key] = verdict
    rows = [_row(verdict) for _, verdict in sorted(newest.items())]
    text = msgspec.json.encode(rows).decode()
    await connection.execute(_UPSERT, text)
    await connection.execute(_OUTGROWN, text)


class BookingVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The newest verdict of one booking; `names` are every uid and numeric id of its chain."""

    tenant: str
    uid: str
    names: frozenset[str]
    verdict: str
    reason: str
    as_of: str
    compared_through: str
    differences: tuple[Difference, ...]


async def verdicts_of(
    connection: Connection, names: Sequence[str], tenants: Sequence[str] | None
) -> tuple[BookingVerdict, ...]:
    """The verdicts of bookings by any of their names, the worst first; of these tenants (None is all)."""
    rows = await connection.fetch(_OF_BOOKING, list(names), None if tenants is None else list(tenants))
    return tuple(
        BookingVerdict(
            tenant=row["tenant"],
            uid=row["subject_id"],
            names=frozenset(row["aliases"]),
            verdict=row["verdict"],
            reason=row["reason"],
            as_of=iso_of(row["as_of"]),
            compared_through=iso_of(row["compared_through"]),
            differences=_differences.decode(row["differences"]),
        )
        for row in rows
    )


async def consistency_of(database: Database, uid: str, tenants: Sequence[str] | None) -> Consistency | None:
    """How a booking stands for these tenants (None is all); None where no side ever named it.

    Where several tenants name it, the worst verdict is told, with the alerts of all of them. Raises StoreUnavailable.
    """
    async with database.connection() as connection:
        verdicts = await verdicts_of(connection, [uid], tenants)
        names = {uid}.union(*(verdict.names for verdict in verdicts))
        alerts = await connection.fetch(_ALERTS_OF_BOOKING, sorted(names), None if tenants is None else list(tenants))
    ids = tuple(str(alert["id"]) for alert in alerts)
    if verdicts:
        worst = verdicts[0]
        return Consistency(
            uid=uid,
            tenant=worst.tenant,
            verdict=worst.verdict,
            reason=worst.reason,
            as_of=worst.as_of,
            compared_through=worst.compared_through,
            differences=worst.differences,
            alerts=ids,
        )
    if not alerts:
        return None
    first = alerts[0]  # the finding came before the verdict
    return Consistency(
        uid=uid, tenant=first["tenant"], verdict="differ", reason=first["rule"],
        as_of=iso_of(first["detected_at"]), compared_through=None, differences=(), alerts=ids,
    )  # fmt: skip


def _row(verdict: Verdict) -> dict[str, object]:
    own = (verdict.subject.id,) if verdict.subject.kind == "booking" else ()
    return {
        "tenant": verdict.tenant,
        "subject_kind": verdict.subject.kind,
        "subject_id": verdict.subject.id,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "as_of": verdict.as_of,
        "compared_through": verdict.compared_through,
        "aliases": sorted({*verdict.aliases, *own}),
        "differences": verdict.differences,
        "suspected_for_ms": verdict.suspected_for_ms,
    }
