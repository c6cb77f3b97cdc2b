"""A person presses a button: the signed request that Slack makes of it."""

import json
import time
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
from slack_sdk.signature import SignatureVerifier

from connectors.world.slack.messages import SlackMessage

#: What Slack gives an app before it tells the person that something went wrong.
ANSWER_SECONDS_MAX = 3.0
SIGNING_SECRET = "signing-secret-of-the-simulated-slack"
TEAM = "T0WORLD01"


class Press(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who presses what. `value` chooses an option of a select; without `url` it goes through the socket.

    `repeated` sends the same request so many times more, as after an answer that was lost.
    """

    ts: str
    action_id: str
    value: str | None = None
    user: str = "U0PRESSER"
    url: str | None = None
    repeated: int = 0


class Pressed(msgspec.Struct, frozen=True, kw_only=True):
    """What the app answered; a status of 0 is no answer in time."""

    status: int
    body: str
    seconds: float


def payload_of(press: Press, message: SlackMessage, element: dict[str, Any], response_url: str) -> dict[str, Any]:
    """The `block_actions` payload of one press."""
    user = {"id": press.user, "username": "presser", "name": "presser", "team_id": TEAM}
    acted = {"action_id": press.action_id, "block_id": "b1", "type": element["type"], "action_ts": f"{time.time():.6f}"}
    if element["type"] == "static_select":
        chosen = next(option for option in element["options"] if option["value"] == press.value)
        acted["selected_option"] = chosen
    else:
        acted |= {"text": element["text"], "value": element.get("value", "")}
    return {
        "type": "block_actions",
        "user": user,
        "api_app_id": "A0WORLD01",
        "token": "not-checked-by-anybody",
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": False,
        },
        "trigger_id": "1.2.3",
        "team": {"id": TEAM, "domain": "world"},
        "enterprise": None,
        "channel": {"id": message.channel, "name": "ops"},
        "message": {"type": "message", "ts": message.ts, **message.body},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [acted],
    }


def is_pressable(element: dict[str, Any], value: str | None) -> bool:
    """Whether this can be pressed: a select only at one of its options."""
    return element["type"] != "static_select" or value in [option["value"] for option in element["options"]]


async def post_signed(payload: dict[str, Any], url: str) -> Pressed:
    """Post the payload to an app as Slack does: a form, signed with the secret both know."""
    body = urlencode({"payload": json.dumps(payload)})
    at = str(int(time.time()))
    signature = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=at, body=body)
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": at,
        "x-slack-signature": str(signature),
    }
    began = time.monotonic()
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX) as http:
            answer = await http.post(url, content=body, headers=headers)
    except httpx.HTTPError as error:
        return Pressed(status=0, body=type(error).__name__, seconds=time.monotonic() - began)
    return Pressed(status=answer.status_code, body=answer.text, seconds=time.monotonic() - began)
