"""`plumbline report`: the report of a day, on the terminal or in a file."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.cli.start import start


class Form(StrEnum):
    """In what form."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


def report(
    day: Annotated[str | None, typer.Option("--date", help="Such as 2026-11-20; yesterday (UTC) unless given.")] = None,
    tenant: Annotated[str | None, typer.Option(help="One tenant's id; all unless given.")] = None,
    form: Annotated[Form, typer.Option("--format", help="text has 80 columns; html is one file.")] = Form.TEXT,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of the terminal.")] = None,
) -> None:
    """Report a day: summary, inconsistencies, top issues, trend, action items.

    Exit code 0 made, 2 a bad date, or the store cannot be reached.
    """
    start(
        "api.report_command:run_report", _day(day), tenant, form.value, output, process="report", needs=("store.dsn",)
    )


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("allowed is a day such as 2026-11-20", param_hint="--date") from None
