"""The sentences of the design's §4a as switches, turned off in the simulation alone by patching the engine.

`python -m tests.simulation.switches --seeds 100` prints what each costs.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from unittest.mock import patch

import msgspec

from streams.cases.proof import Round
from streams.cases.step import FAR, Ask
from streams.model.facts import Read
from streams.topics import Topic
from tests.simulation import trials
from tests.simulation.life import Life
from tests.simulation.seeds import peopled
from tests.simulation.stories import Appointment, Pauses
from tests.simulation.weather import Weather

LIFELONG_MS = 1 << 50


class Switch(msgspec.Struct):
    """How to turn one sentence off, and the small world in which that shows; without `story`, in whole lives."""

    off: Callable[[], ExitStack]
    story: Callable[[Appointment], Pauses] | None = None
    weather: Weather | None = None
    #: What cannot be patched in the engine: the world is another one.
    world: Callable[[Life], None] | None = None


def _patched(**new: object) -> Callable[[], ExitStack]:
    """Names written with `__` for dots below `streams`, each with what stands in its place."""

    def entered() -> ExitStack:
        stack = ExitStack()
        for name, value in new.items():
            stack.enter_context(patch("streams." + name.replace("__", "."), value))
        return stack

    return entered


def _skewed(life: Life) -> None:
    """Records carry the clocks of those who sent them (CreateTime): the door's, Connect's."""
    life.topics.skews |= {Topic.WEBHOOKS: 120.0, Topic.APPOINTMENTS: -60.0, Topic.CALLS: -60.0, Topic.ROWS: -30.0}


def _one_404(reads: Sequence[Read], round_: Round) -> int | None:
    """One look that finds nothing is enough, whenever it was."""
    return None if reads and not reads[-1].found else min(round_.due, round_.suspected_at + 700)


def _never_settled(_cause: object, _now: int) -> tuple[list[Ask], int]:
    return [], FAR


def _least_wait(_meter: object, least_ms: int, _now: int) -> int:
    return least_ms


def _as_told(_case: object, violation: object, _due: int, _context: object) -> object:
    """Whatever the registers hold, however old, confirms."""
    return violation


SWITCHES: dict[str, Switch] = {
    "the broker's clock decides": Switch(_patched(), world=_skewed),
    "a 404 needs a second one": Switch(
        _patched(cases__proof__second_look=_one_404, cases__advance___proved=_as_told), trials.unheard, trials.LAGGING
    ),
    "a read contradicts after 3 s": Switch(
        _patched(facts__booking__CONTRADICTION_MS=0), trials.read_too_early, trials.POLLED
    ),
    "the lag wait is measured": Switch(
        _patched(cases__lag__LagMeter__wait_ms=_least_wait), trials.heard_then_unheard, trials.DEEPLY_LAGGING
    ),
    "a row's leaving restarts grace": Switch(
        _patched(facts__picture___partings=lambda *_: {}), trials.left_for_the_newest, trials.CALM
    ),
    "webhooks are settled": Switch(_patched(cases__judging__settle=_never_settled), trials.agreed_claim, trials.CALM),
    "open findings are read again": Switch(
        _patched(cases__advance__REREAD_MS=LIFELONG_MS), trials.foreign_and_gone, trials.CALM
    ),
    "a SELECT detaches what it does not show": Switch(
        _patched(facts__picture___excluded=lambda *_: False), trials.old_news_after_a_stall, trials.STALLED
    ),
    "bookkeeping restarts nothing": Switch(
        _patched(facts__row__compared=lambda row: row), trials.wrong_and_touched, trials.CALM
    ),
    "a state first learnt by a read restarts grace": Switch(
        _patched(facts__booking___learnt_at=lambda *_: 0), trials.learnt_by_the_poll, trials.POLLED
    ),
    "there is a lag wait": Switch(_patched(cases__lag__LagMeter__wait_ms=lambda *_: 0)),
    "a claim ends nothing": Switch(_patched(cases__ending___read_wanted=lambda *_: None)),
    "one cause, one alert": Switch(_patched(cases__judging__silencer_of=lambda *_: None)),
}


def cost(switch: Switch, seeds: Sequence[int], *, off: bool = True, whole: bool = False) -> Counter[str]:
    """What goes wrong in these seeds: in the switch's own small world, or in whole lives."""
    found: Counter[str] = Counter()
    with switch.off() if off else ExitStack():
        for seed in seeds:
            life = Life(seed, None if whole else switch.weather)
            if off and switch.world is not None:
                switch.world(life)
            peopled(life, None if whole else switch.story)
            found.update(each.what.split(" as ")[0] for each in life.oracle.complaints)
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=50)
    given = arguments.parse_args()
    for name, switch in SWITCHES.items():
        for where in ("small", "whole") if switch.story else ("whole",):
            count = 1 if where == "small" else given.seeds
            turned = [dict(cost(switch, range(count), off=off, whole=where == "whole")) for off in (False, True)]
            print(f"{name} | {where} x {count} | on: {turned[0] or 0} | off: {turned[1] or 0}", flush=True)


if __name__ == "__main__":
    main()
