"""The breakers' states in table `circuit_breaker_states`: they outlive a restart, and people can look at
them."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import structlog

from connectors.calcom.breaker import BreakerState

log = structlog.get_logger()

_LOAD = """
SELECT state, failure_count, success_count, last_failure_at, opened_at, closed_at
  FROM circuit_breaker_states WHERE circuit_key = $1
"""
_SAVE = """
INSERT INTO circuit_breaker_states
       (circuit_key, state, failure_count, success_count, last_failure_at, opened_at, closed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (circuit_key) DO UPDATE
   SET state = excluded.state, failure_count = excluded.failure_count, success_count = excluded.success_count,
       last_failure_at = excluded.last_failure_at, opened_at = excluded.opened_at,
       closed_at = excluded.closed_at, updated_at = now()
"""


def circuit_key(account: str) -> str:
    """The key of one account's circuit; also the id of the source in alerts about it."""
    return f"calcom:{account}"


async def load(pool: Any, key: str) -> BreakerState:
    """The kept state; a fresh one where none is kept."""
    row = await pool.fetchrow(_LOAD, key)
    if row is None:
        return BreakerState()
    return BreakerState(
        state=row["state"],
        failure_count=row["failure_count"],
        success_count=row["success_count"],
        last_failure_at=_epoch(row["last_failure_at"]),
        opened_at=_epoch(row["opened_at"]),
        closed_at=_epoch(row["closed_at"]),
    )


async def save(pool: Any, key: str, state: BreakerState) -> None:
    """Keep the state. A store that is away is logged: the breaker works on without it."""
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
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        log.warning("breaker state not kept", circuit=key, error=str(error))


def _epoch(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)
