"""`plumbline source prepare | remove`: what Plumbline needs in the monitored database, and its undoing."""

from typing import Annotated

import typer

from api.cli.start import start

app = typer.Typer(help="Prepare the monitored database, or take everything out of it again.", no_args_is_help=True)


@app.command()
def prepare(
    apply: Annotated[bool, typer.Option("--apply", help="Run the SQL instead of printing it.")] = False,
) -> None:
    """Print the SQL for the role, publication, replica identity and heartbeat table; --apply runs it."""
    start("connectors.source.prepare:run_prepare", apply, process="source")


@app.command()
def remove(
    apply: Annotated[bool, typer.Option("--apply", help="Run the SQL instead of printing it.")] = False,
) -> None:
    """Print the SQL that removes all of it, replication slot included; --apply runs it."""
    start("connectors.source.prepare:run_remove", apply, process="source")
