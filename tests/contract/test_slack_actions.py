"""`POST /integrations/slack/actions`: only Slack is heard, it is always answered in time, and who pressed is told."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI
from slack_sdk.signature import SignatureVerifier

from api.app import create_app
from api.services import services_of
from api.slack_actions import PATH
from connectors.notify.slack import SlackBot
from connectors.world.serving import serving
from connectors.world.slack import Slack
from connectors.world.slack.pressing import SIGNING_SECRET
from streams.alerts.notice import NoticeKind
from streams.settings import Settings
from tests.alert_words import Life, finding
from tests.notice_words import audience, telling

ALERT = Life().hears(finding("opened", 1)).alert


def settings(**slack: Any) -> Settings:
    return Settings.model_validate({"store": {"dsn": "postgresql://nobody@127.0.0.1:1/none"}, "slack": slack})


def asking(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api")


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(services_of(settings(signing_secret=SIGNING_SECRET)))


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(app) as http:
        yield http


def form(payload: Any) -> str:
    return urlencode({"payload": json.dumps(payload)})


def signed(body: str, *, at: str | None = None, secret: str = SIGNING_SECRET) -> dict[str, str]:
    at = at or str(int(time.time()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=body)
    return {"x-slack-request-timestamp": at, "x-slack-signature": str(signature)}


OTHERS = form({"type": "block_actions", "actions": [{"action_id": "somebody.elses"}]})


async def test_what_slack_signed_is_answered_also_where_it_is_none_of_ours(api: httpx.AsyncClient) -> None:
    answer = await api.post(PATH, content=OTHERS, headers=signed(OTHERS))
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(OTHERS) | {"x-slack-signature": "v0=" + "0" * 64},
        signed(OTHERS) | {"x-slack-signature": b"v0=\xe9"},
        signed(OTHERS, secret="another"),
        signed(OTHERS + "&more=1"),
        signed(OTHERS, at=str(int(time.time()) - 1_000)),
        signed(OTHERS, at=str(int(time.time()) + 10_000)),
        signed(OTHERS, at="yesterday"),
        {name: value for name, value in signed(OTHERS).items() if "timestamp" not in name},
    ],
)
async def test_what_slack_did_not_sign_just_now_is_not_heard(api: httpx.AsyncClient, headers: dict[str, Any]) -> None:
    answer = await api.post(PATH, content=OTHERS, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:plumbline:bad-signature"


async def test_a_body_that_is_no_text_is_not_heard(api: httpx.AsyncClient) -> None:
    assert (await api.post(PATH, content=b"\xff\xfe", headers=signed(OTHERS))).status_code == 401


@pytest.mark.parametrize("body", ["", "payload=", "payload=%7B", "payload=1&payload=2", "other=1", "[" * 5_000])
async def test_a_form_without_a_payload_is_refused(api: httpx.AsyncClient, body: str) -> None:
    answer = await api.post(PATH, content=body, headers=signed(body))
    assert answer.status_code == 422


async def test_a_body_that_is_too_long_is_refused_before_it_is_read(api: httpx.AsyncClient) -> None:
    assert (await api.post(PATH, content="x" * 300_000)).status_code == 413


async def test_without_a_signing_secret_nobody_is_heard() -> None:
    async with asking(create_app(services_of(settings()))) as api:
        assert (await api.post(PATH, content=OTHERS, headers=signed(OTHERS))).status_code == 404


async def test_who_pressed_is_told_that_the_store_is_away() -> None:
    receiver = Slack()
    async with serving(receiver.app()) as slack:
        app = create_app(services_of(settings(signing_secret=SIGNING_SECRET, api_url=f"{slack}/api")))
        bot = SlackBot("slack", "xoxb-1", "#ops", audience(), f"{slack}/api", buttons=True)
        await bot.tell(telling(NoticeKind.OPENED, ALERT))
        await bot.close()
        press = {"ts": receiver.messages[0].ts, "action_id": "plumbline.acknowledge"}
        async with serving(app) as url, httpx.AsyncClient(base_url=slack) as people:
            answer = (await people.post("/_control/press", json=press | {"url": url + PATH})).json()
    assert answer["status"] == 200
    [_, told] = receiver.messages
    assert told.body["response_type"] == "ephemeral"
    assert "store cannot be reached" in told.body["text"]
