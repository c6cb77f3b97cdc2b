"""The command `plumbline`. Each command imports its part only when it runs, so that help comes at once."""

import typer

from api.cli import bench, check, demo, doctor, processes, report, source, up, version

app = typer.Typer(
    name="plumbline",
    help="Watches appointments in Postgres and bookings in Cal.com, and says where they do not agree.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a frame's local variables may hold secrets
)
app.command("up")(up.up)
app.command("demo")(demo.demo)
app.command("worker")(processes.worker)
app.command("connectors")(processes.connectors)
app.command("api")(processes.api)
app.add_typer(source.app, name="source")
app.command("doctor")(doctor.doctor)
app.command("check")(check.check)
app.command("report")(report.report)
app.command("bench")(bench.bench)
app.command("version")(version.version)


def run() -> None:
    """Entry point of the distribution. Exit code 2: wrong usage or a configuration that cannot be used."""
    app()
