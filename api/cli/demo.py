"""`plumbline demo`: up, with simulated traffic, planted faults and a score."""

from typing import Annotated

import typer

from api.cli.start import start


def demo(
    seconds: Annotated[int, typer.Option(min=1, help="How long faults are planted.")] = 240,
    seed: Annotated[int, typer.Option(help="The same seed plants the same faults.")] = 1,
    bookings: Annotated[int | None, typer.Option(min=1, help="So many bookings in that time.")] = None,
    faults_per_rule: Annotated[int | None, typer.Option(min=0, help="So many faults of each rule.")] = None,
    tenants: Annotated[int | None, typer.Option(min=2, max=99, help="So many tenants, an account each.")] = None,
) -> None:
    """Everything on this machine, with traffic and planted faults; then the score.

    Exit code 0 only if no fault was missed and no alert was false.
    The score is in $PLUMBLINE_HOME/scoreboard.json, and as a table in score.md.
    """
    from api.demo_order import DemoOrder
    from streams.settings import home

    order = DemoOrder(seconds=seconds, seed=seed, bookings=bookings, faults_per_rule=faults_per_rule, tenants=tenants)
    start("api.demo:run_demo", home(), order, process="demo")
