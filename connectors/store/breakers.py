"""How the circuit breaker of each Cal.com account stands, and what it has done so far."""

import msgspec

from connectors.store.database import Connection
from connectors.store.instants import iso_of

PREFIX = "calcom:"

_BREAKERS = """
SELECT circuit_key, state, failure_count, success_count, last_failure_at, next_probe_at,
       coalesce(opened_at, closed_at, created_at) AS since,
       opens, state_changes, fast_fails, recoveries, recovery_seconds
  FROM circuit_breaker_states ORDER BY circuit_key
"""


class CircuitBreaker(msgspec.Struct, frozen=True, kw_only=True):
    """One account's breaker. `since`: of the present state, half_open counting as open; null where it never changed.

    `opens` and `fast_fails` (calls not made because it was open) are counted since the account was first seen.
    """

    service: str
    account: str
    state: str = "closed"
    since: str | None = None
    failures: int = 0
    successes: int = 0
    last_failure_at: str | None = None
    next_probe_at: str | None = None
    opens: int = 0
    state_changes: int = 0
    fast_fails: int = 0


class BreakerRow(msgspec.Struct, frozen=True, kw_only=True):
    """The breaker with its recoveries: how many fell into each bucket, and their seconds in sum."""

    breaker: CircuitBreaker
    recoveries: tuple[int, ...]
    recovery_seconds: float


async def breakers(connection: Connection) -> tuple[BreakerRow, ...]:
    """All that ever changed their state, by name."""
    found = []
    for row in await connection.fetch(_BREAKERS):
        last_failure_at, next_probe_at = row["last_failure_at"], row["next_probe_at"]
        breaker = CircuitBreaker(
            service=row["circuit_key"],
            account=row["circuit_key"].removeprefix(PREFIX),
            state=row["state"],
            since=iso_of(row["since"]),
            failures=row["failure_count"],
            successes=row["success_count"],
            last_failure_at=None if last_failure_at is None else iso_of(last_failure_at),
            next_probe_at=None if next_probe_at is None else iso_of(next_probe_at),
            opens=row["opens"],
            state_changes=row["state_changes"],
            fast_fails=row["fast_fails"],
        )
        counts = BreakerRow(
            breaker=breaker, recoveries=tuple(row["recoveries"]), recovery_seconds=row["recovery_seconds"]
        )
        found.append(counts)
    return tuple(found)
