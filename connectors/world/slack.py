"""A Slack receiver: takes incoming webhooks and `chat.postMessage`, keeps what came, and can be down."""

import asyncio
import re
from contextlib import suppress
from typing import Annotated
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from connectors.world.instants import now


class SlackKnobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`down` answers 503 to everything; the next `too_many` posts get 429 with a Retry-After in seconds.

    With `hold_seconds` what comes is kept, and answered so much later; turning the knobs again answers at once.
    """

    down: bool = False
    too_many: int = 0
    retry_after_seconds: int = 1
    hold_seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 0.0


class SlackMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived, as it came. `ts` is the name that Slack gives a message, for edits and threads."""

    at: int
    path: str
    ts: str
    body: dict[str, object]


class Slack:
    """The receiver's state."""

    def __init__(self) -> None:
        self._knobs = SlackKnobs()
        self._released = asyncio.Event()
        self.messages: list[SlackMessage] = []

    @property
    def knobs(self) -> SlackKnobs:
        """How it behaves; what is turned lets go of every answer that is held."""
        return self._knobs

    @knobs.setter
    def knobs(self, knobs: SlackKnobs) -> None:
        self._knobs = knobs
        self._released.set()
        self._released = asyncio.Event()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/services/{rest:path}", self._incoming, methods=["POST"]),
                Route("/api/chat.postMessage", self._post, methods=["POST"]),
                Route("/api/chat.update", self._post, methods=["POST"]),
                Route("/_control/messages", self._list),
                Route("/_control/messages", self._forget, methods=["DELETE"]),
                Route("/_control/knobs", self._turn, methods=["POST"]),
            ]
        )

    async def _incoming(self, request: Request) -> Response:
        refused = self._refused()
        if refused is not None:
            return refused
        body = await _body(request)
        if body is None or not (body.get("text") or body.get("blocks")):
            return PlainTextResponse("no_text", status_code=400)
        self._keep(request, body)
        await self._held()
        return PlainTextResponse("ok")

    async def _post(self, request: Request) -> Response:
        refused = self._refused()
        if refused is not None:
            return refused
        if not re.match(r"Bearer \S+", request.headers.get("authorization", "")):
            return JSONResponse({"ok": False, "error": "not_authed"})
        body = await _body(request)
        if body is None or not body.get("channel"):
            return JSONResponse({"ok": False, "error": "channel_not_found"})
        kept = self._keep(request, body)
        await self._held()
        return JSONResponse({"ok": True, "channel": body["channel"], "ts": kept.ts, "message": body})

    async def _list(self, _: Request) -> Response:
        return JSONResponse({"items": msgspec.to_builtins(self.messages)})

    async def _forget(self, _: Request) -> Response:
        self.messages.clear()
        return JSONResponse({"items": []})

    async def _turn(self, request: Request) -> Response:
        try:
            self.knobs = msgspec.json.decode(await request.body(), type=SlackKnobs)
        except msgspec.MsgspecError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        return JSONResponse(msgspec.to_builtins(self.knobs))

    def _refused(self) -> Response | None:
        if self.knobs.down:
            return PlainTextResponse("service unavailable", status_code=503)
        if self.knobs.too_many > 0:
            self._knobs = msgspec.structs.replace(self.knobs, too_many=self.knobs.too_many - 1)
            wait = {"Retry-After": str(self.knobs.retry_after_seconds)}
            return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers=wait)
        return None

    async def _held(self) -> None:
        if self.knobs.hold_seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.knobs.hold_seconds):
                    await self._released.wait()

    def _keep(self, request: Request, body: dict[str, object]) -> SlackMessage:
        at = now()
        ts = f"{at // 1000}.{len(self.messages):06d}"
        message = SlackMessage(at=at, path=request.url.path, ts=ts, body=body)
        self.messages.append(message)
        return message


async def _body(request: Request) -> dict[str, object] | None:
    """JSON, or a form as older clients send it; None for neither."""
    raw = await request.body()
    if "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        return dict(parse_qsl(raw.decode("utf-8", "replace")))
    try:
        return msgspec.json.decode(raw, type=dict[str, object])
    except msgspec.MsgspecError:
        return None
