"""The model of an alert's life over many steps: `python -m tests.prove.lifecycle --steps 20000`.

Exit 1 where a law is broken (Hypothesis prints the shortest story) or an action of the table was never seen.
"""

import argparse
import sys
import time

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from streams.alerts.transitions import TRANSITIONS
from tests.property.test_alert_model import AlertModel

EXAMPLES = 50
STEPS_OF_AN_EXAMPLE = 60


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--steps", type=int, default=20_000, help="at least so many")
    given = arguments.parse_args()
    began, rounds = time.monotonic(), 0
    lives = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS_OF_AN_EXAMPLE,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    while AlertModel.steps < given.steps:
        run_state_machine_as_test(AlertModel, settings=lives)
        rounds += 1
    print(
        f"{AlertModel.steps} steps in up to {rounds * EXAMPLES} lives, {time.monotonic() - began:.0f} s: no law broken"
    )
    for (action, before, after), times in sorted(AlertModel.seen.items(), key=str):
        print(f"  {action}: {before or 'new'} -> {after}  {times}")
    unseen = set(TRANSITIONS) - {action for action, _, _ in AlertModel.seen}
    print(f"actions never seen: {', '.join(sorted(unseen)) or 'none'}")
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
