"""Seeds of a whole life: every fault that is due is told in time, nothing else is, and what is over ends.

A failing seed prints itself; `make sim SEED=…` tells its story.
"""

import os

import pytest

from tests.simulation.score import score_of
from tests.simulation.seeds import lived

SEEDS = int(os.environ.get("PLUMBLINE_SIMULATION_SEEDS", "200"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_fault_is_told_and_nothing_else(seed: int) -> None:
    score = score_of(lived(seed))
    assert not score.failed, f"make sim SEED={seed}: {score.failed[seed]}"
    assert score.counts["planted"] > 0
    assert score.counts["alerts"] > 0


def test_a_seed_lives_the_same_life_again() -> None:
    first, again = lived(3), lived(3)
    assert score_of(first) == score_of(again)
    assert len(first.topics.log) == len(again.topics.log) > 100
