"""Around every write under /v1: one transaction for its effect, its line in the audit and its kept answer.

The transaction is opened here and joined by whatever the route writes (`Database.one_transaction`), so a route needs to
know nothing of this. An answer below 500 commits all three; an answer of 500 or more, a crash or a lost store takes all
three back, and the audit is told apart. The answer goes out after the commit: who hears 200 can rely on it.
"""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.audit import WriteInHand, take_in_hand
from api.bounded_body import whole_body
from api.idempotency import REPLAYED, SENT_DIFFERENTLY, UNDER_WAY, key_of, ticket_of
from api.keys import Caller, Keys
from api.problems import STORE_AWAY, Problem, problem_response
from api.request_ids import request_id
from connectors.store.audit import AuditLine, write_audit, write_audit_alone
from connectors.store.database import Database, StoreUnavailable
from connectors.store.idempotency import KeptAnswer, SentDifferently, UnderWay, keep_answer, take_turn

PREFIX = "/v1/"
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: Questions that are too long for a query string: they change nothing.
QUESTIONS = frozenset({"/v1/validate"})
#: Headers of an answer that are kept with it; the others belong to the one request.
KEPT_HEADERS = ("content-type", "etag", "location")
UNKNOWN_ROUTE = "none"
OBJECT_CHARACTERS_MAX = 200


class Writes:
    """ASGI middleware; what is no write passes through."""

    def __init__(self, app: ASGIApp, database: Database, keys: Keys) -> None:
        self._app = app
        self._database = database
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["method"] not in METHODS or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            # First of all: a stranger's body is not read.
            caller = self._keys.bearer(request.headers.get("authorization"))
            if scope["path"] in QUESTIONS:
                await self._app(scope, _given(await whole_body(request), receive), send)
                return
            answer = await _Write(self._app, self._database, request, caller).answer()
        except Problem as problem:
            answer = problem_response(request, problem)
        await answer(scope, receive, send)


class _Refused(Exception):
    """The route's answer means that nothing was done, or that nobody knows what."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class _Crashed(Exception):
    """The route raised what nobody expected; kept apart from what the store raises."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class _Write:
    """One write of a known caller."""

    def __init__(self, app: ASGIApp, database: Database, request: Request, caller: Caller) -> None:
        self._app = app
        self._database = database
        self._request = request
        self._caller = caller
        self._key: str | None = None
        self._about: WriteInHand = take_in_hand()

    async def answer(self) -> Response:
        """What is sent; once it is here, everything is committed or taken back."""
        try:
            self._key = key_of(self._request.headers)
            body = await whole_body(self._request)
            return await self._acted(body)
        except _Refused as refused:
            answer = refused.answer
        except Problem as problem:
            answer = problem_response(self._request, problem)
        except StoreUnavailable:
            answer = problem_response(self._request, STORE_AWAY)
        except _Crashed as crashed:
            await write_audit_alone(self._database, self._line(HTTPStatus.INTERNAL_SERVER_ERROR))
            raise crashed.error from None
        await write_audit_alone(self._database, self._line(answer.status_code))
        return answer

    async def _acted(self, body: bytes) -> Response:
        ticket = None
        async with self._database.one_transaction() as connection:
            if self._key is not None:
                ticket = ticket_of(self._request.scope, self._caller, self._key, body)
                try:
                    kept = await take_turn(connection, ticket)
                except UnderWay:
                    raise UNDER_WAY from None
                except SentDifferently:
                    raise SENT_DIFFERENTLY from None
                if kept is not None:
                    return Response(kept.body, kept.status, headers={**kept.headers, REPLAYED: "true"})
            answer = await self._routed(body)
            if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise _Refused(answer)
            if ticket is not None:
                await keep_answer(connection, ticket, _kept(answer))
            await write_audit(connection, self._line(answer.status_code))
            return answer

    async def _routed(self, body: bytes) -> Response:
        """The route's answer, held back."""
        answer = Response()
        content = bytearray()

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status_code = message["status"]
                answer.raw_headers = list(message.get("headers", ()))
            elif message["type"] == "http.response.body":
                content.extend(message.get("body", b""))

        try:
            await self._app(self._request.scope, _given(body, self._request.receive), hold)
        except Exception as error:
            raise _Crashed(error) from error
        answer.body = bytes(content)
        return answer

    def _line(self, status: int) -> AuditLine:
        scope = self._request.scope
        tenant, caller = self._about.tenant, self._caller
        return AuditLine(
            through="api",
            actor=caller.name,
            role=caller.role,
            method=scope["method"],
            route=getattr(scope.get("route"), "path", UNKNOWN_ROUTE),
            object_id=self._about.object_id or _object_in_path(scope),
            tenant=tenant,
            concerns=caller.tenants if tenant is None else (tenant,),
            status=status,
            idempotency_key=self._key,
            request_id=request_id(),
        )


def _given(body: bytes, receive: Receive) -> Receive:
    """`receive` of a request whose body was read already; behind it only the end of the connection comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def given() -> Message:
        return waiting.pop() if waiting else await receive()

    return given


def _kept(answer: Response) -> KeptAnswer:
    headers = {name: value for name in KEPT_HEADERS if (value := answer.headers.get(name)) is not None}
    return KeptAnswer(status=answer.status_code, headers=headers, body=bytes(answer.body))


def _object_in_path(scope: Scope) -> str | None:
    """As the path has it, without what a database does not take."""
    named = list(scope.get("path_params", {}).values())
    return str(named[-1]).replace("\x00", "")[:OBJECT_CHARACTERS_MAX] if named else None
