"""`X-Request-Id`: one name for a request in the answer, in the log, in problem documents and in the audit."""

import re
from contextvars import ContextVar
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "X-Request-Id"
#: Another's id is taken if it is harmless; what is not is replaced, never mended.
_USABLE = re.compile(r"[A-Za-z0-9._:+/=-]{1,100}")

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def request_id() -> str | None:
    """The id of the request in hand; None outside of one."""
    return _current.get()


class RequestIds:
    """ASGI middleware: takes or makes the id. Each request is a task of its own, so nothing is put back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID)
        name = given if given is not None and _USABLE.fullmatch(given) else str(uuid4())
        _current.set(name)
        structlog.contextvars.bind_contextvars(request_id=name)

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = name
            await send(message)

        await self._app(scope, receive, named)
