"""What the store says of a period, for one tenant or several: counts, durations, what was measured.

All of it is read from `alert_episodes` by index of the period and from `hourly_statistics`, in one transaction of the
caller's, so that the figures agree.
"""

from typing import Any

import msgspec

from connectors.store.database import Connection
from connectors.store.instants import iso_of, moment
from connectors.store.period import Scope
from streams.reports.figures import RESPONSE_SECONDS_MAX, Response, Seconds, Standing

#: A standing older than this, at the end of the period, says nothing about it any more.
STANDING_HOURS_MAX = 3

_RULES = """
SELECT tenant, rule, severity, sum(opened)::int AS opened, sum(baseline)::int AS baseline,
       sum(resolved)::int AS resolved, sum(standing)::int AS open
  FROM (SELECT tenant, rule, severity, count(*) AS opened, count(*) FILTER (WHERE baseline) AS baseline,
               0 AS resolved, 0 AS standing
          FROM alert_episodes
         WHERE detected_at >= $1 AND detected_at < $2 AND ($3::text[] IS NULL OR tenant = ANY($3)) GROUP BY 1, 2, 3
        UNION ALL
        SELECT tenant, rule, severity, 0, 0, count(*), 0 FROM alert_episodes
         WHERE resolved_at >= $1 AND resolved_at < $2 AND ($3::text[] IS NULL OR tenant = ANY($3)) GROUP BY 1, 2, 3
        UNION ALL
        SELECT tenant, rule, severity, 0, 0, 0, count(*) FROM alert_episodes
         WHERE (resolved_at IS NULL OR resolved_at >= $2) AND detected_at < $2
           AND ($3::text[] IS NULL OR tenant = ANY($3)) GROUP BY 1, 2, 3) AS counted
 GROUP BY tenant, rule, severity ORDER BY tenant, rule, severity
"""
_RESOLUTIONS = """
SELECT resolution, count(*) AS alerts FROM alert_episodes
 WHERE resolved_at >= $1 AND resolved_at < $2 AND resolution IS NOT NULL AND ($3::text[] IS NULL OR tenant = ANY($3))
 GROUP BY resolution ORDER BY resolution
"""
_SECONDS = """
SELECT count(*)::int AS count, avg(took)::float8 AS mean, percentile_disc(0.5) WITHIN GROUP (ORDER BY took) AS p50,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY took) AS p95, max(took) AS max
"""
# What is older than the installation was found when Plumbline came, and a source has no fault that begins before.
_DETECTION = f"""
{_SECONDS} FROM (
    SELECT greatest(0, extract(epoch FROM detected_at - opened_at))::float8 AS took FROM alert_episodes
     WHERE detected_at >= $1 AND detected_at < $2 AND NOT baseline AND subject_kind <> 'source'
       AND ($3::text[] IS NULL OR tenant = ANY($3))) AS detected
"""
# One that another alert speaks for was not mended.
_RESOLVING = f"""
{_SECONDS} FROM (
    SELECT greatest(0, extract(epoch FROM resolved_at - detected_at))::float8 AS took FROM alert_episodes
     WHERE resolved_at >= $1 AND resolved_at < $2 AND NOT baseline AND resolution <> 'superseded'
       AND ($3::text[] IS NULL OR tenant = ANY($3))) AS resolved
"""
# What was over before anybody could be expected to look needs no answer.
_RESPONSE = f"""
{_SECONDS}, (SELECT count(*)::int FROM alert_episodes
              WHERE detected_at >= $1 AND detected_at < $2 AND NOT baseline
                AND ($3::text[] IS NULL OR tenant = ANY($3))
                AND (responded_at IS NOT NULL
                     OR coalesce(resolved_at, $2) > detected_at + make_interval(secs => $4))) AS alerts,
       count(*) FILTER (WHERE took <= $4)::int AS in_time
  FROM (SELECT greatest(0, extract(epoch FROM responded_at - detected_at))::float8 AS took FROM alert_episodes
         WHERE detected_at >= $1 AND detected_at < $2 AND NOT baseline AND responded_at IS NOT NULL
           AND ($3::text[] IS NULL OR tenant = ANY($3))) AS responded
"""
_STANDING = """
SELECT DISTINCT ON (tenant) tenant, compared_at, in_sync, differing, unknown FROM hourly_statistics
 WHERE hour < $1 AND hour > $1 - make_interval(hours => $3) AND compared_at IS NOT NULL
   AND ($2::text[] IS NULL OR tenant = ANY($2))
 ORDER BY tenant, hour DESC
"""
_MADE = """
SELECT sum(calls)::int AS calls, sum(appointments)::int AS appointments FROM hourly_statistics
 WHERE hour >= $1 AND hour < $2 AND ($3::text[] IS NULL OR tenant = ANY($3))
"""
_PEAKS = """
SELECT (SELECT count(*)::int FROM alert_episodes
         WHERE detected_at >= $2::timestamptz - interval '1 day' AND detected_at < $2 AND NOT baseline
           AND rule IN ('orphaned_local', 'orphaned_calcom') AND ($3::text[] IS NULL OR tenant = ANY($3))) AS orphans,
       (SELECT coalesce(max(alerts), 0)::int FROM (
            SELECT count(*) AS alerts FROM alert_episodes
             WHERE detected_at >= $1 AND detected_at < $2 AND rule = 'verification_failed'
               AND ($3::text[] IS NULL OR tenant = ANY($3))
             GROUP BY date_bin('1 hour', detected_at, $1)) AS hours) AS failed
"""
_REVIEW = """
SELECT count(*)::int FROM manual_review_queue
 WHERE state IN ('pending', 'claimed') AND ($1::text[] IS NULL OR tenant = ANY($1))
"""
_UNMATCHED = """
SELECT coalesce(sum((share ->> 'total')::int), 0)::int
  FROM tenant_standings, jsonb_array_elements(standing -> 'shares') AS share
 WHERE (share ->> 'out')::boolean AND ($1::text[] IS NULL OR tenant = ANY($1))
"""


