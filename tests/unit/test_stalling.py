"""A connection that takes nothing is cut after a while; one that takes something, however slowly, is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from api.stalling import StallGuarded

STALLED_SECONDS = 0.3
CHUNK = b"x" * 65_536


class SoonCut(StallGuarded):
    STALLED_SECONDS_MAX = STALLED_SECONDS


class Endless:
    """An application that writes for as long as somebody is there."""

    def __init__(self) -> None:
        self.was_left = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()
        leaving = asyncio.ensure_future(receive())
        while not leaving.done():
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
            await asyncio.sleep(0)
        self.was_left.set()


@asynccontextmanager
async def asked() -> AsyncIterator[tuple[Endless, asyncio.StreamReader]]:
    """The application, and the answer's other end."""
    app = Endless()
    config = uvicorn.Config(app, http=SoonCut, lifespan="off", log_config=None)
    config.load()
    loop, state = asyncio.get_running_loop(), ServerState()
    server = await loop.create_server(lambda: SoonCut(config, state, {}), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(host, port, limit=len(CHUNK))
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        yield app, reader
    finally:
        writer.close()
        async with asyncio.timeout(5):
            await app.was_left.wait()
        server.close()


async def test_who_takes_nothing_is_cut() -> None:
    async with asked() as (app, reader):
        await reader.readexactly(len(CHUNK))
        async with asyncio.timeout(STALLED_SECONDS * 20):
            await app.was_left.wait()


async def test_who_takes_slowly_is_kept() -> None:
    loop = asyncio.get_running_loop()
    async with asked() as (app, reader):
        enough = loop.time() + 3 * STALLED_SECONDS
        while loop.time() < enough:
            await reader.readexactly(4 * len(CHUNK))
            await asyncio.sleep(STALLED_SECONDS / 20)
        assert not app.was_left.is_set()
