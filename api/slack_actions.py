"""`POST /integrations/slack/actions`: a button was pressed in Slack.

Slack signs what it sends; nothing else says who asks, so nothing is looked at before the signature fits. The answer is
200 within Slack's 3 s whatever became of the press: who pressed hears of it in Slack, not by an HTTP status.
"""

import json
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from slack_sdk.signature import SignatureVerifier
from starlette.responses import PlainTextResponse, Response

from api.bounded_body import whole_body
from api.examples import problem
from api.problems import Problem
from api.services import Services
from connectors.notify.slack.configured import bots_places
from connectors.slack_presses import Presses

PATH = "/integrations/slack/actions"
_FORM = "application/x-www-form-urlencoded"
_PROBLEM = "application/problem+json"
_NOT_CONFIGURED = "slack.signing_secret is not configured."
_NOT_SIGNED = "X-Slack-Signature is missing, older than 5 min, or does not fit the body."
_NO_PAYLOAD = "payload: allowed is one JSON document in a form."
_DESCRIPTION = """
Slack's interactivity request URL. Signed by Slack (`X-Slack-Signature`, v0, at most 5 min old) over the raw body; no
key is needed. Who pressed is told in Slack what could not be done.
"""
_PRESS = {
    "type": "block_actions",
    "user": {"id": "U0123ABCD"},
    "container": {"channel_id": "C0123ABCD", "message_ts": "1795694400.000100"},
    "actions": [
        {
            "action_id": "plumbline.acknowledge",
            "value": "e9f7ded4-8814-53a6-9e1c-75f76957e487",
            "action_ts": "1795694460.1",
        }
    ],
}


def build_router(services: Services) -> APIRouter:
    """The route; without a signing secret it is not there (404)."""
    router = APIRouter(tags=["integrations"])
    slack = services.settings.slack
    secret = slack.signing_secret.get_secret_value() if slack.signing_secret is not None else None
    presses = Presses(
        services.database, services.store, channels=tuple(bots_places(services.settings)), api_url=slack.api_url
    )

    @router.post(
        PATH,
        summary="A button was pressed in Slack",
        description=_DESCRIPTION,
        responses=_answers(),
        openapi_extra={"requestBody": _request_body()},
        response_class=PlainTextResponse,
        response_model=None,
    )
    async def pressed(request: Request) -> Response:
        if secret is None:
            raise Problem(404, "not-found", _NOT_CONFIGURED)
        body = await whole_body(request)
        if not is_slacks(body, request, secret):
            raise Problem(401, "bad-signature", _NOT_SIGNED)
        await presses.hear(_payload(body))
        return PlainTextResponse("")

    return router


def is_slacks(body: bytes, request: Request, secret: str) -> bool:
    """Whether Slack signed exactly these bytes, not long ago; compared in constant time."""
    try:
        return SignatureVerifier(secret).is_valid(
            body,
            request.headers.get("x-slack-request-timestamp"),
            request.headers.get("x-slack-signature"),
        )
    except (ValueError, TypeError):  # a time that is no number, a body or signature that is no text
        return False


def _payload(body: bytes) -> Any:
    try:
        [payload] = parse_qs(body.decode(), max_num_fields=10)["payload"]
        return json.loads(payload)
    except (ValueError, KeyError, RecursionError):
        raise Problem(422, "invalid-request", _NO_PAYLOAD) from None


def _request_body() -> dict[str, Any]:
    schema = {"type": "object", "required": ["payload"], "properties": {"payload": {"type": "string"}}}
    return {"required": True, "content": {_FORM: {"schema": schema, "example": {"payload": json.dumps(_PRESS)}}}}


def _answers() -> dict[int | str, dict[str, Any]]:
    errors = (
        (401, "bad-signature", _NOT_SIGNED),
        (404, "not-found", _NOT_CONFIGURED),
        (408, "body-too-slow", "The body did not arrive in time."),
        (413, "body-too-long", "The body is too long."),
        (422, "invalid-request", _NO_PAYLOAD),
    )
    empty = {"schema": {"type": "string", "maxLength": 0}, "example": ""}
    heard = {"description": "Heard; the body is empty.", "content": {"text/plain": empty}}
    documented: dict[int | str, dict[str, Any]] = {200: heard}
    for status, name, detail in errors:
        content = {_PROBLEM: {"example": problem(status, name, detail)}}
        documented[status] = {"description": detail, "content": content}
    return documented
