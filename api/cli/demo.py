"""`plumbline demo`: up, with simulated traffic, planted faults and a score."""

from typing import Annotated

import typer

from api.cli.start import start


def demo(
    seconds: Annotated[int, typer.Option(min=1, help="How long faults are planted.")] = 240,
    seed: Annotated[int, typer.Option(help="The same seed plants the same faults.")] = 1,
) -> None:
    """Everything on this machine, with traffic and planted faults; then the score.

    Exit code 0 only if no fault was missed and no alert was false.
    The score is in $PLUMBLINE_HOME/scoreboard.json.
    """
    from streams.settings import home

    start("api.demo:run_demo", home(), seconds, seed, process="demo")
