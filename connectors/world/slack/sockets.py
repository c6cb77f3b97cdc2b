"""Socket Mode: the websocket through which an app without a public address hears of presses."""

import asyncio
import json
from typing import Any
from uuid import uuid4

from aiohttp import web

from connectors.world.slack.pressing import ANSWER_SECONDS_MAX


class NobodyListens(Exception):
    """No app has a socket open, or it did not acknowledge in time."""


class Sockets:
    """A server of websockets, started when first asked for."""

    def __init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self._url = ""
        self.open: list[web.WebSocketResponse] = []
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    async def url(self) -> str:
        """Where an app may open one."""
        if self._runner is None:
            app = web.Application()
            app.router.add_get("/link", self._serve)
            self._runner = web.AppRunner(app)
            await self._runner.setup()
            site = web.TCPSite(self._runner, "127.0.0.1", 0)
            await site.start()
            self._url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}/link?ticket={uuid4()}"
        return self._url

    async def send(self, payload: dict[str, Any]) -> Any:
        """Send one interaction through a socket; what the app acknowledged it with. Raises NobodyListens."""
        if not self.open:
            raise NobodyListens("no socket is open")
        envelope = str(uuid4())
        self._waiting[envelope] = asyncio.get_running_loop().create_future()
        message = {"envelope_id": envelope, "type": "interactive", "accepts_response_payload": True, "payload": payload}
        try:
            await self.open[-1].send_str(json.dumps(message))
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return await self._waiting[envelope]
        except (TimeoutError, ConnectionError) as error:
            raise NobodyListens("nobody acknowledged") from error
        finally:
            del self._waiting[envelope]

    async def refresh(self) -> None:
        """Ask every app to connect anew, as Slack does every few hours."""
        for socket in list(self.open):
            await socket.send_str(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
            await socket.close()

    async def close(self) -> None:
        """End all of it."""
        for socket in list(self.open):
            await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.open.append(socket)
        try:
            await socket.send_str(json.dumps({"type": "hello", "num_connections": len(self.open)}))
            async for message in socket:
                self._acknowledge(json.loads(message.data))
        finally:
            self.open.remove(socket)
        return socket

    def _acknowledge(self, answer: dict[str, Any]) -> None:
        waiting = self._waiting.get(answer.get("envelope_id", ""))
        if waiting is not None and not waiting.done():
            waiting.set_result(answer.get("payload"))
