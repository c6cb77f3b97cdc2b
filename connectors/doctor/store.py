"""Plumbline's own database, and what the worker has told of each tenant in it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import msgspec

from connectors.doctor.line import Line, fail, ok, warn
from connectors.store.migrate import missing_migrations
from streams.logs import mask_text
from streams.model.rule import Rule
from streams.model.source_records import MatchedShare, TenantStanding
from streams.settings import Settings

CONNECT_SECONDS_MAX = 5.0
TENANTS_MAX = 20
#: A suggested grace is this much longer than the slowest of a thousand syncs.
GRACE_MARGIN = 1.2


async def examine_store(settings: Settings) -> list[Line]:
    """Reachable, migrated; and the standings of the tenants."""
    if settings.store.dsn is None:
        return [fail("store", "store.dsn is not set", "set it to postgresql://user:password@host:port/database")]
    try:
        connection = await asyncpg.connect(settings.store.dsn.get_secret_value(), timeout=CONNECT_SECONDS_MAX)
    except (asyncpg.PostgresError, OSError, TimeoutError) as away:
        reason = mask_text(str(away) or type(away).__name__)
        return [fail("store", reason, "is store.dsn right, and may it be reached from here?")]
    try:
        missing = await missing_migrations(connection)
        if missing:
            found = f"{len(missing)} migrations are missing, the first is {missing[0]}"
            return [warn("store", found, "start `plumbline connectors`, which makes its tables")]
        return [ok("store", "reachable and up to date"), *[line async for line in _standings(connection, settings)]]
    finally:
        await connection.close(timeout=CONNECT_SECONDS_MAX)


async def _standings(connection: Any, settings: Settings) -> AsyncIterator[Line]:
    if await connection.fetchval("SELECT to_regclass('tenant_standings')") is None:
        return
    sql = "SELECT standing::text FROM tenant_standings ORDER BY tenant LIMIT $1"
    for row in await connection.fetch(sql, TENANTS_MAX):
        standing = msgspec.json.decode(row["standing"], type=TenantStanding)
        for line in standing_lines(standing, settings):
            yield line


def standing_lines(standing: TenantStanding, settings: Settings) -> Iterator[Line]:
    """What the worker measured of one tenant, and what follows from it."""
    yield _sync(standing, settings)
    yield ok(f"tenant {standing.tenant} lag wait", f"{standing.lag_wait_ms / 1000:g} s for Cal.com's replicas")
    for share in standing.shares:
        yield _share(standing.tenant, share)


def _sync(standing: TenantStanding, settings: Settings) -> Line:
    check = f"tenant {standing.tenant} sync"
    if standing.sync_p50_ms is None or standing.sync_p999_ms is None:
        return ok(check, "not measured yet")
    found = (
        f"p50 {standing.sync_p50_ms / 1000:g} s, p99.9 {standing.sync_p999_ms / 1000:g} s "
        f"of {standing.sync_samples} appointments"
    )
    wanted = round(standing.sync_p999_ms * GRACE_MARGIN / 1000 + 0.5)
    least = min(settings.grace_ms(rule, standing.tenant) for rule in (Rule.ORPHANED_LOCAL, Rule.ORPHANED_CALCOM))
    if wanted * 1000 <= least:
        return ok(check, found)
    key = f"detection.tenants.{standing.tenant}.grace_seconds"
    return warn(check, found, f"suggested: {key} = {{ orphaned_local = {wanted}, orphaned_calcom = {wanted} }}")


def _share(tenant: str, share: MatchedShare) -> Line:
    what = "event type" if share.kind == "event_type" else "source"
    percent = round(100 * share.matched / share.total) if share.total else 0
    check, found = f"tenant {tenant} {what} {share.id}", f"{share.matched} of {share.total} matched ({percent} %)"
    if not share.out:
        return ok(check, found)
    key = "scope.event_types" if share.kind == "event_type" else "scope.synced_sources"
    return warn(check, f"{found}: taken out of scope", f"if it should be watched, name it in {key}")
