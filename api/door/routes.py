"""`POST /webhooks/calcom/{account}`: what is signed goes to Kafka untouched, and the answer never keeps
Cal.com waiting.

Cal.com's older sender waits for this answer inside the customer's booking (calcom.md §2), so everything here
is bounded by one deadline. The door judges nothing: no database, no decoding beyond the event type of a
shared account. It never answers 410, which would make Cal.com switch the webhook off.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, Protocol
from uuid import uuid5

from fastapi import APIRouter, Request
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from api.door.bounded import BodyTooLong, read_bounded
from api.door.documented import WEBHOOK, answers
from api.door.producer import NotAccepted
from api.door.refusals import Refusals
from api.door.repeats import RecentBodies, body_key
from api.door.signature import is_signed
from api.door.tenancy import tenant_of_body
from api.problems import Problem, problem_response
from streams.model.ids import NAMESPACE, iso
from streams.settings import Settings

BODY_BYTES_MAX = 1024 * 1024
#: From the request's arrival to Kafka's acknowledgement; the answer's own way takes the rest of the 2 s.
ANSWER_SECONDS_MAX = 1.5
SIGNATURE_HEADER = "x-cal-signature-256"
#: Headers of Cal.com that travel with the record, so that a body can be verified again later.
KEPT_HEADERS = (SIGNATURE_HEADER, "x-cal-webhook-version", "content-type")

WEBHOOKS = Counter("plumbline_webhooks_total", "Webhook requests by account and outcome.", ["account", "outcome"])
SECONDS = Histogram(
    "plumbline_webhook_seconds",
    "From a webhook's arrival to its answer.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0),
)


Status = Literal["accepted", "already_processed"]


class WebhookSink(Protocol):
    """Where an accepted webhook goes; `DoorProducer` in production."""

    async def send(self, *, tenant: str, body: bytes, headers: Sequence[tuple[str, bytes]], deadline: float) -> None:
        """Keep one webhook durably. Raises NotAccepted."""


def build_router(settings: Settings, producer: WebhookSink, refusals: Refusals | None = None) -> APIRouter:
    """The door as a router; its memory of repeats lives as long as the router. `refusals`: who is told of them."""
    router = APIRouter()
    door = Door(settings, producer, refusals or Refusals())

    @router.post(
        "/webhooks/calcom/{account}",
        status_code=202,
        summary="Take one webhook of Cal.com",
        description=f"Signed by the account's secret in {SIGNATURE_HEADER}. Answered once the body is safely on Kafka.",
        responses=answers(),
        openapi_extra={"requestBody": {"content": {"application/json": {"example": WEBHOOK}}}},
        response_model=None,
        tags=["webhooks"],
    )
    async def receive(account: str, request: Request) -> Response:
        arrived = asyncio.get_running_loop().time()
        try:
            status = await door.receive(account, request, arrived + ANSWER_SECONDS_MAX)
        except Problem as problem:
            # The path's account is the sender's word; only configured names may become label values.
            WEBHOOKS.labels("" if problem.status == 404 else account, problem.name).inc()
            return problem_response(request, problem)
        WEBHOOKS.labels(account, status).inc()
        SECONDS.observe(asyncio.get_running_loop().time() - arrived)
        return JSONResponse({"received": True, "status": status}, status_code=202)

    return router


class Door:
    """What happens to one request, step by step."""

    def __init__(self, settings: Settings, sink: WebhookSink, refusals: Refusals) -> None:
        self._settings = settings
        self._refusals = refusals
        self._sink = sink
        self._recent = RecentBodies()
        self._secrets = {
            account.name: tuple(secret.get_secret_value() for secret in account.webhook_secrets)
            for account in settings.accounts
        }

    async def receive(self, name: str, request: Request, deadline: float) -> Status:
        """Keep one webhook, or raise the Problem that the sender is told. `deadline` by the running loop's clock."""
        account = self._settings.account(name)
        if account is None:
            raise Problem(404, "unknown-account", "No account of this name is configured.")
        try:
            body = await _body(request, deadline)
        except Problem as unread:
            self._refusals.note(name, unread.status)
            raise
        if not is_signed(body, request.headers.get(SIGNATURE_HEADER), self._secrets[name]):
            self._refusals.note(name, 401, body)
            raise Problem(401, "bad-signature", "X-Cal-Signature-256 is missing or does not fit the body.")
        key = body_key(name, body)
        clock = asyncio.get_running_loop().time
        if self._recent.has(key, clock()):
            return "already_processed"
        try:
            await self._sink.send(
                tenant=tenant_of_body(self._settings, account, body),
                body=body,
                headers=_record_headers(name, key[1], request),
                deadline=deadline,
            )
        except NotAccepted as error:
            self._refusals.note(name, 503, body)
            detail = "The webhook could not be kept durably in time. Send it again."
            raise Problem(503, "not-kept", detail, headers={"Retry-After": "1"}) from error
        # Only now: a first try that failed is no repeat.
        self._recent.enter(key, clock())
        return "accepted"


async def _body(request: Request, deadline: float) -> bytes:
    """The raw body. Raises Problem; where the rest of the body may never come, the connection ends with the answer.

    After 413 it does not end: to close on a sender who still sends would reset the connection, and with it the
    answer. The server lets the rest pass by unread.
    """
    end = {"connection": "close"}
    try:
        async with asyncio.timeout_at(deadline):
            return await read_bounded(request, BODY_BYTES_MAX)
    except BodyTooLong:
        detail = f"A webhook body has at most {BODY_BYTES_MAX} bytes."
        raise Problem(413, "body-too-long", detail) from None
    except TimeoutError:
        raise Problem(408, "body-too-slow", "The body did not arrive in time.", headers=end) from None
    except ClientDisconnect:
        raise Problem(400, "body-incomplete", "The sender went away before the end of the body.", headers=end) from None


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
