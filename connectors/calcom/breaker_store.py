"""The breakers' states in table `circuit_breaker_states`: they outlive a restart, and people can look at
them."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import structlog

from connectors.calcom.breaker import Breaker, BreakerPolicy, BreakerState
from connectors.calcom.breaker_tally import RECOVERY_SECONDS, BreakerTally

log = structlog.get_logger()

_LOAD = """
SELECT state, failure_count, success_count, last_failure_at, opened_at, closed_at,
       opens, state_changes, fast_fails, recoveries, recovery_seconds
  FROM circuit_breaker_states WHERE circuit_key = $1
"""
_SAVE = """
INSERT INTO circuit_breaker_states
       (circuit_key, state, failure_count, success_count, last_failure_at, opened_at, closed_at, next_probe_at,
        opens, state_changes, fast_fails, recoveries, recovery_seconds)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (circuit_key) DO UPDATE
   SET state = excluded.state, failure_count = excluded.failure_count, success_count = excluded.success_count,
       last_failure_at = excluded.last_failure_at, opened_at = excluded.opened_at,
       closed_at = excluded.closed_at, next_probe_at = excluded.next_probe_at, opens = excluded.opens,
       state_changes = excluded.state_changes, fast_fails = excluded.fast_fails,
       recoveries = excluded.recoveries, recovery_seconds = excluded.recovery_seconds, updated_at = now()
"""


def circuit_key(account: str) -> str:
    """The key of one account's circuit; also the id of the source in alerts about it."""
    return f"calcom:{account}"


async def load(pool: Any, key: str) -> tuple[BreakerState, BreakerTally]:
    """The kept state and tally; fresh ones where none are kept."""
    row = await pool.fetchrow(_LOAD, key)
    if row is None:
        return BreakerState(), BreakerTally()
    state = BreakerState(
        state=row["state"],
        failure_count=row["failure_count"],
        success_count=row["success_count"],
        last_failure_at=_epoch(row["last_failure_at"]),
        opened_at=_epoch(row["opened_at"]),
        closed_at=_epoch(row["closed_at"]),
    )
    kept = tuple(row["recoveries"])
    tally = BreakerTally(
        opens=row["opens"],
        state_changes=row["state_changes"],
        fast_fails=row["fast_fails"],
        recoveries=kept if len(kept) == len(RECOVERY_SECONDS) + 1 else BreakerTally().recoveries,
        recovery_seconds=row["recovery_seconds"],
    )
    return state, tally


async def save(pool: Any, key: str, breaker: Breaker) -> None:
    """Keep the state and the tally. A store that is away is logged: the breaker works on without it."""
    state, tally = breaker.state, breaker.tally
    try:
        await pool.execute(
            _SAVE,
            key,
            state.state,
            state.failure_count,
            state.success_count,
            _moment(state.last_failure_at),
            _moment(state.opened_at),
            _moment(state.closed_at),
            _moment(next_probe_at(state, breaker.policy)),
            tally.opens,
            tally.state_changes,
            tally.fast_fails,
            list(tally.recoveries),
            tally.recovery_seconds,
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        log.warning("breaker state not kept", circuit=key, error=str(error))


def next_probe_at(state: BreakerState, policy: BreakerPolicy) -> float | None:
    """When Cal.com is asked again while the breaker is not closed, in seconds since 1970."""
    if state.state == "closed" or state.last_failure_at is None:
        return None
    return state.last_failure_at + policy.probe_seconds


def _epoch(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)
