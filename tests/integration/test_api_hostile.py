"""What people send who mean harm, or whose programs are broken: refused with a problem document, and nothing done."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from connectors.stack.stack import LocalStack
from tests.integration.storing import StoredApi, new_store, stored_api

pytestmark = pytest.mark.stack

#: As ids, words and texts of people who try what a database or a header makes of them.
INJECTIONS = (
    "'; DROP TABLE data_consistency_alerts; --",
    "1' OR '1'='1",
    "$1::text",
    "{0}",
    "%s%n",
    "tenant\r\nSet-Cookie: a=b",
    "../../etc/passwd",
    '"><script>',
    "\\x00",
    "💥",
)
HUGE = 10**30


@pytest.fixture(scope="module")
async def api(postgres: LocalStack) -> AsyncIterator[StoredApi]:
    async with stored_api(await new_store(postgres)) as made:
        yield made


def is_refused(answer: httpx.Response) -> dict[str, Any]:
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status_code
    return document


async def stands(api: StoredApi, path: str) -> bool:
    """Whether the alert is as it was made."""
    alert = await api.ask("GET", path)
    return bool(alert.status_code == 200 and alert.json()["version"] == 1)


@pytest.mark.parametrize("text", INJECTIONS)
async def test_sql_in_filters_finds_nothing(api: StoredApi, text: str) -> None:
    path = await api.opened("filtered")
    for query in ({"tenant": text}, {"subject": f"booking:{text}"}):
        answer = await api.ask("GET", "/v1/alerts", params=query)
        assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})
    for query in ({"actor": text}, {"object_id": text}):
        answer = await api.ask("GET", "/v1/audit", params=query)
        assert (answer.status_code, answer.json()["items"]) == (200, [])
    for query in ({"status": text}, {"rule": text}, {"since": text}, {"limit": text}, {"cursor": text}):
        is_refused(await api.ask("GET", "/v1/alerts", params=query))
    assert await stands(api, path)


@pytest.mark.parametrize("text", INJECTIONS)
async def test_sql_in_paths_finds_nothing(api: StoredApi, text: str) -> None:
    quoted = httpx.URL("http://api", params={"a": text}).query.decode().removeprefix("a=").replace("+", "%20")
    for path in (f"/v1/alerts/{quoted}", f"/v1/alerts/{quoted}/history", f"/v1/bookings/{quoted}/consistency"):
        assert is_refused(await api.ask("GET", path))["status"] == 404
    assert is_refused(await api.ask("POST", f"/v1/alerts/{quoted}/acknowledge"))["status"] == 404


@pytest.mark.parametrize("text", [one for one in INJECTIONS if one.isprintable()])
async def test_what_people_write_is_kept_as_they_wrote_it(api: StoredApi, text: str) -> None:
    path = await api.opened(f"written {INJECTIONS.index(text)}")
    assert (await api.ask("POST", f"{path}/notes", json={"text": text})).status_code == 200
    history = (await api.ask("GET", f"{path}/history")).json()["items"]
    assert history[-1]["note"] == text


@pytest.mark.parametrize(
    "headers",
    [
        {"if-match": "x" * 10_000},
        {"if-match": '"' + "9" * 400 + '"'},
        {"if-match": "'; DROP TABLE alerts; --"},
        {"idempotency-key": "x" * 10_000},
        {"idempotency-key": ""},
        {"content-type": "text/xml"},
        {"content-type": "application/json; charset=utf-7"},
    ],
)
async def test_headers_that_make_no_sense_change_nothing(api: StoredApi, headers: dict[str, str]) -> None:
    path = await api.opened("headers")
    body = json.dumps({"text": "x"}).encode()
    answer = await api.ask("POST", f"{path}/notes", headers=headers, content=body)
    if "json" in headers.get("content-type", ""):
        assert answer.status_code == 200, "it is JSON, whatever it says of its letters"
        return
    is_refused(answer)
    assert await stands(api, path)


@pytest.mark.parametrize("given", ["a\tb", "<script>", "é".encode("latin-1").decode("latin-1"), "x" * 5_000])
async def test_nothing_of_a_request_gets_into_the_headers_of_its_answer_unchecked(api: StoredApi, given: str) -> None:
    headers = {"x-request-id": given.encode("latin-1")}
    answer = await api.ask("GET", "/v1/alerts", headers=headers)
    assert given not in answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"17",
        b'"text"',
        b"{",
        b'{"text": "x"',
        b'{"text": NaN}',
        b'{"text": {"text": "x"}}',
        b'{"text": "\xff\xfe"}',
        b'{"text": "\\ud800"}',
        b'{"text": "a\\u0000b"}',
        b'{"\\ud800": 1, "text": "x"}',
        b'{"text": ' + b"9" * 5_000 + b"}",
        b'{"text": "x", "__proto__": {}}',
        b"[" * 50_000,
        b'{"text": "' + b"x" * 5_000 + b'"}',
        b"\x00\x01\x02",
    ],
    ids=range(18),
)
async def test_a_body_that_is_no_such_body_is_refused(api: StoredApi, body: bytes) -> None:
    path = await api.opened("bodies")
    answer = await api.ask("POST", f"{path}/notes", content=body, headers={"content-type": "application/json"})
    assert is_refused(answer)["status"] in {400, 422}
    assert await stands(api, path)


@pytest.mark.parametrize("seconds", [HUGE, -HUGE, 1e308, 0.5, "many", None])
async def test_numbers_beyond_all_bounds_are_refused(api: StoredApi, seconds: object) -> None:
    path = await api.opened("numbers")
    body = json.dumps({"for_seconds": seconds}).encode()
    answer = await api.ask("POST", f"{path}/snooze", content=body, headers={"content-type": "application/json"})
    is_refused(answer)
    assert await stands(api, path)


@pytest.mark.parametrize("path", ["/v1/alerts", "/v1/audit", "/v1/coverage"])
@pytest.mark.parametrize("limit", ["-1", "0", "201", str(HUGE), "1e3", "١"])
async def test_pages_are_never_larger_than_allowed(api: StoredApi, path: str, limit: str) -> None:
    is_refused(await api.ask("GET", path, params={"limit": limit}))


@pytest.mark.parametrize("path", ["/v1/alerts", "/v1/audit"])
@pytest.mark.parametrize("cursor", ["x", "AAAA", "WyJhIiwiYiJd", "W10", "💥", "../", "=" * 10, "LTE", "MA", "\x00"])
async def test_a_cursor_that_is_none_is_refused(api: StoredApi, path: str, cursor: str) -> None:
    problem = is_refused(await api.ask("GET", path, params={"cursor": cursor}))
    assert problem["errors"][0]["field"] == "cursor"


async def test_too_many_filters_at_once_are_refused(api: StoredApi) -> None:
    is_refused(await api.ask("GET", "/v1/alerts?" + "&".join(f"tenant={n}" for n in range(101))))
