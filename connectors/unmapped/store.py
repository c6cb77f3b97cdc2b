"""Records whose tenant is looked for, and what became of them: tables of migration 0005."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from connectors.unmapped.record import UnmappedRecord

#: Records that wait at once; what comes beyond is not kept, and comes again with the next pass over the account.
RECORDS_MAX = 20_000
#: Whose a booking is, is forgotten so long after it was last needed.
KNOWN_DAYS_MAX = 400

_KEEP = """
INSERT INTO unmapped_records (place, account, kind, event_type, refs, value, headers)
SELECT $1, $2, $3, $4, $5, $6, $7::jsonb
 WHERE (SELECT count(*) FROM unmapped_records) < $8
ON CONFLICT (place) DO NOTHING
"""
_DUE = """
SELECT place, account, kind, event_type, refs, value, headers::text AS headers, lookups
  FROM unmapped_records WHERE next_at <= now() ORDER BY next_at, taken_at, place LIMIT $1
"""
_LATER = """
UPDATE unmapped_records
   SET lookups = lookups + $2, next_at = now() + make_interval(secs => $3) WHERE place = ANY($1)
"""
_KNOWN = """
INSERT INTO unmapped_bookings (ref, tenant) SELECT unnest($1::text[]), $2
ON CONFLICT (ref) DO UPDATE SET tenant = excluded.tenant, found_at = now()
"""
# A booking counts once, however often it is told of.
_COUNTED = """
INSERT INTO unmapped_bookings (ref, tenant) VALUES ($1, NULL) ON CONFLICT (ref) DO NOTHING RETURNING ref
"""
_UNKNOWN = """
INSERT INTO unmapped_event_types (account, event_type) VALUES ($1, $2)
ON CONFLICT (account, event_type) DO UPDATE
   SET bookings = unmapped_event_types.bookings + $3, last_seen_at = now()
RETURNING (xmax = 0) AS first
"""


class UnmappedStore:
    """The tables. `pool` is the store's; its errors are raised as they are."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def keep(self, records: Sequence[UnmappedRecord]) -> None:
        """Look for their tenants from now on; a record that is kept already stays as it is."""
        rows = [
            (one.place, one.account, one.kind, one.event_type, list(one.refs), one.value,
             msgspec.json.encode(one.headers).decode(), RECORDS_MAX)
            for one in records
        ]  # fmt: skip
        await self._pool.executemany(_KEEP, rows)

    async def due(self, limit: int) -> list[UnmappedRecord]:
        """Those to be looked up now, the longest overdue first."""
        return [
            UnmappedRecord(
                place=row["place"],
                account=row["account"],
                kind=row["kind"],
                event_type=row["event_type"],
                refs=tuple(row["refs"]),
                value=bytes(row["value"]),
                headers=msgspec.json.decode(row["headers"], type=tuple[tuple[str, str], ...]),
                lookups=row["lookups"],
            )
            for row in await self._pool.fetch(_DUE, limit)
        ]

    async def later(self, places: Collection[str], seconds: float, *, looked_up: bool) -> None:
        """Look again after a while; a lookup that the database did not answer is none."""
        await self._pool.execute(_LATER, list(places), int(looked_up), seconds)

    async def known(self, refs: Collection[str]) -> dict[str, str]:
        """Whose these are, as far as a row ever said."""
        sql = "SELECT ref, tenant FROM unmapped_bookings WHERE ref = ANY($1) AND tenant IS NOT NULL"
        rows = await self._pool.fetch(sql, list(refs))
        return {row["ref"]: row["tenant"] for row in rows}

    async def mapped(self, record: UnmappedRecord, tenant: str) -> None:
        """Its facts were told under the tenant."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_KNOWN, list(record.refs), tenant)
            await connection.execute("DELETE FROM unmapped_records WHERE place = $1", record.place)

    async def given_up(self, record: UnmappedRecord) -> bool:
        """Nobody's to the end; whether it is the first of its event type."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("DELETE FROM unmapped_records WHERE place = $1", record.place)
            is_new = await connection.fetchval(_COUNTED, record.refs[0]) is not None
            first = await connection.fetchval(_UNKNOWN, record.account, record.event_type or "", int(is_new))
        return bool(first)

    async def tidy(self, mapped: Mapping[str, Collection[str]]) -> None:
        """Forget what is old, and event types that are mapped by now (`mapped`: account → its event types)."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "DELETE FROM unmapped_bookings WHERE found_at < now() - make_interval(days => $1)", KNOWN_DAYS_MAX
            )
            await connection.execute("DELETE FROM unmapped_event_types WHERE NOT account = ANY($1)", list(mapped))
            for account, event_types in mapped.items():
                await connection.execute(
                    "DELETE FROM unmapped_event_types WHERE account = $1 AND event_type = ANY($2)",
                    account,
                    list(event_types),
                )
