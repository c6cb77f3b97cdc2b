"""How far each tenant is compared: the worker's newest word, by tenant."""

from collections.abc import Sequence

import msgspec

from connectors.store.database import Connection
from streams.model.ids import parse_iso
from streams.model.source_records import TenantStanding

_UPSERT = """
INSERT INTO tenant_standings (tenant, at, compared_through, standing)
SELECT tenant, at, compared_through, standing FROM jsonb_populate_recordset(NULL::tenant_standings, $1::jsonb)
ON CONFLICT (tenant) DO UPDATE SET
    at = EXCLUDED.at, compared_through = EXCLUDED.compared_through, standing = EXCLUDED.standing
WHERE tenant_standings.at <= EXCLUDED.at
"""
#: `$1` null is all; those behind `$2`.
_PAGE = """
SELECT standing FROM tenant_standings
WHERE ($1::text[] IS NULL OR tenant = ANY($1)) AND tenant > $2 ORDER BY tenant LIMIT $3
"""
_decoder = msgspec.json.Decoder(TenantStanding)


async def write_standings(connection: Connection, standings: Sequence[TenantStanding]) -> None:
    """Keep the newest of each tenant, by `at`; a replay changes nothing."""
    newest: dict[str, TenantStanding] = {}
    for standing in standings:
        kept = newest.get(standing.tenant)
        if kept is None or (parse_iso(kept.at) or 0) <= (parse_iso(standing.at) or 0):
            newest[standing.tenant] = standing
    if not newest:
        return
    rows = [
        {"tenant": tenant, "at": one.at, "compared_through": one.compared_through, "standing": one}
        for tenant, one in sorted(newest.items())
    ]
    await connection.execute(_UPSERT, msgspec.json.encode(rows).decode())


async def standings_of(
    connection: Connection, tenants: Sequence[str] | None, *, after: str, limit: int
) -> tuple[TenantStanding, ...]:
    """Of these tenants (None is all) in their order, at most `limit`, those behind `after`."""
    rows = await connection.fetch(_PAGE, None if tenants is None else list(tenants), after, limit)
    return tuple(_decoder.decode(row["standing"]) for row in rows)
