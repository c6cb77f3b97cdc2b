"""`plumbline check`: both sides compared once."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from api.cli.start import start

_UNITS = {"d": "days", "h": "hours", "w": "weeks"}


def check(
    since: Annotated[str, typer.Option(help="How far back: 30d, 12h, 2w.")] = "30d",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare both sides once, without Kafka and without a store; reads only.

    Exit code 0 clean, 1 differences, 2 not everything could be judged.
    """
    needs = ("source.dsn", "calcom.base_url")
    start("api.check_report:run_check", _span(since), as_json, process="check", needs=needs)


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,3})([dhw])", text)
    if found is None:
        raise typer.BadParameter("allowed is a number with d, h or w, such as 30d", param_hint="--since")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
