"""What notices are posted to: PagerDuty's Events API, an Alertmanager and a webhook's receiver, over real HTTP.

Each checks what it gets as the real one documents it, keeps it, and answers otherwise when told to.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

ROUTING_KEY = "R" * 32
PAGERDUTY_BYTES_MAX = 512 * 1024
LABEL_NAME = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_]*$")
Answer = Callable[[Request], Awaitable[Response]]


@dataclass
class BadDays:
    """Answers that are given before anything is looked at, one a request, first to last."""

    answers: list[Response] = field(default_factory=list)
    requests: int = 0

    def forget(self) -> None:
        """As if nothing had come yet."""
        self.requests = 0
        for kept in vars(self).values():
            if isinstance(kept, list | dict):
                kept.clear()

    def then(self, answer: Answer) -> Answer:
        """The endpoint, as far as no bad day comes first."""

        async def endpoint(request: Request) -> Response:
            self.requests += 1
            return self.answers.pop(0) if self.answers else await answer(request)

        return endpoint


class PagerDutyReceiver(BadDays):
    """`POST /v2/enqueue`. `incidents` is what PagerDuty would show, by dedup_key."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.incidents: dict[str, str] = {}

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/v2/enqueue", self.then(self._enqueue), methods=["POST"])])

    async def _enqueue(self, request: Request) -> Response:
        if len(await request.body()) > PAGERDUTY_BYTES_MAX:
            return PlainTextResponse("too large", status_code=413)
        event = await request.json()
        if errors := list(_pagerduty_errors(event)):
            answer = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return JSONResponse(answer, status_code=400)
        self.events.append(event)
        self._carry_out(event["event_action"], event["dedup_key"])
        answer = {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}
        return JSONResponse(answer, status_code=202)

    def _carry_out(self, action: str, key: str) -> None:
        known = self.incidents.get(key)
        if action == "trigger" and known in (None, "resolved"):
            self.incidents[key] = "triggered"
        elif known is not None and action == "acknowledge" and known != "resolved":
            self.incidents[key] = "acknowledged"
        elif known is not None and action == "resolve":
            self.incidents[key] = "resolved"


def _pagerduty_errors(event: dict[str, Any]) -> list[str]:
    payload, action = event.get("payload") or {}, event.get("event_action")
    checks = {
        "Length of 'routing_key' is incorrect (should be 32 characters)": len(event.get("routing_key", "")) == 32,
        "'event_action' is unknown": action in ("trigger", "acknowledge", "resolve"),
        "'dedup_key' is missing or too long": 0 < len(event.get("dedup_key", "")) <= 255,
    }
    if action == "trigger":
        checks |= {
            "'payload.summary' is missing or too long": 0 < len(payload.get("summary", "")) <= 1024,
            "'payload.source' is missing": bool(payload.get("source")),
            "'payload.severity' is unknown": payload.get("severity") in ("critical", "error", "warning", "info"),
            "'payload.timestamp' is no time": _is_time(payload.get("timestamp")),
            "'payload.custom_details' is no object": isinstance(payload.get("custom_details"), dict),
            "'links' are wrong": all(set(one) == {"href", "text"} for one in event.get("links", [])),
        }
    return [error for error, holds in checks.items() if not holds]


class AlertmanagerReceiver(BadDays):
    """`POST /api/v2/alerts`. `posted` keeps the newest of each label set; what is past its end no longer fires."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
        self.batches: list[int] = []

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/api/v2/alerts", self.then(self._alerts), methods=["POST"])])

    def firing(self, *, minutes_later: float = 0) -> list[dict[str, Any]]:
        """What it would tell about at that time."""
        then = datetime.now(UTC) + timedelta(minutes=minutes_later)
        return [alert for alert in self.posted.values() if datetime.fromisoformat(alert["endsAt"]) > then]

    async def _alerts(self, request: Request) -> Response:
        if request.headers["content-type"] != "application/json":
            return JSONResponse({"code": 415, "message": "unsupported media type"}, status_code=415)
        alerts = await request.json()
        self.batches.append(len(alerts))
        for alert in alerts:
            if error := _alertmanager_error(alert):
                return JSONResponse(error, status_code=400)
        for alert in alerts:
            self.posted[tuple(sorted(alert["labels"].items()))] = alert
        return Response(status_code=200)


def _alertmanager_error(alert: dict[str, Any]) -> str | None:
    labels, notes = alert.get("labels") or {}, alert.get("annotations") or {}
    if not labels.get("alertname"):
        return "at least one label pair required"
    if not all(LABEL_NAME.match(name) and isinstance(text, str) for name, text in {**labels, **notes}.items()):
        return "invalid label set"
    if not (_is_time(alert.get("startsAt")) and _is_time(alert.get("endsAt"))):
        return "invalid date-time"
    if datetime.fromisoformat(alert["endsAt"]) < datetime.fromisoformat(alert["startsAt"]):
        return "start time must be before end time"
    if (link := alert.get("generatorURL")) is not None and not urlsplit(link).scheme:
        return "generatorURL must be of type uri"
    return None


class WebhookReceiver(BadDays):
    """`POST /hook`, checked as the Standard Webhooks libraries check."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._webhook = Webhook(secret)
        self.bodies: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.hosts: list[str] = []
        self.forged: list[str] = []

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/hook", self.then(self._hook), methods=["POST"])])

    async def _hook(self, request: Request) -> Response:
        try:
            body = self._webhook.verify(await request.body(), dict(request.headers))
        except WebhookVerificationError:
            self.forged.append(request.headers["webhook-id"])
            return PlainTextResponse("bad signature", status_code=401)
        self.bodies.append(body)
        self.ids.append(request.headers["webhook-id"])
        self.hosts.append(request.headers["host"])
        return Response(status_code=204)


def _is_time(text: Any) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except (TypeError, ValueError):
        return False
