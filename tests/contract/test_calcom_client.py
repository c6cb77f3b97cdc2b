"""The client against a socket that answers like Cal.com, on good days and bad ones."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from connectors.calcom.answers import Found, Missing, Page, Unavailable, Unusable
from connectors.calcom.breaker import Breaker, BreakerPolicy
from connectors.calcom.client import CalcomClient, open_http
from connectors.calcom.quota import Priority, Quota
from connectors.calcom.transport import Transport
from connectors.world.serving import serving
from streams.settings_sections import AccountSettings, CalcomSettings

SAMPLES = Path(__file__).parents[1] / "fixtures" / "calcom"
UID = "n5CxW1pRbGd9ZtKs8MfVjQ"
PROOF = Priority.PROOF
Answer = Callable[[Request], Response]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def ok(_: Request) -> Response:
    return JSONResponse(sample("api-get_booking-accepted_200.json"))


def said(status: int, body: object = None) -> Answer:
    return lambda _: JSONResponse(body if body is not None else {"status": "error"}, status_code=status)


class Cal:
    """Answers in the given order, the last one for ever, and remembers what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    async def answer(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answers.pop(0)(request) if len(self.answers) > 1 else self.answers[0](request)


@asynccontextmanager
async def client_of(cal: Cal, *, timeout: float = 3.0, failures: int = 5) -> AsyncIterator[CalcomClient]:
    async def save(_: object) -> None:
        """Nothing outlives this test."""

    async with serving(Starlette(routes=[Route("/{path:path}", cal.answer)])) as url:
        calcom = CalcomSettings.model_validate({"base_url": url, "timeout_seconds": timeout})
        account = AccountSettings.model_validate({"name": "harbor", "tenant": "1", "api_key": "cal_live_x"})
        policy = BreakerPolicy(failures_to_open=failures, probe_seconds=60)
        http = open_http(calcom, account)
        try:
            yield CalcomClient(
                "harbor",
                Transport(
                    http=http,
                    quota=Quota(500, time.monotonic),
                    breaker=Breaker(policy=policy, clock=time.time, save=save),
                    timeout_seconds=timeout,
                ),
            )
        finally:
            await http.aclose()


async def test_a_booking_is_found_with_key_and_version_sent() -> None:
    cal = Cal(ok)
    async with client_of(cal) as client:
        answer = await client.booking(UID, PROOF)
    assert isinstance(answer, Found)
    assert answer.booking["uid"] == UID
    [request] = cal.requests
    assert request.url.path == f"/v2/bookings/{UID}"
    assert request.headers["authorization"] == "Bearer cal_live_x"
    assert request.headers["cal-api-version"] == "2024-08-13"


async def test_calcoms_own_404_is_missing_and_any_other_404_is_not() -> None:
    async with client_of(Cal(said(404, sample("api-get_booking-not_found_404.json")))) as client:
        assert isinstance(await client.booking(UID, PROOF), Missing)
    proxy = Cal(lambda _: HTMLResponse("<h1>Not Found</h1>", status_code=404))
    async with client_of(proxy) as client:
        assert isinstance(await client.booking(UID, PROOF), Unusable)
    wrong = {"status": "error", "error": {"code": "NotFoundException", "message": "Cannot GET /v2/v2/bookings"}}
    async with client_of(Cal(said(404, wrong))) as client:
        assert isinstance(await client.booking(UID, PROOF), Unusable)


@pytest.mark.parametrize("ref", ["1904755", "", "0"])
async def test_a_numeric_id_is_never_asked_by_uid(ref: str) -> None:
    cal = Cal(said(404))
    async with client_of(cal) as client:
        with pytest.raises(ValueError, match="not a uid"):
            await client.booking(ref, PROOF)
    assert cal.requests == []


async def test_a_reference_of_any_shape_stays_one_part_of_the_path() -> None:
    cal = Cal(said(404))
    async with client_of(cal) as client:
        await client.booking("../me?x=1#y", PROOF)
    assert cal.requests[0].scope["raw_path"] == b"/v2/bookings/%2E%2E%2Fme%3Fx%3D1%23y"


async def test_a_series_answers_with_all_its_bookings_and_the_one_of_that_start_is_meant() -> None:
    one = sample("api-get_booking-accepted_200.json")["data"]
    series = [{**one, "uid": f"occurrence-{day}", "start": f"2026-03-1{day}T14:00:00.000Z"} for day in range(3)]
    async with client_of(Cal(said(200, {"status": "success", "data": series}))) as client:
        answer = await client.booking("the-series", PROOF, "2026-03-11T14:00:30Z")
        assert isinstance(answer, Found)
        assert answer.booking["uid"] == "occurrence-1"
        assert isinstance(await client.booking("the-series", PROOF, "2026-05-01T14:00:00Z"), Unusable)
        assert isinstance(await client.booking("occurrence-2", PROOF), Found)


async def test_a_passing_fault_is_tried_again_within_the_deadline() -> None:
    cal = Cal(said(500), lambda _: HTMLResponse("bad gateway", status_code=502), ok)
    async with client_of(cal) as client:
        assert isinstance(await client.booking(UID, PROOF), Found)
    assert len(cal.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 302])
