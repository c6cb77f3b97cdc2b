"""The live view of the demo: figures on top, the newest lines below; plain lines where there is no terminal."""

from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table

from connectors.world.ledger import GRACE_SECONDS
from connectors.world.report import keeps_promise, target_seconds

LINES_SHOWN = 18
REFRESH_PER_SECOND = 4
#: Without a terminal the figures are printed this often, in looks of the demo's loop.
PLAIN_EVERY_LOOKS = 20
PLAIN_WIDTH = 120


class View:
    """Shows figures and lines."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(soft_wrap=True)
        if not self.console.is_terminal:
            self.console.width = PLAIN_WIDTH
        self._lines: deque[str] = deque(maxlen=LINES_SHOWN)
        self._live = Live(console=self.console, refresh_per_second=REFRESH_PER_SECOND)
        self._looks = 0

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self._live.stop()

    def line(self, text: str) -> None:
        """One more line of the story."""
        self._lines.append(text)
        if not self.console.is_terminal:
            self.console.print(text)

    def figures(self, figures: Mapping[str, str]) -> None:
        """The present figures."""
        if self.console.is_terminal:
            table = Table.grid(padding=(0, 2))
            for name, value in figures.items():
                table.add_row(f"[dim]{name}[/]", value)
            self._live.update(Group(Panel(table, title="Plumbline"), *self._lines))
        elif self._looks % PLAIN_EVERY_LOOKS == 0:
            self.console.print("[dim]" + " · ".join(f"{name} {value}" for name, value in figures.items()) + "[/]")
        self._looks += 1

    def score(self, board: Mapping[str, Any]) -> None:
        """The score per rule, the total last."""
        table = Table(title="Score")
        for column in (
            "rule",
            "planted",
            "found",
            "false",
            "p50 s",
            "p95 s",
            "max s",
            "promised",
            "poll",
            "settle",
            "list",
        ):
            table.add_column(column, justify="left" if column == "rule" else "right")
        for rule, line in (*board["rules"].items(), ("total", board["total"])):
            seconds = line["detection_seconds"]
            bound = [f"{line[name]['found']}/{line[name]['planted']}" for name in _BOUNDS]
            cells = [
                rule,
                line["planted"],
                line["found"],
                line["false_alarms"],
                *_rounded(seconds),
                _promise(rule, line),
                *bound,
            ]
            table.add_row(*(str(cell) for cell in cells), end_section=rule == list(board["rules"])[-1])
        self.console.print(table)


_BOUNDS = ("poll_bound", "settle_bound", "list_bound")


def _promise(rule: str, line: Mapping[str, Any]) -> str:
    """The p95 that is promised, and whether it was kept."""
    if rule not in GRACE_SECONDS:
        return ""
    return f"≤ {target_seconds(rule):.1f} {'ok' if keeps_promise(rule, line) else 'short'}"


def _rounded(seconds: Mapping[str, float | None]) -> list[str]:
    return ["–" if (value := seconds[name]) is None else f"{value:.1f}" for name in ("p50", "p95", "max")]
