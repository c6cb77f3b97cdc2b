"""What `plumbline doctor` prints: one line a check, or one JSON document."""

import sys
from collections.abc import Sequence

import msgspec
import typer

from connectors.doctor.line import Line, Outcome, exit_code
from connectors.doctor.run import examine
from streams.settings import Settings

COLOURS = {Outcome.OK: "green", Outcome.WARN: "yellow", Outcome.FAIL: "red", Outcome.UNKNOWN: "magenta"}


async def run_doctor(settings: Settings, as_json: bool) -> int:
    """The command. Its exit code: 0 all good or warnings, 1 a check failed, 2 something could not be checked."""
    lines = await examine(settings)
    if as_json:
        document = {"checks": lines, "exit_code": exit_code(lines)}
        typer.echo(msgspec.json.encode(document).decode())
    else:
        for text in told(lines, coloured=sys.stdout.isatty()):
            typer.echo(text)
    return exit_code(lines)


def told(lines: Sequence[Line], *, coloured: bool) -> list[str]:
    """One line a check: how it ended, what was looked at, what was found, how to mend it."""
    width = max((len(line.check) for line in lines), default=0)
    return [_told(line, width, coloured=coloured) for line in lines]


def _told(line: Line, width: int, *, coloured: bool) -> str:
    outcome = f"{line.outcome.value:<4}"
    if coloured:
        outcome = typer.style(outcome, fg=COLOURS[line.outcome])
    mend = f" → {line.mend}" if line.mend else ""
    return " ".join(f"{outcome}  {line.check:<{width}}  {line.found}{mend}".split("\n"))
