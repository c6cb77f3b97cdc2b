"""How every command starts: settings, logs, its part, and an orderly end on SIGTERM and Ctrl-C.

A command names its part as "module:function" and it is imported here, late: the broker's and the web server's
libraries would make `plumbline --help` wait for seconds.
"""

import asyncio
import inspect
import signal
from collections.abc import Coroutine
from importlib import import_module
from operator import attrgetter
from typing import Any

import typer

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2
#: What shells report for a process that Ctrl-C ended.
EXIT_INTERRUPTED = 130

#: Keys that `plumbline up` fills in by itself, and that a process of its own must be told.
ALLOWED = {
    "kafka.bootstrap_servers": "host:port, several with commas between",
    "source.dsn": "postgresql://role:password@host:port/database",
    "store.dsn": "postgresql://user:password@host:port/database",
    "calcom.base_url": "an address such as https://api.cal.com",
}


def start(part: str, *arguments: object, process: str, needs: tuple[str, ...] = ()) -> None:
    """Run `part` with the settings and `arguments`, and end with the exit code that it returns (None is 0).

    `needs` are keys of ALLOWED that the part cannot do without.
    A coroutine is cancelled by SIGTERM and Ctrl-C, and given time to put its things in order.
    """
    from connectors.stack.errors import StackError
    from streams.logs import configure_logs
    from streams.settings import ConfigurationError, load_settings

    try:
        settings = load_settings()
        if missing := [key for key in needs if attrgetter(key)(settings) is None]:
            raise ConfigurationError(*(f"{key} is missing: allowed is {ALLOWED[key]}" for key in missing))
        configure_logs(process)
        result = _function(part)(settings, *arguments)
        code = asyncio.run(_until_signalled(result)) if inspect.iscoroutine(result) else result
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(f"plumbline: {problem}", err=True)
        raise typer.Exit(EXIT_CONFIGURATION) from None
    except StackError as error:
        typer.echo(f"plumbline: {error}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None
    raise typer.Exit(code if isinstance(code, int) else 0)


def _function(part: str) -> Any:
    module, _, name = part.partition(":")
    return getattr(import_module(module), name)


async def _until_signalled(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of `work`; None when a signal ended it."""
    task = asyncio.ensure_future(work)
    signalled = asyncio.Event()

    def stop() -> None:
        signalled.set()
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if signalled.is_set():
            return None
        raise
