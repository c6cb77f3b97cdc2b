"""The Slack server as an ASGI application: what an app calls, what a person does, and how it fails."""

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
from connectors.world.slack.limits import TEXT_CHARACTERS_MAX, violations
from connectors.world.slack.messages import Body, Kept, SlackMessage, channel_id, element_of
from connectors.world.slack.pressing import Press, is_pressable, payload_of, post_signed
from connectors.world.slack.sockets import NobodyListens, Sockets

#: How often one `response_url` may be used.
RESPONSES_MAX = 5


class SlackKnobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`down` answers 503 to everything; the next `too_many` posts get 429 with a Retry-After in seconds.

    With `seconds_between_posts` a post to a channel that comes sooner after the last one gets 429 too.
    With `refuse_blocks` any blocks are invalid, as after a change of Slack's.
    With `hold_seconds` what comes is kept, and answered so much later; turning the knobs again answers at once.
    """

    down: bool = False
    too_many: int = 0
    retry_after_seconds: int = 1
    refuse_blocks: bool = False
    seconds_between_posts: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.0
    hold_seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 0.0


class Slack:
    """The receiver's state."""

    def __init__(self) -> None:
        self._knobs = SlackKnobs()
        self._released = asyncio.Event()
        self._kept = Kept()
        self._sockets = Sockets()
        self._posted_at: dict[str, int] = {}
        self._responses: dict[str, tuple[str, int]] = {}  # response_url's number: the message, times used

    @property
    def messages(self) -> list[SlackMessage]:
        """What was said, as it stands now; what a `response_url` was told too."""
        return self._kept.messages

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
                Route("/api/chat.update", self._update, methods=["POST"]),
                Route("/api/apps.connections.open", self._open, methods=["POST"]),
                Route("/actions/{number}", self._respond, methods=["POST"]),
                Route("/_control/messages", self._list),
                Route("/_control/messages", self._forget, methods=["DELETE"]),
                Route("/_control/messages/{ts}", self._delete, methods=["DELETE"]),
                Route("/_control/press", self._press, methods=["POST"]),
                Route("/_control/sockets", self._refresh, methods=["DELETE"]),
                Route("/_control/knobs", self._turn, methods=["POST"]),
            ]
        )

    async def close(self) -> None:
        """End the sockets that were opened."""
        await self._sockets.close()

    async def _incoming(self, request: Request) -> Response:
        refused = self._refused()
        if refused is not None:
            return refused
        body = await _body(request)
        if body is None or not (body.get("text") or body.get("blocks")):
            return PlainTextResponse("no_text", status_code=400)
        if self._wrong(body):
            return PlainTextResponse("invalid_blocks", status_code=400)
        self._kept.add(request.url.path, body)
        await self._held()
        return PlainTextResponse("ok")

    async def _post(self, request: Request) -> Response:
        body, refused = await self._asked(request)
        if refused is None:
            refused = self._too_soon(channel_id(str(body["channel"])))
        if refused is not None:
            return refused
        channel = channel_id(str(body["channel"]))
        kept = self._kept.add(request.url.path, body, channel)
        await self._held()
        return JSONResponse({"ok": True, "channel": channel, "ts": kept.ts, "message": body})

    async def _update(self, request: Request) -> Response:
        body, refused = await self._asked(request)
        if refused is not None:
            return refused
        message = self._kept.find(str(body.get("ts")), str(body["channel"]))
        if message is None:
            return _error("message_not_found")
        self._kept.edit(message, body)
        await self._held()
        return JSONResponse({"ok": True, "channel": message.channel, "ts": message.ts, "text": body.get("text", "")})

    async def _asked(self, request: Request) -> tuple[Body, Response | None]:
        """The body of a call about a message, or the refusal of it."""
        refused = self._refused()
        if refused is not None:
            return {}, refused
        if not re.match(r"Bearer \S+", request.headers.get("authorization", "")):
            return {}, _error("not_authed")
        body = await _body(request)
        if body is None or not body.get("channel"):
            return {}, _error("channel_not_found")
        if not (body.get("text") or body.get("blocks")):
            return {}, _error("no_text")
        if len(str(body.get("text") or "")) > TEXT_CHARACTERS_MAX:
            return {}, _error("msg_too_long")
        wrong = self._wrong(body)
        return body, _error("invalid_blocks", response_metadata={"messages": wrong}) if wrong else None

    async def _open(self, request: Request) -> Response:
        if not request.headers.get("authorization", "").startswith("Bearer xapp-"):
            return _error("not_allowed_token_type")
        return self._refused() or JSONResponse({"ok": True, "url": await self._sockets.url()})

    async def _respond(self, request: Request) -> Response:
        """What an app says to who pressed: to them alone, or in place of the message."""
        ts, used = self._responses.get(request.path_params["number"], ("", RESPONSES_MAX))
        if used >= RESPONSES_MAX:
            return PlainTextResponse("used_url", status_code=404)
        self._responses[request.path_params["number"]] = (ts, used + 1)
        body, message = await _body(request) or {}, self._kept.find(ts)
        if body.get("replace_original") and message is not None:
            self._kept.edit(message, body)
        else:
            self._kept.add(request.url.path, body)
        return PlainTextResponse("ok")

    async def _press(self, request: Request) -> Response:
        try:
            press = msgspec.json.decode(await request.body(), type=Press)
        except msgspec.MsgspecError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        message = self._kept.find(press.ts)
        element = element_of(message, press.action_id) if message is not None else None
        if message is None or element is None or not is_pressable(element, press.value):
            return JSONResponse({"error": "there is no such button"}, status_code=404)
        number = str(len(self._responses) + 1)
        self._responses[number] = (message.ts, 0)
        payload = payload_of(press, message, element, f"{request.base_url}actions/{number}")
        if press.url is not None:
            for _ in range(press.repeated):
                await post_signed(payload, press.url)
            return JSONResponse(msgspec.to_builtins(await post_signed(payload, press.url)))
        try:
            return JSONResponse({"acknowledged": True, "payload": await self._sockets.send(payload)})
        except NobodyListens as nobody:
            return JSONResponse({"acknowledged": False, "error": str(nobody)}, status_code=409)

    async def _refresh(self, _: Request) -> Response:
        await self._sockets.refresh()
        return JSONResponse({"open": len(self._sockets.open)})

    async def _list(self, _: Request) -> Response:
        return JSONResponse({"items": msgspec.to_builtins(self.messages)})

    async def _forget(self, _: Request) -> Response:
        self.messages.clear()
        return JSONResponse({"items": []})

    async def _delete(self, request: Request) -> Response:
        return Response(status_code=204 if self._kept.delete(request.path_params["ts"]) else 404)

    async def _turn(self, request: Request) -> Response:
        try:
            self.knobs = msgspec.json.decode(await request.body(), type=SlackKnobs)
        except msgspec.MsgspecError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        return JSONResponse(msgspec.to_builtins(self.knobs))

    def _wrong(self, body: Body) -> list[str]:
        refused = ["[ERROR] refused [/blocks]"] if self.knobs.refuse_blocks and body.get("blocks") else []
        return refused or violations(body)

    def _refused(self) -> Response | None:
        if self.knobs.down:
            return PlainTextResponse("service unavailable", status_code=503)
        if self.knobs.too_many > 0:
            self._knobs = msgspec.structs.replace(self.knobs, too_many=self.knobs.too_many - 1)
            return self._limited()
        return None

    def _too_soon(self, channel: str) -> Response | None:
        last, at = self._posted_at.get(channel), now()
        if last is not None and at - last < self.knobs.seconds_between_posts * 1000:
            return self._limited()
        self._posted_at[channel] = at
        return None

    def _limited(self) -> Response:
        wait = {"Retry-After": str(self.knobs.retry_after_seconds)}
        return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers=wait)

    async def _held(self) -> None:
        if self.knobs.hold_seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.knobs.hold_seconds):
                    await self._released.wait()


def _error(word: str, **more: object) -> Response:
    return JSONResponse({"ok": False, "error": word, **more})


async def _body(request: Request) -> Body | None:
    """JSON, or a form as older clients send it; None for neither."""
    raw = await request.body()
    if "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        return dict(parse_qsl(raw.decode("utf-8", "replace")))
    try:
        return msgspec.json.decode(raw, type=Body)
    except msgspec.MsgspecError:
        return None
