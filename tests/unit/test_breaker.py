"""The circuit breaker: five failures open it, a probe every 20 s, two successes in a row close it."""

from connectors.calcom.breaker import (
    Breaker,
    BreakerPolicy,
    BreakerState,
    admitted,
    failed,
    succeeded,
    wait_seconds,
)

POLICY = BreakerPolicy()


def after_failures(count: int, at: float = 0.0, state: BreakerState | None = None) -> BreakerState:
    state = state or BreakerState()
    for _ in range(count):
        state = failed(state, at, POLICY)
    return state


def probe(state: BreakerState, at: float, *, answered: bool) -> BreakerState:
    assert wait_seconds(state, at, POLICY) == 0
    state = admitted(state, at)
    return succeeded(state, at, POLICY) if answered else failed(state, at, POLICY)


def test_four_failures_leave_it_closed_and_a_success_forgets_them() -> None:
    state = succeeded(after_failures(4), 1, POLICY)
    assert after_failures(4, state=state).state == "closed"


def test_the_fifth_failure_opens_it_for_twenty_seconds() -> None:
    state = after_failures(5, at=100)
    assert (state.state, state.opened_at) == ("open", 100)
    assert wait_seconds(state, 101, POLICY) == 19
    assert wait_seconds(state, 120, POLICY) == 0


def test_only_one_probe_goes_at_a_time() -> None:
    state = admitted(after_failures(5), 20)
    assert state.state == "half_open"
    assert wait_seconds(state, 21, POLICY) > 0


def test_the_second_probe_goes_right_after_a_success_and_closes_it() -> None:
    state = probe(after_failures(5), 20, answered=True)
    assert state.state == "half_open"
    state = probe(state, 20, answered=True)
    assert (state.state, state.closed_at, state.opened_at) == ("closed", 20, None)


def test_a_failed_probe_waits_another_twenty_seconds_and_it_is_open_since_the_beginning() -> None:
    state = probe(after_failures(5), 20, answered=False)
    assert (state.state, state.opened_at) == ("open", 0)
    assert wait_seconds(state, 30, POLICY) == 10
    half_way = probe(state, 40, answered=True)
    assert probe(half_way, 40, answered=False).success_count == 0


def test_calls_from_before_the_opening_change_nothing_when_they_come_home() -> None:
    state = after_failures(5, at=0)
    assert succeeded(state, 5, POLICY) == state
    assert failed(state, 19, POLICY) == state


def test_a_probe_whose_end_nobody_tells_does_not_hold_it_for_ever() -> None:
    assert wait_seconds(admitted(after_failures(5), 20), 40, POLICY) == 0


async def test_each_change_is_kept_and_a_restart_goes_on_from_it() -> None:
    kept: list[BreakerState] = []

    async def save(state: BreakerState) -> None:
        kept.append(state)

    breaker = Breaker(policy=POLICY, clock=lambda: 50.0, save=save)
    for _ in range(5):
        assert await breaker.admit()
        await breaker.failed()
    assert not await breaker.admit()
    assert [state.failure_count for state in kept] == [1, 2, 3, 4, 5]
    again = Breaker(policy=POLICY, clock=lambda: 69.0, save=save, state=kept[-1])
    assert not await again.admit()
    assert again.wait_seconds() == 1
