"""The command line: what it says, how it ends."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from api.cli import start
from api.cli.main import app
from streams.settings import Settings


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Every command's part is replaced by one that notes its arguments."""
    calls: list[tuple[object, ...]] = []

    def replaced(name: str) -> Callable[..., None]:
        return lambda *arguments: calls.append((name, *arguments))

    monkeypatch.setattr(start, "_function", replaced)
    monkeypatch.setattr("streams.logs.configure_logs", lambda process: None)
    monkeypatch.setenv("PLUMBLINE_HOME", "here")
    monkeypatch.delenv("PLUMBLINE_CONFIG", raising=False)
    return calls


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("worker", ("streams.app:run_worker",)),
        ("connectors", ("connectors.process:run_connectors",)),
        ("api", ("api.process:run_api",)),
        ("source prepare --apply", ("connectors.source.prepare:run_prepare", True)),
        ("source remove", ("connectors.source.prepare:run_remove", False)),
    ],
)
def test_each_command_starts_its_part_with_the_settings(
    part: list[tuple[object, ...]], command: str, expected: tuple[object, ...]
) -> None:
    assert CliRunner().invoke(app, command.split()).exit_code == 0
    [(name, settings, *arguments)] = part
    assert isinstance(settings, Settings)
    assert (name, *arguments) == expected


def test_a_bad_configuration_is_one_readable_line_and_exit_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_CALCOM__REQUESTS_PER_MINUTE", "many")
    result = CliRunner().invoke(app, ["worker"])
    assert result.exit_code == 2
    assert result.stderr == (
        'plumbline: calcom.requests_per_minute = "many": allowed is a whole number from 1 to 500\n'
    )


def test_version_is_the_package_s() -> None:
    assert CliRunner().invoke(app, ["version"]).stdout == f"{version('plumbline-monitor')}\n"


def test_help_waits_for_no_heavy_library() -> None:
    heavy = "{'faust', 'aiokafka', 'asyncpg', 'fastapi', 'httpx', 'pydantic', 'structlog'}"
    program = f"import sys, api.cli.main; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
