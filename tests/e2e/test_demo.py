"""The demo, shortened: every rule's planted faults are told, and nothing else is."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.world.faults.schedule import MAIN_RULES
from connectors.world.ledger import RULES

pytestmark = pytest.mark.stack

PLANTING_SECONDS = 90
#: Planting, 100 s of drain at most, start and stop.
RUN_SECONDS_MAX = 330
FAULTS_PER_RULE, FAULTS_PER_FURTHER_RULE = 10, 5


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    home = tmp_path_factory.mktemp("demo") / "home"
    command = [sys.executable, "-m", "api.cli", "demo", "--seconds", str(PLANTING_SECONDS)]
    env = {**os.environ, "PLUMBLINE_HOME": str(home)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=False)
    return done, home


def board_of(home: Path) -> dict[str, Any]:
    board: dict[str, Any] = msgspec.json.decode((home / "scoreboard.json").read_bytes())
    return board


def test_nothing_is_missed_and_nothing_is_false(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, home = demo
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    total = board_of(home)["total"]
    assert (total["false_alarms"], total["recall"]) == (0, 1.0)


def test_every_rule_was_put_to_the_test(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    board = board_of(demo[1])
    planted = {rule: line["planted"] for rule, line in board["rules"].items()}
    assert planted.keys() == set(RULES)
    assert all(planted[rule] >= FAULTS_PER_RULE for rule in MAIN_RULES)
    assert min(planted.values()) >= FAULTS_PER_FURTHER_RULE
    assert board["total"]["poll_bound"]["found"] == board["total"]["poll_bound"]["planted"] > 0


def test_traps_are_told_as_passed_over(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    assert demo[0].stdout.count("QUIET") >= 20


def test_nothing_is_left_running(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    assert not (demo[1] / "endpoints.json").exists()
