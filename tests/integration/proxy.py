"""A broker that is far away: a TCP proxy that delivers each byte a while after it came, both ways."""

import asyncio
from collections import deque
from contextlib import suppress

READ_BYTES_MAX = 256 * 1024


class DelayingProxy:
    """Listens on 127.0.0.1 at `port` from `start` on; `target_port` may be told later."""

    def __init__(self, delay_seconds: float) -> None:
        self.delay_seconds = delay_seconds
        self.target_port = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._ways: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = asyncio.current_task()
        assert way is not None
        self._ways.add(way)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
            await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        except (OSError, asyncio.CancelledError):
            writer.close()
        finally:
            self._ways.discard(way)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Bytes leave in order, each `delay_seconds` after it came: a long line, not a narrow one."""
        loop = asyncio.get_running_loop()
        under_way: deque[tuple[float, bytes]] = deque()
        came = asyncio.Event()
        delivering = asyncio.create_task(self._deliver(under_way, came, writer))
        try:
            while True:
                piece = b""
                with suppress(ConnectionError):
                    piece = await reader.read(READ_BYTES_MAX)
                under_way.append((loop.time() + self.delay_seconds, piece))
                came.set()
                if not piece:
                    break
            await delivering
        finally:
            delivering.cancel()
            writer.close()

    async def _deliver(
        self, under_way: deque[tuple[float, bytes]], came: asyncio.Event, writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await came.wait()
            came.clear()
            while under_way:
                due, piece = under_way.popleft()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if not piece:
                    return
                with suppress(ConnectionError):
                    writer.write(piece)
                    await writer.drain()
