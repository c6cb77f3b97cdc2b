"""The Slack receiver over a real socket, as slack-sdk and an incoming webhook meet it."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from connectors.world.serving import serving
from connectors.world.slack import Slack
from tests.integration.waiting import until


@pytest.fixture
async def slack() -> AsyncIterator[httpx.AsyncClient]:
    async with serving(Slack().app()) as url, httpx.AsyncClient(base_url=url) as http:
        yield http


async def messages(slack: httpx.AsyncClient) -> list[dict[str, object]]:
    items: list[dict[str, object]] = (await slack.get("/_control/messages")).json()["items"]
    return items


async def test_an_incoming_webhook_is_kept(slack: httpx.AsyncClient) -> None:
    answer = await slack.post("/services/T0/B0/x", json={"text": "hello"})
    assert (answer.status_code, answer.text) == (200, "ok")
    assert [each["body"] for each in await messages(slack)] == [{"text": "hello"}]


async def test_a_post_needs_a_token_and_a_channel_and_gets_a_name(slack: httpx.AsyncClient) -> None:
    token = {"authorization": "Bearer xoxb-1"}
    body = {"channel": "C1", "text": "hello"}
    assert (await slack.post("/api/chat.postMessage", json=body)).json() == {"ok": False, "error": "not_authed"}
    assert not (await slack.post("/api/chat.postMessage", json={"text": "x"}, headers=token)).json()["ok"]
    first = (await slack.post("/api/chat.postMessage", json=body, headers=token)).json()
    second = (await slack.post("/api/chat.postMessage", data=body, headers=token)).json()
    assert first["ok"]
    assert first["ts"] != second["ts"]
    assert len(await messages(slack)) == 2


async def test_it_can_be_down_and_can_be_asked_too_much(slack: httpx.AsyncClient) -> None:
    await slack.post("/_control/knobs", json={"down": True})
    assert (await slack.post("/services/x", json={"text": "a"})).status_code == 503
    await slack.post("/_control/knobs", json={"too_many": 1, "retry_after_seconds": 2})
    limited = await slack.post("/services/x", json={"text": "b"})
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "2")
    assert (await slack.post("/services/x", json={"text": "c"})).status_code == 200
    assert [each["body"] for each in await messages(slack)] == [{"text": "c"}]


async def test_a_held_answer_comes_when_the_knobs_are_turned_and_the_message_is_kept_before(
    slack: httpx.AsyncClient,
) -> None:
    await slack.post("/_control/knobs", json={"hold_seconds": 60})
    waiting = asyncio.ensure_future(slack.post("/services/x", json={"text": "a"}))
    await until(lambda: messages(slack))
    assert not waiting.done()
    await slack.post("/_control/knobs", json={})
    assert (await waiting).text == "ok"


async def test_a_hold_ends_by_itself(slack: httpx.AsyncClient) -> None:
    await slack.post("/_control/knobs", json={"hold_seconds": 0.05})
    assert (await slack.post("/services/x", json={"text": "a"})).text == "ok"
