"""The command line: what it says, how it ends."""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api import cli
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
    for name in ("KAFKA__BOOTSTRAP_SERVERS", "SOURCE__DSN", "STORE__DSN"):
        monkeypatch.setenv(f"PLUMBLINE_{name}", "somewhere")
    monkeypatch.setenv("PLUMBLINE_CALCOM__BASE_URL", "http://calcom")
    monkeypatch.delenv("PLUMBLINE_CONFIG", raising=False)
    return calls


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("worker", ("streams.app:run_worker",)),
        ("connectors", ("connectors.process:run_connectors",)),
        ("api", ("api.process:run_api",)),
        ("source prepare --apply", ("connectors.source.prepare:run_prepare", True)),
        ("doctor --json", ("api.doctor_report:run_doctor", True)),
        ("check --since 2w --json", ("api.check_report:run_check", timedelta(days=14), True)),
        ("report", ("api.report_command:run_report", None, None, "text", None)),
        (
            "report --date 2026-11-20 --tenant 3 --format html --output day.html",
            ("api.report_command:run_report", date(2026, 11, 20), "3", "html", Path("day.html")),
        ),
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


def test_a_span_that_is_none_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["check", "--since", "a month"])
    assert result.exit_code == 2
    assert "allowed is a number with d, h or w, such as 30d" in result.stderr


def test_a_day_that_is_none_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["report", "--date", "2026-02-30"])
    assert result.exit_code == 2
    assert "allowed is a day such as 2026-11-20" in result.stderr


def test_a_process_says_at_once_what_it_cannot_do_without() -> None:
    result = CliRunner().invoke(app, ["api"])
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "plumbline: kafka.bootstrap_servers is missing: allowed is host:port, several with commas between",
        "plumbline: store.dsn is missing: allowed is postgresql://user:password@host:port/database",
    ]


@pytest.mark.parametrize(
    "part",
    [
        part
        for file in Path(cli.__file__).parent.glob("*.py")
        for part in re.findall(r'start\("([\w.]+:\w+)"', file.read_text())
    ],
)
def test_the_part_that_a_command_names_exists(part: str) -> None:
    module, name = part.split(":")
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text()
    assert re.search(rf"^((async )?def {name}\(|from [\w.]+ import .*\b{name}\b)", source, re.MULTILINE)


def test_version_is_the_package_s() -> None:
    assert CliRunner().invoke(app, ["version"]).stdout == f"{version('plumbline-monitor')}\n"


def test_help_waits_for_no_heavy_library() -> None:
    heavy = "{'faust', 'aiokafka', 'asyncpg', 'fastapi', 'httpx', 'pydantic', 'structlog'}"
    program = f"import sys, api.cli.main; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
