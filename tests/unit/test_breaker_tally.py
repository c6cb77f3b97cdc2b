"""What a breaker has done is counted with its state: openings, changes, refused calls, times to recover."""

from connectors.calcom.breaker import Breaker, BreakerPolicy, BreakerState
from connectors.calcom.breaker_tally import RECOVERY_SECONDS


class Circuit:
    """A breaker with a clock of its own, and what was kept of it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.saved: list[tuple[str, int]] = []
        self.breaker = Breaker(policy=BreakerPolicy(failures_to_open=2), clock=lambda: self.now, save=self._save)

    async def _save(self, state: BreakerState) -> None:
        self.saved.append((state.state, self.breaker.tally.state_changes))

    async def fail(self) -> None:
        await self.breaker.admit()
        await self.breaker.failed()

    async def answer(self) -> None:
        await self.breaker.admit()
        await self.breaker.succeeded()


async def test_an_outage_is_one_opening_however_often_it_is_probed() -> None:
    circuit = Circuit()
    await circuit.fail()
    await circuit.fail()
    circuit.now = 20
    await circuit.fail()  # open, half open, open
    circuit.now = 45
    await circuit.answer()
    await circuit.answer()
    tally = circuit.breaker.tally
    assert (tally.opens, tally.state_changes) == (1, 5)
    assert tally.recovery_seconds == 45
    assert tally.recoveries[RECOVERY_SECONDS.index(60)] == 1
    assert sum(tally.recoveries) == 1


async def test_a_change_is_kept_together_with_its_count() -> None:
    circuit = Circuit()
    await circuit.fail()
    await circuit.fail()
    assert circuit.saved == [("closed", 0), ("open", 1)]


async def test_a_recovery_longer_than_every_bucket_is_counted_behind_the_last() -> None:
    circuit = Circuit()
    await circuit.fail()
    await circuit.fail()
    circuit.now = 10 * RECOVERY_SECONDS[-1]
    await circuit.answer()
    await circuit.answer()
    assert circuit.breaker.tally.recoveries[-1] == 1


async def test_calls_that_are_refused_are_counted() -> None:
    circuit = Circuit()
    circuit.breaker.refused()
    circuit.breaker.refused(3)
    assert circuit.breaker.tally.fast_fails == 4
