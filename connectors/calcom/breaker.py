"""The circuit breaker of one Cal.com account: a pure state machine and a thin shell that keeps its state.

    closed ──5 failures in a row──▶ open ──20 s since the last failure: one probe──▶ half_open
      ▲                               ▲                                               │   │
      │                               └───────────────── probe failed ────────────────┘   │
      └──────────────────── 2 successes in a row (the second probe at once) ──────────────┘

A failure is no answer or a 5xx. Whatever else the server says, it is there: 404, 401 and 429 are successes
here. `opened_at` is when it last left `closed`: "not closed for 60 s" (design §5, source_stalled) is measured
from it.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from connectors.calcom.breaker_tally import BreakerTally, counted, fast_failed

State = Literal["closed", "open", "half_open"]


class BreakerPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When to open, when to try again, when to trust again."""

    failures_to_open: int = 5
    probe_seconds: float = 20.0
    successes_to_close: int = 2


class BreakerState(msgspec.Struct, frozen=True, kw_only=True):
    """Where the breaker stands; instants in seconds since 1970. `probing_at`: a probe is under way since
    then."""

    state: State = "closed"
    failure_count: int = 0
    success_count: int = 0
    last_failure_at: float | None = None
    opened_at: float | None = None
    closed_at: float | None = None
    probing_at: float | None = None


def wait_seconds(breaker: BreakerState, now: float, policy: BreakerPolicy) -> float:
    """How long until a call may go; 0 means now."""
    if breaker.state == "closed":
        return 0.0
    if breaker.probing_at is not None:
        # A probe whose end nobody told (its task was cancelled) does not hold the breaker for ever.
        return max(0.0, breaker.probing_at + policy.probe_seconds - now)
    if breaker.state == "half_open" or breaker.last_failure_at is None:
        return 0.0
    return max(0.0, breaker.last_failure_at + policy.probe_seconds - now)


def admitted(breaker: BreakerState, now: float) -> BreakerState:
    """A call goes out: in any state but closed it is the probe, and the only one."""
    if breaker.state == "closed":
        return breaker
    return msgspec.structs.replace(breaker, state="half_open", probing_at=now)


def succeeded(breaker: BreakerState, now: float, policy: BreakerPolicy) -> BreakerState:
    """A call was answered."""
    match breaker.state:
        case "closed":
            return msgspec.structs.replace(breaker, failure_count=0) if breaker.failure_count else breaker
        case "open":  # a call from before the opening came home late: no probe, no proof
            return breaker
        case "half_open":
            successes = breaker.success_count + 1
            if successes < policy.successes_to_close:
                return msgspec.structs.replace(breaker, success_count=successes, probing_at=None)
            return BreakerState(closed_at=now, last_failure_at=breaker.last_failure_at)


def failed(breaker: BreakerState, now: float, policy: BreakerPolicy) -> BreakerState:
    """A call was not answered."""
    failures = breaker.failure_count + 1
    match breaker.state:
        case "closed" if failures < policy.failures_to_open:
            return msgspec.structs.replace(breaker, failure_count=failures, last_failure_at=now)
        case "closed":
            return BreakerState(
                state="open",
                failure_count=failures,
                last_failure_at=now,
                opened_at=now,
                closed_at=breaker.closed_at,
            )
        case "open":  # a call from before the opening came home late: the next probe is not put off by it
            return breaker
        case "half_open":
            return msgspec.structs.replace(
                breaker,
                state="open",
                failure_count=failures,
                success_count=0,
                last_failure_at=now,
                probing_at=None,
            )


class Breaker:
    """The state of one circuit over time. `save` keeps each changed state; it must not raise."""

    def __init__(
        self,
        *,
        policy: BreakerPolicy,
        clock: Callable[[], float],
        save: Callable[[BreakerState], Awaitable[None]],
        state: BreakerState | None = None,
        tally: BreakerTally | None = None,
    ) -> None:
        self.policy = policy
        self.tally = tally or BreakerTally()
        self._clock = clock
        self._save = save
        # A probe of a process that is gone has nobody to end it.
        self.state = msgspec.structs.replace(state or BreakerState(), probing_at=None)

    @property
    def closed(self) -> bool:
        """Whether calls go freely."""
        return self.state.state == "closed"

    def wait_seconds(self) -> float:
        """How long until a call may go; 0 means now."""
        return wait_seconds(self.state, self._clock(), self.policy)

    def refused(self, calls: int = 1) -> None:
        """So many calls were not made because it is open; kept with the next change of state."""
        self.tally = fast_failed(self.tally, calls)

    async def admit(self) -> bool:
        """Whether the call may go now; if so it must be followed by `succeeded` or `failed`."""
        if self.wait_seconds() > 0:
            return False
        await self._move(admitted(self.state, self._clock()))
        return True

    async def succeeded(self) -> None:
        """The call was answered."""
        await self._move(succeeded(self.state, self._clock(), self.policy))

    async def failed(self) -> None:
        """The call was not answered."""
        await self._move(failed(self.state, self._clock(), self.policy))

    async def _move(self, state: BreakerState) -> None:
        if state != self.state:
            opened_at = self.state.opened_at
            open_seconds = 0.0 if opened_at is None else max(0.0, self._clock() - opened_at)
            self.tally = counted(self.tally, self.state.state, state.state, open_seconds)
            self.state = state
            await self._save(state)
