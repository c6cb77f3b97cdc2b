"""The demo as lines for people: a line for each fault found with its delay, a line for each trap passed over."""

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.world.instants import SECOND, parse
from connectors.world.ledger import Entry, Fault, Trap

#: A trap is told as passed over once it had so long to be mistaken for a fault, seconds.
TRAP_SECONDS = 20.0

Alert = Mapping[str, Any]


class Story:
    """Remembers what was told, so that each line comes once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def found(self, faults: Iterable[Fault], alert: Alert) -> str:
        """The line of a new alert: whose fault it is and how long it took, or that it is false."""
        subject = f"{alert['subject']['kind']} {alert['subject']['id']}"
        own = [fault for fault in faults if _same(fault, alert)]
        if not own:
            return f"[bold red]???[/]   {alert['rule']} {subject} (company {alert['tenant']}): not in the ledger"
        fault = own[-1]
        seconds = max(0, parse(alert["readable_at"]) - parse(fault.complete_at)) / SECOND
        bound = f", {fault.bound.replace('_', ' ')}" if fault.bound else ""
        return (
            f"[green]FOUND[/] {alert['rule']} {subject} (company {alert['tenant']}) "
            f"after {seconds:.1f} s [dim]({fault.way.replace('_', ' ')}{bound})[/]"
        )

    def quiet(self, entries: Iterable[Entry], cleared: Mapping[tuple[str, str], int], now: int) -> list[str]:
        """A line for each trap whose time is over and that raised no alert."""
        lines = []
        for trap in entries:
            if not isinstance(trap, Trap) or trap.id in self._told:
                continue
            if now - parse(trap.at) < TRAP_SECONDS * SECOND:
                continue
            self._told.add(trap.id)
            lines.append(f"[cyan]QUIET[/] {trap.text}: {_how(trap, cleared)}")
        return lines


def _same(fault: Fault, alert: Alert) -> bool:
    subject = alert["subject"]
    key = (alert["rule"], alert["tenant"], subject["kind"], subject["id"])
    return (fault.rule, fault.tenant, fault.subject.kind, fault.subject.id) == key


def _how(trap: Trap, cleared: Mapping[tuple[str, str], int]) -> str:
    times = [cleared[(trap.tenant, s.id)] for s in trap.subjects if (trap.tenant, s.id) in cleared]
    return f"suspected, cleared in {max(times) / SECOND:.1f} s" if times else "never suspected"
