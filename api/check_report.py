"""What `plumbline check` prints: a table for people, or one JSON document."""

from datetime import timedelta

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from connectors.check.result import Comparison
from connectors.check.run import compare
from streams.model.records import Finding, Side
from streams.settings import Settings


async def run_check(settings: Settings, since: timedelta, as_json: bool) -> int:
    """The command. Its exit code: 0 clean, 1 differences, 2 not everything could be judged."""
    comparison = await compare(settings, since)
    if as_json:
        typer.echo(msgspec.json.encode(comparison).decode())
    else:
        show(comparison, Console())
    return comparison.exit_code


def show(comparison: Comparison, console: Console) -> None:
    """The findings, what could not be judged, and one line that sums up."""
    if comparison.findings:
        console.print(_table(comparison.findings))
    for line in comparison.notes:
        console.print(f"note: {line}", markup=False, soft_wrap=True)
    for line in comparison.unjudged:
        console.print(f"not judged: {line}", markup=False, soft_wrap=True)
    console.print(_summary(comparison), markup=False, soft_wrap=True)


def _table(findings: tuple[Finding, ...]) -> Table:
    table = Table("severity", "rule", "tenant", "subject", "database", "Cal.com", "since")
    for one in findings:
        ids = {"booking": one.booking_uid, "appointment": one.appointment_id, "call": one.call_id}
        about = ", ".join(f"{kind} {value}" for kind, value in ids.items() if value is not None)
        told = (one.severity, one.rule, one.tenant, about or one.subject.id, _side(one.local), _side(one.calcom))
        table.add_row(*told, one.opened_at)
    return table


def _side(side: Side) -> str:
    compared = {"booking": side.booking, "start": side.start, "end": side.end, "status": side.status, **side.extra}
    return "\n".join(f"{name} {value}" for name, value in compared.items() if value is not None) or "–"


def _summary(comparison: Comparison) -> str:
    compared = comparison.compared
    what = (
        f"{compared.bookings} bookings, {compared.appointments} appointments, {compared.calls} calls of "
        f"{compared.tenants} tenants in {comparison.seconds:g} s"
    )
    if comparison.unjudged:
        return f"{len(comparison.findings)} differences found, but not everything could be judged: {what}"
    return f"{len(comparison.findings) or 'no'} differences: {what}"