async def test_what_asking_again_would_not_change_is_unusable_and_asked_once(status: int) -> None:
    cal = Cal(said(status))
    async with client_of(cal) as client:
        answer = await client.booking(UID, PROOF)
        assert client.transport.breaker.closed
    assert isinstance(answer, Unusable)
    assert answer.http_status == status
    assert len(cal.requests) == 1


@pytest.mark.parametrize(
    "body",
    [{"status": "success"}, {"status": "success", "data": {"uid": UID}}, [], {"data": {"uid": "another"}}],
)
async def test_an_answer_that_is_no_booking_is_unusable(body: object) -> None:
    async with client_of(Cal(said(200, body))) as client:
        assert isinstance(await client.booking(UID, PROOF), Unusable)


async def test_too_many_requests_is_unavailable_and_blocks_the_key_until_the_reset() -> None:
    def refused(_: Request) -> Response:
        headers = {
            "X-RateLimit-Limit-Default": "120",
            "X-RateLimit-Remaining-Default": "0",
            "X-RateLimit-Reset-Default": "42",
        }
        return JSONResponse(sample("api-rate_limited_429.json"), status_code=429, headers=headers)

    cal = Cal(refused)
    async with client_of(cal) as client:
        answer = await client.booking(UID, PROOF)
        assert 41 < client.transport.wait_seconds(PROOF) <= 42
        assert client.transport.breaker.closed
    assert isinstance(answer, Unavailable)
    assert (answer.http_status, len(cal.requests)) == (429, 1)


async def test_nobody_listening_opens_the_breaker_and_then_nobody_is_asked() -> None:
    cal = Cal(said(503))
    async with client_of(cal, failures=2) as client:
        first = await client.booking(UID, PROOF)
        asked = len(cal.requests)
        second = await client.booking(UID, PROOF)
    assert isinstance(first, Unavailable)
    assert isinstance(second, Unavailable)
    assert second.reason == "breaker open"
    assert (asked, len(cal.requests)) == (2, 2)


async def test_a_silent_server_costs_no_more_than_the_timeout() -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    async with server, client_of(Cal(ok), timeout=0.3) as client:
        port = server.sockets[0].getsockname()[1]
        client.transport._http.base_url = f"http://127.0.0.1:{port}"
        began = time.perf_counter()
        answer = await client.booking(UID, PROOF)
    assert isinstance(answer, Unavailable)
    assert answer.reason == "timeout"
    assert time.perf_counter() - began < 1


async def test_a_list_page_tells_its_bookings_and_whether_more_follow() -> None:
    cal = Cal(said(200, sample("api-list_bookings_200.json")))
    async with client_of(cal) as client:
        page = await client.page({"take": 2, "afterStart": "2026-03-01T00:00:00.000Z"}, PROOF)
    assert isinstance(page, Page)
    assert [booking["id"] for booking in page.bookings] == [1904755, 1904901]
    assert (page.has_next, page.pages_total, page.rejected) == (True, 3, 0)
    assert cal.requests[0].query_params["afterStart"] == "2026-03-01T00:00:00.000Z"


async def test_a_list_row_that_is_no_booking_is_counted_and_the_rest_is_used() -> None:
    rows = [*sample("api-list_bookings_200.json")["data"], {"id": 1}]
    async with client_of(Cal(said(200, {"data": rows}))) as client:
        page = await client.page({"take": 3}, PROOF)
    assert isinstance(page, Page)
    assert (len(page.bookings), page.rejected, page.has_next) == (2, 1, True)
