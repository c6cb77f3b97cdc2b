"""`POST /webhooks/calcom/{account}`: what is signed goes to Kafka untouched, and the answer never keeps
Cal.com waiting.

Cal.com's older sender waits for this answer inside the customer's booking (calcom.md §2), so everything here
is bounded by one deadline. The door judges nothing: no database, no decoding beyond the event type of a
shared account. It never answers 410, which would make Cal.com switch the webhook off.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid5

from fastapi import APIRouter, Request
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from api.door.bounded import BodyTooLong, read_bounded
from api.door.producer import NotAccepted
from api.door.repeats import RecentBodies, body_key
from api.door.signature import is_signed
from api.door.tenancy import tenant_of_body
from streams.model.ids import NAMESPACE, iso
from streams.settings import Settings

BODY_BYTES_MAX = 1024 * 1024
#: From the request's arrival to Kafka's acknowledgement; the answer's own way takes the rest of the 2 s.
ANSWER_SECONDS_MAX = 1.5
SIGNATURE_HEADER = "x-cal-signature-256"
#: Headers of Cal.com that travel with the record, so that a body can be verified again later.
KEPT_HEADERS = (SIGNATURE_HEADER, "x-cal-webhook-version", "content-type")

WEBHOOKS = Counter(
    "plumbline_webhooks_total", "Webhook requests by account and outcome.", ["account", "outcome"]
)
SECONDS = Histogram(
    "plumbline_webhook_seconds",
    "From a webhook's arrival to its answer.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0),
)


class WebhookSink(Protocol):
    """Where an accepted webhook goes; `DoorProducer` in production."""

    async def send(
        self, *, tenant: str, body: bytes, headers: Sequence[tuple[str, bytes]], deadline: float
    ) -> None:
        """Keep one webhook durably. Raises NotAccepted."""


def build_router(settings: Settings, producer: WebhookSink) -> APIRouter:
    """The door as a router; its memory of repeats lives as long as the router."""
    router = APIRouter()
    accounts = {account.name: account for account in settings.accounts}
    secrets = {
        account.name: tuple(secret.get_secret_value() for secret in account.webhook_secrets)
        for account in settings.accounts
    }
    recent = RecentBodies()

    @router.post("/webhooks/calcom/{account}", status_code=202, response_model=None)
    async def receive(account: str, request: Request) -> Response:
        clock = asyncio.get_running_loop()
        arrived = clock.time()
        known = accounts.get(account)
        if known is None:
            return _refuse(request, 404, "unknown-account", "No account of this name is configured.")
        try:
            async with asyncio.timeout_at(arrived + ANSWER_SECONDS_MAX):
                body = await read_bounded(request, BODY_BYTES_MAX)
        except BodyTooLong:
            return _refuse(
                request, 413, "body-too-long", f"A webhook body has at most {BODY_BYTES_MAX} bytes."
            )
        except TimeoutError:
            return _refuse(request, 408, "body-too-slow", "The body did not arrive in time.")
        except ClientDisconnect:
            return _refuse(
                request, 400, "body-incomplete", "The sender went away before the end of the body."
            )
        if not is_signed(body, request.headers.get(SIGNATURE_HEADER), secrets[account]):
            return _refuse(
                request, 401, "bad-signature", "X-Cal-Signature-256 is missing or does not fit the body."
            )
        key = body_key(account, body)
        if recent.has(key, clock.time()):
            return _receipt(account, "already_processed", clock.time() - arrived)
        try:
            await producer.send(
                tenant=tenant_of_body(settings, known, body),
                body=body,
                headers=_record_headers(account, key[1], request),
                deadline=arrived + ANSWER_SECONDS_MAX,
            )
        except NotAccepted:
            return _refuse(
                request, 503, "not-kept", "The webhook could not be kept durably in time. Send it again."
            )
        recent.enter(key, clock.time())
        return _receipt(account, "accepted", clock.time() - arrived)

    return router


def _record_headers(account: str, digest: bytes, request: Request) -> list[tuple[str, bytes]]:
    received_at = datetime.now(UTC)
    received = iso(int(received_at.timestamp() * 1000)) or ""
    # Two deliveries of one body differ in the microsecond; nothing relies on this id being the same or
    # another.
    delivery = uuid5(NAMESPACE, f"delivery|{account}|{digest.hex()}|{received_at.isoformat()}")
    headers = [
        ("account", account.encode()),
        ("received_at", received.encode()),
        ("delivery_id", str(delivery).encode()),
    ]
    for name in KEPT_HEADERS:
        value = request.headers.get(name)
        if value is not None:
            headers.append((name, value.encode("latin-1")))
    return headers


def _receipt(account: str, status: str, seconds: float) -> Response:
    WEBHOOKS.labels(account, status).inc()
    SECONDS.observe(seconds)
    return JSONResponse({"received": True, "status": status}, status_code=202)


def _refuse(request: Request, status: int, name: str, detail: str) -> Response:
    """An RFC 9457 problem document."""
    # The path's account is the sender's word; only configured names may become label values.
    WEBHOOKS.labels("" if status == 404 else request.path_params["account"], name).inc()
    problem = {
        "type": f"urn:plumbline:{name}",
        "title": name.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": request.url.path,
    }
    # The rest of an unread body must not be taken for the next request.
    headers = {"connection": "close"} if status in {408, 413} else None
    return JSONResponse(problem, status_code=status, headers=headers, media_type="application/problem+json")
