"""What the daily report needs beside the figures of its day: what its alerts have in common, and the days before."""

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.store.database import Connection
from connectors.store.instants import moment
from connectors.store.period import Scope
from streams.model.ids import Instant
from streams.reports.causes import Outage, Trouble

#: Troubles of one day: alerts that differ in tenant, rule, account, event type, severity or minute. The largest first.
TROUBLES_MAX = 10_000
OUTAGES_MAX = 500

_TROUBLES = """
SELECT tenant, rule, severity, account, event_type, count(*)::int AS alerts,
       (extract(epoch FROM date_trunc('minute', opened_at)) * 1000)::bigint AS began,
       count(*) FILTER (WHERE resolved_at IS NULL OR resolved_at >= $2)::int AS open,
       min(subject_kind || ' ' || subject_id) AS example
  FROM alert_episodes
 WHERE detected_at >= $1 AND detected_at < $2 AND NOT baseline AND ($3::text[] IS NULL OR tenant = ANY($3))
 GROUP BY tenant, rule, severity, account, event_type, date_trunc('minute', opened_at)
 ORDER BY alerts DESC, began LIMIT $4
"""
# A source that is everybody's is everybody's trouble, also in one tenant's report.
_OUTAGES = """
SELECT subject_id AS source, tenant, (extract(epoch FROM opened_at) * 1000)::bigint AS begin,
       (extract(epoch FROM resolved_at) * 1000)::bigint AS end
  FROM alert_episodes
 WHERE opened_at < $2 AND (resolved_at IS NULL OR resolved_at > $1) AND subject_kind = 'source'
   AND rule IN ('source_stalled', 'coverage_gap')
   AND ($3::text[] IS NULL OR tenant = ANY($3) OR tenant = '*')
 ORDER BY opened_at DESC LIMIT $4
"""
# Buckets between borders: days of a time zone have 23 to 25 hours.
_OPENED = """
SELECT width_bucket(detected_at, $1::timestamptz[]) - 1 AS bucket, count(*)::int AS opened,
       count(*) FILTER (WHERE severity = 'critical')::int AS critical
  FROM alert_episodes
 WHERE detected_at >= $2 AND detected_at < $3 AND ($4::text[] IS NULL OR tenant = ANY($4)) GROUP BY bucket
"""
_RESOLVED = """
SELECT width_bucket(resolved_at, $1::timestamptz[]) - 1 AS bucket, count(*)::int AS resolved
  FROM alert_episodes
 WHERE resolved_at >= $2 AND resolved_at < $3 AND ($4::text[] IS NULL OR tenant = ANY($4)) GROUP BY bucket
"""
_STILL_OPEN = """
SELECT count(*) FILTER (WHERE severity = 'critical' AND responded_at IS NULL)::int AS untaken_critical,
       count(*) FILTER (WHERE detected_at < $1::timestamptz - interval '1 day')::int AS over_a_day
  FROM alert_episodes
 WHERE resolved_at IS NULL AND NOT baseline AND ($2::text[] IS NULL OR tenant = ANY($2))
"""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts opened between two borders, and those of them that are critical."""

    opened: int = 0
    critical: int = 0


class StillOpen(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that stand now."""

    untaken_critical: int
    over_a_day: int


async def troubles(connection: Connection, scope: Scope) -> tuple[Trouble, ...]:
    """The period's alerts, put together where they agree in all that a cause may be seen by."""
    return tuple(Trouble(**row) for row in await connection.fetch(_TROUBLES, *scope.values, TROUBLES_MAX))


async def outages(connection: Connection, scope: Scope) -> tuple[Outage, ...]:
    """When sources could not be trusted in the period."""
    return tuple(Outage(**row) for row in await connection.fetch(_OUTAGES, *scope.values, OUTAGES_MAX))


async def opened_between(connection: Connection, scope: Scope, borders: Sequence[Instant]) -> tuple[Opened, ...]:
    """One for each pair of neighbours of `borders`."""
    rows = await _bucketed(connection, _OPENED, scope, borders)
    found = {row["bucket"]: Opened(opened=row["opened"], critical=row["critical"]) for row in rows}
    return tuple(found.get(number, Opened()) for number in range(len(borders) - 1))


async def resolved_between(connection: Connection, scope: Scope, borders: Sequence[Instant]) -> tuple[int, ...]:
    """One for each pair of neighbours of `borders`."""
    rows = await _bucketed(connection, _RESOLVED, scope, borders)
    found = {row["bucket"]: row["resolved"] for row in rows}
    return tuple(found.get(number, 0) for number in range(len(borders) - 1))


async def still_open(connection: Connection, scope: Scope, now: Instant) -> StillOpen:
    """What stands now; what is older than the installation is left to its own message."""
    row = await connection.fetchrow(_STILL_OPEN, moment(now), scope.wanted)
    return StillOpen(untaken_critical=row["untaken_critical"], over_a_day=row["over_a_day"])


async def installed_at(connection: Connection) -> Instant:
    """Since when Plumbline watches."""
    at = await connection.fetchval("SELECT installed_at FROM installation")
    return Instant(round(at.timestamp() * 1000))


async def _bucketed(connection: Connection, statement: str, scope: Scope, borders: Sequence[Instant]) -> list[Any]:
    instants = [moment(border) for border in borders]
    return list(await connection.fetch(statement, instants, instants[0], instants[-1], scope.wanted))
