"""How many bookings were compared in each hour, kept for as long as one may ask for it."""

from connectors.store.database import Connection

#: A worker that was silent for longer does not say how things stand.
FRESH_SECONDS = 120
KEPT_DAYS = 100

_COMPARED = """
INSERT INTO hourly_statistics AS kept (tenant, hour, compared_at, in_sync, differing, unknown)
SELECT tenant, date_trunc('hour', at, 'UTC'), at, (standing ->> 'in_sync')::int, (standing ->> 'differing')::int,
       (standing ->> 'unknown')::int
  FROM tenant_standings
 WHERE at > now() - make_interval(secs => $1) AND standing ? 'in_sync'
ON CONFLICT (tenant, hour) DO UPDATE SET compared_at = EXCLUDED.compared_at, in_sync = EXCLUDED.in_sync,
    differing = EXCLUDED.differing, unknown = EXCLUDED.unknown
WHERE kept.compared_at IS NULL OR kept.compared_at < EXCLUDED.compared_at
"""
# A row that was deleted later was made all the same.
_MADE = """
INSERT INTO hourly_statistics AS kept (tenant, hour, calls, appointments)
SELECT tenant, (made ->> 'hour')::timestamptz, (made ->> 'calls')::int, (made ->> 'appointments')::int
  FROM tenant_standings, jsonb_array_elements(standing -> 'made') AS made
 WHERE at > now() - make_interval(secs => $1)
ON CONFLICT (tenant, hour) DO UPDATE SET calls = greatest(kept.calls, EXCLUDED.calls),
    appointments = greatest(kept.appointments, EXCLUDED.appointments)
WHERE (kept.calls, kept.appointments) IS DISTINCT FROM
      (greatest(kept.calls, EXCLUDED.calls), greatest(kept.appointments, EXCLUDED.appointments))
"""
_PRUNE = "DELETE FROM hourly_statistics WHERE hour < now() - make_interval(days => $1)"


async def keep_hour(connection: Connection) -> None:
    """Keep what the workers say now; doing it again changes nothing."""
    await connection.execute(_COMPARED, float(FRESH_SECONDS))
    await connection.execute(_MADE, float(FRESH_SECONDS))


async def prune_hours(connection: Connection) -> None:
    """Forget hours that nobody may ask for any more."""
    await connection.execute(_PRUNE, KEPT_DAYS)
