"""Each sentence of the design's §4a is a switch: turned off, the simulation finds false alarms, or misses.

So the simulation can fail, and each sentence earns its keep. What each costs: `python -m tests.simulation.switches`.
"""

import pytest

from tests.simulation.switches import SWITCHES, cost

#: Lives that show it where there is no small world made for it.
SEEDS = range(6)


@pytest.mark.parametrize("name", SWITCHES)
def test_without_it_something_goes_wrong_that_does_not_with_it(name: str) -> None:
    switch = SWITCHES[name]
    seeds = SEEDS if switch.story is None else SEEDS[:1]
    assert cost(switch, seeds).total() > cost(switch, seeds, off=False).total()
