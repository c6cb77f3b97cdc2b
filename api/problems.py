"""Errors as RFC 9457 problem documents, every one of them."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.request_ids import REQUEST_ID, request_id
from connectors.store.database import StoreUnavailable

PROBLEM_MEDIA_TYPE = "application/problem+json"
VALUE_CHARACTERS_MAX = 200
RETRY_SECONDS = 1


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One bad field: where, what was given, what is allowed."""

    field: str
    value: str | None
    allowed: str


class Problem(Exception):
    """An error with its document: `name` becomes `urn:plumbline:<name>`."""

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def not_found(what: str) -> Problem:
    """Nothing there, or nothing for this key: the two look the same."""
    return Problem(404, "not-found", f"There is no such {what}.")


def bad_input(field: str, value: object, allowed: str) -> Problem:
    """One field was bad."""
    error = FieldError(field=field, value=_shown(value), allowed=allowed)
    return Problem(422, "invalid-request", f"{field}: {allowed}", errors=[error])


def problem_response(request: Request, problem: Problem) -> Response:
    """The document."""
    document: dict[str, object] = {
        "type": f"urn:plumbline:{problem.name}",
        "title": problem.name.replace("-", " ").capitalize(),
        "status": problem.status,
        "detail": _text(problem.detail),
        "instance": quote(request.scope["path"]),
        "request_id": request_id(),
    }
    # An error that nobody expected is answered outside of every middleware, so the header is set here.
    named = {REQUEST_ID: name} if (name := request_id()) else {}
    if problem.errors:
        document["errors"] = problem.errors
    return Response(
        msgspec.json.encode(document),
        status_code=problem.status,
        headers={**problem.headers, **named},
        media_type=PROBLEM_MEDIA_TYPE,
    )


def answer_with_problems(app: FastAPI) -> None:
    """Let every error of the application be a problem document."""

    async def own(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return problem_response(request, error)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem_response(request, _of_http(error))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(request, _of_validation(error))

    async def away(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the reason is in the log
        return problem_response(request, STORE_AWAY)

    async def unexpected(request: Request, error: Exception) -> Response:  # noqa: ARG001 - it is logged by the server
        return problem_response(request, _UNEXPECTED)

    app.add_exception_handler(Problem, own)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(StoreUnavailable, away)
    app.add_exception_handler(Exception, unexpected)


STORE_AWAY = Problem(
    503, "store-unavailable", "The store cannot be reached. Try again.", headers={"Retry-After": str(RETRY_SECONDS)}
)
_UNEXPECTED = Problem(500, "internal-error", "Something went wrong here. It is in the log.")


def _of_http(error: HTTPException) -> Problem:
    phrase = HTTPStatus(error.status_code).phrase
    name = phrase.lower().replace(" ", "-").replace("'", "")
    return Problem(error.status_code, name, str(error.detail or phrase), headers=error.headers)


def _of_validation(error: RequestValidationError) -> Problem:
    errors = [_field_error(one) for one in error.errors()]
    detail = "; ".join(f"{one.field}: {one.allowed}" for one in errors)
    return Problem(422, "invalid-request", detail, errors=errors)


def _field_error(error: Mapping[str, Any]) -> FieldError:
    where, *path = error["loc"]
    # Of a repeated parameter the name is enough; in a body the whole path is.
    name = ".".join(str(part) for part in (path if where == "body" else path[:1])) or str(where)
    expected = (error.get("ctx") or {}).get("expected")
    allowed = f"allowed: {expected}" if expected else str(error["msg"]).removeprefix("Value error, ")
    missing = error["type"] == "missing"
    value = None if missing else _shown(error.get("input"))
    return FieldError(field=_text(name)[:VALUE_CHARACTERS_MAX], value=value, allowed=_text(allowed))


def _shown(value: object) -> str | None:
    if value is None:
        return None
    return _text(str(value)[:VALUE_CHARACTERS_MAX])


def _text(text: str) -> str:
    """What JSON allows a sender to write, and UTF-8 does not hold: half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode()
