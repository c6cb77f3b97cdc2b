"""Serve an ASGI application on 127.0.0.1 inside the running loop, on a port that is known before it answers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

#: How long open connections may hold up the end.
CLOSE_SECONDS_MAX = 1
#: An idle connection is kept longer than any client here keeps its own, so that none is closed under a request.
IDLE_SECONDS_MAX = 120


class _QuietServer(uvicorn.Server):
    """Leaves the process's signals to whoever started it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """The address, `http://127.0.0.1:<port>`. Raises OSError if the port is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError:
        listening.close()
        raise
    server = _QuietServer(
        uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=CLOSE_SECONDS_MAX,
            timeout_keep_alive=IDLE_SECONDS_MAX,
        )
    )
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        # uvicorn has no event to await; it is a matter of a few steps of the loop.
        while not server.started and not running.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await running
        listening.close()
