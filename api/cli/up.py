"""`plumbline up`: everything on this machine."""

from api.cli.start import start


def up() -> None:
    """Start everything on this machine, with empty tables and no traffic, until Ctrl-C.

    Parts that the configuration names are used as given.
    Addresses and a key are in $PLUMBLINE_HOME/endpoints.json.
    """
    from streams.settings import home

    start("api.up:run_up", home(), process="up")
