"""The bench's figures for people, and for machines in `bench.json`."""

import os
import platform
from pathlib import Path

import msgspec
import psutil
from rich.console import Console
from rich.table import Table

from api.bench.catch_up import CatchUp
from api.bench.contest import FAUST, WORKER
from api.bench.program import Figures
from api.bench.recovery import Recovery

FILE_NAME = "bench.json"
RECOVERY_SECONDS_MAX = 5.0
CATCH_UP_SECONDS_MAX = 300.0


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was measured; `load` is that of the last minute before, other people's work included."""

    cores: int
    memory_gb: float
    python: str
    system: str
    load: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `bench.json`. `aims` says of each aim whether it was met."""

    machine: Machine
    partitions: int
    programs: tuple[Figures, ...]
    recovery: Recovery
    catch_up: CatchUp
    aims: dict[str, bool]


def machine() -> Machine:
    return Machine(
        cores=os.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 2**30),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        load=round(os.getloadavg()[0], 2),
    )


def aims(programs: list[Figures], recovered: Recovery, caught_up: CatchUp) -> dict[str, bool]:
    """What issue 3 asks for."""
    speed = {figures.program: figures.events_per_second for figures in programs}
    return {
        "the whole worker at least as fast as stock Faust counting": speed[WORKER] >= speed[FAUST],
        f"state back within {RECOVERY_SECONDS_MAX:g} s": recovered.seconds <= RECOVERY_SECONDS_MAX,
        f"the backlog judged within {CATCH_UP_SECONDS_MAX:g} s": caught_up.judged_seconds <= CATCH_UP_SECONDS_MAX,
        "no finding, and no cause passed over": caught_up.findings == 0 and caught_up.not_judged == 0,
    }


def write(report: Report, home: Path) -> Path:
    path = home / FILE_NAME
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    return path


class Teller:
    """Tells each figure as soon as it is known."""

    def __init__(self) -> None:
        self._console = Console()

    def line(self, text: str) -> None:
        self._console.print(text, highlight=False)

    def program(self, figures: Figures) -> None:
        self.line(
            f"  {figures.program}: {figures.events_per_second:,} events/s, {figures.cpu_seconds_per_10000} CPU s per "
            f"10 000, {figures.resident_mb:.0f} MB {figures.notes}"
        )

    def report(self, report: Report) -> None:
        table = Table(title=f"{report.programs[0].events:,} records on {report.partitions} partitions of a topic")
        for column in ("program", "events/s", "CPU s per 10 000", "resident MB"):
            table.add_column(column, justify="left" if column == "program" else "right")
        for figures in report.programs:
            cells = (f"{figures.events_per_second:,}", str(figures.cpu_seconds_per_10000), f"{figures.resident_mb:.0f}")
            table.add_row(figures.program, *cells)
        self._console.print(table)
        recovered, caught_up = report.recovery, report.catch_up
        loads = ", ".join(f"{len(partitions)} partitions in {seconds} s" for partitions, seconds in recovered.loads)
        self.line(
            f"Recovery: {recovered.entries:,} entries ({recovered.state_mb} MB) back in {recovered.seconds} s "
            f"({loads}), {recovered.resident_mb:.0f} MB resident"
        )
        self.line(
            f"Catch-up: {caught_up.events:,} events judged {caught_up.judged_seconds} s after the start, committed at "
            f"{caught_up.committed_seconds} s; {caught_up.questions:,} questions, {caught_up.findings} findings, "
            f"{caught_up.resident_mb:.0f} MB resident"
        )
        for aim, met in report.aims.items():
            self.line(f"{'[green]met[/]' if met else '[red]not met[/]'}: {aim}")
