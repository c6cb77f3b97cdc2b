"""The Slack receiver over a real socket, as slack-sdk and an incoming webhook meet it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import httpx
import pytest
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from connectors.world.serving import serving
from connectors.world.slack import Slack
from connectors.world.slack.limits import violations
from connectors.world.slack.pressing import SIGNING_SECRET
from tests.integration.waiting import until

TOKEN = {"authorization": "Bearer xoxb-1"}
BUTTON = {"type": "button", "action_id": "do", "text": {"type": "plain_text", "text": "Do"}, "value": "17"}
BUTTONS = [{"type": "actions", "elements": [BUTTON]}]


@pytest.fixture
async def slack() -> AsyncIterator[httpx.AsyncClient]:
    receiver = Slack()
    async with serving(receiver.app()) as url, httpx.AsyncClient(base_url=url) as http:
        yield http
        await receiver.close()


async def messages(slack: httpx.AsyncClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await slack.get("/_control/messages")).json()["items"]
    return items


async def call(slack: httpx.AsyncClient, method: str, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await slack.post(f"/api/{method}", json=body, headers=TOKEN)).json()
    return answer


async def test_an_incoming_webhook_is_kept(slack: httpx.AsyncClient) -> None:
    answer = await slack.post("/services/T0/B0/x", json={"text": "hello"})
    assert (answer.status_code, answer.text) == (200, "ok")
    assert [each["body"] for each in await messages(slack)] == [{"text": "hello"}]


async def test_a_post_needs_a_token_and_a_channel_and_gets_a_name(slack: httpx.AsyncClient) -> None:
    body = {"channel": "C1", "text": "hello"}
    assert (await slack.post("/api/chat.postMessage", json=body)).json() == {"ok": False, "error": "not_authed"}
    assert not (await call(slack, "chat.postMessage", text="x"))["ok"]
    first = await call(slack, "chat.postMessage", **body)
    second = (await slack.post("/api/chat.postMessage", data=body, headers=TOKEN)).json()
    assert first["ok"]
    assert first["ts"] != second["ts"]
    assert len(await messages(slack)) == 2


async def test_a_message_is_edited_in_its_place_and_keeps_blocks_that_are_not_given(slack: httpx.AsyncClient) -> None:
    told = await call(slack, "chat.postMessage", channel="#ops", text="before", blocks=BUTTONS)
    assert told["channel"].startswith("C")
    edited = await call(slack, "chat.update", channel=told["channel"], ts=told["ts"], text="after")
    assert edited["ok"]
    [message] = await messages(slack)
    assert (message["body"]["text"], message["body"]["blocks"], message["edits"]) == ("after", BUTTONS, 1)
    await call(slack, "chat.update", channel=told["channel"], ts=told["ts"], text="after", blocks=[])
    assert (await messages(slack))[0]["body"]["blocks"] == []


async def test_what_is_not_there_cannot_be_edited(slack: httpx.AsyncClient) -> None:
    told = await call(slack, "chat.postMessage", channel="C1", text="hello")
    for body in ({"channel": "C2", "ts": told["ts"]}, {"channel": "C1", "ts": "1.000001"}):
        assert (await call(slack, "chat.update", text="x", **body))["error"] == "message_not_found"
    assert (await slack.delete(f"/_control/messages/{told['ts']}")).status_code == 204
    gone = await call(slack, "chat.update", channel="C1", ts=told["ts"], text="x")
    assert gone["error"] == "message_not_found"


@pytest.mark.parametrize(
    "block",
    [
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
        {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}},
        {"type": "section", "text": {"type": "mrkdwn", "text": ""}},
        {"type": "section"},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]},
        {"type": "context", "elements": []},
        {"type": "actions", "elements": [BUTTON | {"value": "x" * 2001}]},
        {"type": "actions", "elements": [BUTTON | {"action_id": "x" * 256}]},
        {"type": "actions", "elements": [BUTTON | {"text": {"type": "plain_text", "text": "x" * 76}}]},
        {"type": "actions", "elements": [BUTTON, BUTTON]},
        {"type": "marquee"},
    ],
)
def test_blocks_beyond_slacks_limits_violate_them(block: dict[str, Any]) -> None:
    assert violations({"text": "x", "blocks": [block]})


async def test_blocks_beyond_slacks_limits_are_refused_and_fifty_are_the_most(slack: httpx.AsyncClient) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
    refused = await call(slack, "chat.postMessage", channel="C1", text="x", blocks=[section] * 51)
    assert refused["error"] == "invalid_blocks"
    assert refused["response_metadata"]["messages"]
    webhook = await slack.post("/services/x", json={"text": "x", "blocks": [section] * 51})
    assert (webhook.status_code, webhook.text) == (400, "invalid_blocks")
    assert await messages(slack) == []
    assert (await call(slack, "chat.postMessage", channel="C1", text="x", blocks=[section] * 50))["ok"]


async def test_it_can_be_down_and_can_be_asked_too_much(slack: httpx.AsyncClient) -> None:
    await slack.post("/_control/knobs", json={"down": True})
    assert (await slack.post("/services/x", json={"text": "a"})).status_code == 503
    await slack.post("/_control/knobs", json={"too_many": 1, "retry_after_seconds": 2})
    limited = await slack.post("/services/x", json={"text": "b"})
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "2")
    assert (await slack.post("/services/x", json={"text": "c"})).status_code == 200
    assert [each["body"] for each in await messages(slack)] == [{"text": "c"}]


async def test_a_channel_takes_so_many_posts_and_another_one_its_own(slack: httpx.AsyncClient) -> None:
    await slack.post("/_control/knobs", json={"seconds_between_posts": 60})
    assert (await call(slack, "chat.postMessage", channel="C1", text="x"))["ok"]
    assert (await call(slack, "chat.postMessage", channel="C1", text="x"))["error"] == "ratelimited"
    assert (await call(slack, "chat.postMessage", channel="C2", text="x"))["ok"]


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


async def test_a_press_is_a_signed_form_and_its_response_url_answers(slack: httpx.AsyncClient) -> None:
    heard: list[dict[str, Any]] = []

    async def app(request: Request) -> PlainTextResponse:
        body = await request.body()
        assert SignatureVerifier(SIGNING_SECRET).is_valid_request(body, dict(request.headers))
        heard.append(json.loads(parse_qs(body.decode())["payload"][0]))
        return PlainTextResponse("heard")

    told = await call(slack, "chat.postMessage", channel="C1", text="x", blocks=BUTTONS)
    async with serving(Starlette(routes=[Route("/", app, methods=["POST"])])) as url:
        press = {"ts": told["ts"], "action_id": "do", "user": "U7", "url": f"{url}/"}
        answer = (await slack.post("/_control/press", json=press)).json()
    assert (answer["status"], answer["body"]) == (200, "heard")
    [payload] = heard
    assert (payload["type"], payload["user"]["id"], payload["actions"][0]["value"]) == ("block_actions", "U7", "17")
    assert payload["container"]["message_ts"] == told["ts"]
    only_you = {"response_type": "ephemeral", "text": "no"}
    assert (await slack.post(payload["response_url"], json=only_you)).text == "ok"
    instead = {"replace_original": True, "text": "done"}
    assert (await slack.post(payload["response_url"], json=instead)).text == "ok"
    assert [each["body"]["text"] for each in await messages(slack)] == ["done", "no"]


async def test_what_a_message_does_not_show_cannot_be_pressed(slack: httpx.AsyncClient) -> None:
    told = await call(slack, "chat.postMessage", channel="C1", text="x", blocks=BUTTONS)
    for press in ({"ts": told["ts"], "action_id": "other"}, {"ts": "1.000001", "action_id": "do"}):
        assert (await slack.post("/_control/press", json=press)).status_code == 404


async def test_a_press_without_an_address_goes_through_the_socket_that_an_app_opened(slack: httpx.AsyncClient) -> None:
    told = await call(slack, "chat.postMessage", channel="C1", text="x", blocks=BUTTONS)
    press = {"ts": told["ts"], "action_id": "do"}
    assert (await slack.post("/_control/press", json=press)).status_code == 409
    assert (await call(slack, "apps.connections.open"))["error"] == "not_allowed_token_type"
    opened = await slack.post("/api/apps.connections.open", headers={"authorization": "Bearer xapp-1"})
    async with aiohttp.ClientSession() as session, session.ws_connect(opened.json()["url"]) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        pressed = asyncio.ensure_future(slack.post("/_control/press", json=press))
        envelope = await socket.receive_json()
        assert (envelope["type"], envelope["payload"]["actions"][0]["action_id"]) == ("interactive", "do")
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        assert (await pressed).json() == {"acknowledged": True, "payload": None}
        await slack.delete("/_control/sockets")
        assert (await socket.receive_json())["type"] == "disconnect"
