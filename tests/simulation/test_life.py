"""Seeds of a whole life: every planted fault is told, and nothing else is. A failing seed prints itself."""

import os

import pytest

from tests.simulation.life import Life


@pytest.mark.parametrize("seed", range(int(os.environ.get("PLUMBLINE_SIMULATION_SEEDS", "12"))))
def test_every_fault_is_told_and_nothing_else(seed: int) -> None:
    life = Life(seed, bookings=60)
    life.live(240)
    assert not life.false(), f"seed {seed}"
    assert not life.missed(), f"seed {seed}"
    assert len(life.faults) >= 10
