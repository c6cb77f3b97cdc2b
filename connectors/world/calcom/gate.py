"""What each request meets before its route: outage, slowness, failures, the rate limit, the key; and errors."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from connectors.world.calcom.bookings import NoSuchBooking, Refused
from connectors.world.calcom.listing import BadQuery
from connectors.world.calcom.shapes import Json
from connectors.world.calcom.state import CalcomState, Caller
from connectors.world.calcom.throttle import Pass
from connectors.world.instants import now, with_millis

VERSION = "2024-08-13"
TOO_MANY = "CustomThrottlerGuard - Too many requests. Please try again later."
Route = Callable[[CalcomState, Request, Caller | None], Awaitable[Response]]


class ApiError(Exception):
    """An answer of Cal.com's own error shape: HTTP status, exception class, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Throttled(ApiError):
    """Too many requests; `passed` says for how long."""

    def __init__(self, passed: Pass) -> None:
        super().__init__(429, "ThrottlerException", TOO_MANY)
        self.passed = passed


def not_found(uid: str) -> ApiError:
    return ApiError(404, "NotFoundException", f"Booking with uid={uid} was not found in the database")


def error_response(request: Request, error: ApiError) -> Response:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    body: Json = {
        "status": "error",
        "timestamp": with_millis(now()),
        "path": path,
        "error": {"code": error.code, "message": error.message},
    }
    return JSONResponse(body, status_code=error.status)


def success(data: object, status: int = 200, **beside: object) -> Response:
    return JSONResponse({"status": "success", "data": data, **beside}, status_code=status)


def gated(state: CalcomState, route: Route, *, key_needed: bool = True) -> Callable[[Request], Awaitable[Response]]:
    """The route behind the gate. `key_needed` is False for the one read that is public by uid."""

    async def answer(request: Request) -> Response:
        luck = await _luck(state)
        if luck is not None:
            return luck
        passed: Pass | None = None
        try:
            caller = _caller(state, request)
            if caller is None and key_needed:
                raise ApiError(401, "UnauthorizedException", "No authentication method was provided")
            if state.knobs.reads_away and request.method == "GET" and not (caller and caller.is_app):
                raise ApiError(503, "ServiceUnavailableException", "Service Unavailable")
            passed = _throttled(state, request, caller)
            response = await route(state, request, caller)
        except Throttled as error:
            passed, response = error.passed, error_response(request, error)
        except (ApiError, NoSuchBooking, Refused, BadQuery) as error:
            response = error_response(request, _as_api_error(error))
        if passed is not None:
            response.headers.update(passed.headers)
        return response

    return answer


async def _luck(state: CalcomState) -> Response | None:
    """An outage or a failure that the caller did not cause."""
    await state.dawdle()
    if state.knobs.outage:
        return HTMLResponse("<html><body>503 Service Temporarily Unavailable</body></html>", status_code=503)
    if state.rng.random() < state.knobs.failing:
        return JSONResponse({"statusCode": 500, "message": "Internal server error"}, status_code=500)
    return None


def _caller(state: CalcomState, request: Request) -> Caller | None:
    header = request.headers.get("authorization")
    if header is None:
        return None
    caller = state.caller(header.removeprefix("Bearer ").strip())
    if caller is None:
        # An unknown key is refused by the throttler itself.
        raise ApiError(401, "UnauthorizedException", "CustomThrottlerGuard - Invalid API Key")
    return caller


def _throttled(state: CalcomState, request: Request, caller: Caller | None) -> Pass:
    config = state.config
    if caller is None:
        host = request.client.host if request.client else "unknown"
        name, limit = f"ip:{host}", config.api_key_requests_per_minute
    elif caller.is_app:
        name, limit = f"{caller.account.name}:app", config.app_key_requests_per_minute
    else:
        name, limit = caller.account.name, config.api_key_requests_per_minute
    state.requests[name] += 1
    passed = state.throttle.take(name, limit, now())
    if not passed.allowed or state.rng.random() < state.knobs.too_many:
        raise Throttled(passed)
    return passed


def _as_api_error(error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case NoSuchBooking():
            return not_found(str(error))
        case _:
            return ApiError(400, "BadRequestException", str(error))