class RuleCount(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts of one tenant, rule and severity."""

    tenant: str
    rule: str
    severity: str
    opened: int
    baseline: int
    resolved: int
    open: int


class Peaks(msgspec.Struct, frozen=True, kw_only=True):
    """Orphans of the last day of the period; failed verifications of its worst hour."""

    orphans: int
    failed: int


async def rule_counts(connection: Connection, scope: Scope) -> tuple[RuleCount, ...]:
    """Opened, resolved in the period, open at its end."""
    return tuple(RuleCount(**row) for row in await connection.fetch(_RULES, *scope.values))


async def resolutions(connection: Connection, scope: Scope) -> dict[str, int]:
    """How alerts ended that ended in the period."""
    return {row["resolution"]: row["alerts"] for row in await connection.fetch(_RESOLUTIONS, *scope.values)}


async def detection_seconds(connection: Connection, scope: Scope) -> Seconds:
    """From the fault's beginning to its proof, grace included."""
    return _seconds(await connection.fetchrow(_DETECTION, *scope.values))


async def resolving_seconds(connection: Connection, scope: Scope) -> Seconds:
    """From the proof to the end."""
    return _seconds(await connection.fetchrow(_RESOLVING, *scope.values))


async def response(connection: Connection, scope: Scope) -> Response:
    """From the proof to the first word of a person, of alerts that stood long enough to need one."""
    row = await connection.fetchrow(_RESPONSE, *scope.values, float(RESPONSE_SECONDS_MAX))
    return Response(alerts=row["alerts"], responded=row["count"], in_time=row["in_time"], seconds=_seconds(row))


async def standings(connection: Connection, scope: Scope) -> dict[str, Standing]:
    """How each tenant's bookings stood at the end of the period."""
    rows = await connection.fetch(_STANDING, moment(scope.until), scope.wanted, STANDING_HOURS_MAX)
    return {
        row["tenant"]: Standing(
            at=iso_of(row["compared_at"]),
            in_sync=row["in_sync"],
            differing=row["differing"],
            unknown=row["unknown"],
        )
        for row in rows
    }


async def rows_made(connection: Connection, scope: Scope) -> tuple[int | None, int | None]:
    """Calls and appointments of the hours that begin in the period; null where no worker told."""
    row = await connection.fetchrow(_MADE, *scope.values)
    return row["calls"], row["appointments"]


async def peaks(connection: Connection, scope: Scope) -> Peaks:
    """For the watched figures."""
    return Peaks(**await connection.fetchrow(_PEAKS, *scope.values))


async def review_waiting(connection: Connection, scope: Scope) -> int:
    """What waits for a person's decision now."""
    return int(await connection.fetchval(_REVIEW, scope.wanted))


async def unmatched(connection: Connection, scope: Scope) -> int:
    """Bookings and rows that are out of scope now, because nothing of their kind ever had a partner."""
    return int(await connection.fetchval(_UNMATCHED, scope.wanted))


def _seconds(row: Any) -> Seconds:
    def rounded(name: str) -> float | None:
        return None if row[name] is None else round(row[name], 3)

    return Seconds(count=row["count"], mean=rounded("mean"), p50=rounded("p50"), p95=rounded("p95"), max=rounded("max"))
