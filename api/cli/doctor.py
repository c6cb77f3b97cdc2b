"""`plumbline doctor`: is everything as it must be, and if not, what mends it."""

from typing import Annotated

import typer

from api.cli.start import start


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Look at every part and print one line a check, with its mend; changes nothing.

    Exit code 0 all good or warnings only, 1 a check failed, 2 something could not be checked.
    """
    start("api.doctor_report:run_doctor", as_json, process="doctor")
