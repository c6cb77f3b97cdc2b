"""`plumbline version`."""

import typer


def version() -> None:
    """Print the version."""
    from importlib.metadata import version as version_of

    typer.echo(version_of("plumbline-monitor"))
