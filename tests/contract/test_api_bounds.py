"""What the API turns away before any store is asked: too much, too often, by nobody, or in a bad form."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.bounded_body import BODY_BYTES_MAX
from api.rate_limit import STRANGERS_PER_MINUTE
from api.services import services_of
from streams.settings import Settings

ACT = "/v1/alerts/e9f7ded4-8814-53a6-9e1c-75f76957e487/acknowledge"


def app(requests_per_minute: int = 600) -> FastAPI:
    settings = Settings.model_validate(
        {
            "store": {"dsn": "postgresql://nobody@127.0.0.1:1/none"},
            "api": {"requests_per_minute": requests_per_minute},
            "api_keys": [
                {"name": "ops", "key": "key-of-ops", "role": "admin", "tenants": ["*"]},
                {"name": "eve", "key": "key-of-eve", "role": "viewer", "tenants": ["9"]},
            ],
        }
    )
    return create_app(services_of(settings))


def asking_from(address: str, application: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(application, raise_app_exceptions=False, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://api")


@asynccontextmanager
async def api(*, requests_per_minute: int = 600) -> AsyncIterator[Any]:
    async with asking_from("192.0.2.1", app(requests_per_minute)) as asking:
        yield asking


def bearer(key: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", **more}


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["request_id"] == answer.headers["x-request-id"]
    return document


async def test_a_key_may_ask_so_often_in_a_minute_and_hears_how_much_is_left() -> None:
    async with api(requests_per_minute=3) as asking:
        left = [(await asking.get("/openapi.json", headers=bearer("key-of-ops"))).headers for _ in range(3)]
        assert [one["ratelimit-remaining"] for one in left] == ["2", "1", "0"]
        refused = await asking.get("/openapi.json", headers=bearer("key-of-ops"))
        is_problem(refused, 429)
        assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"]
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        other = await asking.get("/openapi.json", headers=bearer("key-of-eve"))
        assert other.status_code == 200, "each key has its own"


async def test_probes_are_never_turned_away() -> None:
    async with api(requests_per_minute=1) as asking:
        for _ in range(5):
            answer = await asking.get("/livez", headers=bearer("key-of-ops"))
            assert answer.status_code == 200
            assert "ratelimit-limit" not in answer.headers


async def test_who_guesses_keys_is_counted_by_where_the_guesses_come_from() -> None:
    async with api() as asking:
        for guess in range(STRANGERS_PER_MINUTE):
            is_problem(await asking.get("/v1/alerts", headers=bearer(f"guess-{guess}")), 401)
        is_problem(await asking.get("/v1/alerts", headers=bearer("one-more")), 429)
        known = await asking.get("/openapi.json", headers=bearer("key-of-ops"))
        assert known.status_code == 200, "a known key from the same place has its own count"


async def test_addresses_of_one_network_are_one_stranger() -> None:
    application = app()
    for number in range(STRANGERS_PER_MINUTE):
        async with asking_from(f"2001:db8::{number:x}", application) as asking:
            is_problem(await asking.get("/v1/alerts"), 401)
    async with asking_from("2001:db8::ffff:1", application) as asking:
        is_problem(await asking.get("/v1/alerts"), 429)


@pytest.mark.parametrize(
    ("given", "taken"),
    [("order-17/4", True), ("a" * 100, True), ("a" * 101, False), ("a b", False), ("<b>", False), ("", False)],
)
async def test_a_request_id_is_taken_if_it_is_harmless_and_else_made(given: str, taken: bool) -> None:
    async with api() as asking:
        named = (await asking.get("/livez", headers={"x-request-id": given})).headers["x-request-id"]
        assert (named == given) is taken
        assert named


async def test_a_body_that_is_too_long_is_not_read_to_its_end() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    async with api() as asking:
        is_problem(await asking.post(ACT, headers=bearer("key-of-ops"), content=endless()), 413)
    assert BODY_BYTES_MAX < sent <= BODY_BYTES_MAX + 2 * 65_536


async def test_a_strangers_body_is_not_read_at_all() -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    async with api() as asking:
        answer = await asking.post(ACT, content=never())
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("key", ["", "a" * 201, "tab\there", "café".encode("latin-1")])
async def test_an_idempotency_key_that_cannot_be_kept_is_refused(key: str | bytes) -> None:
    async with api() as asking:
        headers = [(b"authorization", b"Bearer key-of-ops"), (b"idempotency-key", key)]
        problem = is_problem(await asking.post(ACT, headers=headers), 422)
        assert problem["errors"][0]["field"] == "Idempotency-Key"


async def test_one_write_has_one_idempotency_key() -> None:
    async with api() as asking:
        headers = [("authorization", "Bearer key-of-ops"), ("idempotency-key", "a"), ("idempotency-key", "b")]
        is_problem(await asking.post(ACT, headers=headers), 422)


async def test_a_write_while_the_store_is_away_is_answered_as_such() -> None:
    async with api() as asking:
        answer = await asking.post(ACT, headers=bearer("key-of-ops"))
        is_problem(answer, 503)
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v1/%00", 404),
        ("GET", "/v1/alerts/%ff%fe", 404),
        ("DELETE", "/livez", 405),
        ("GET", "/v1/alerts?cursor=%F0%9F%A6%84", 422),
        ("GET", "/v1/alerts?limit=" + "9" * 5000, 422),
        ("GET", "/v1/alerts?limit=1e400", 422),
        ("GET", "/v1/audit?cursor=" + "A" * 201, 422),
        ("GET", "/v1/audit?cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", 422),
        ("GET", "/v1/audit?limit=0", 422),
    ],
)
async def test_what_makes_no_sense_is_a_problem_document(method: str, path: str, status: int) -> None:
    async with api() as asking:
        document = is_problem(await asking.request(method, path, headers=bearer("key-of-ops")), status)
        assert document["instance"].isascii()
