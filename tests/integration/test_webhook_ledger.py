"""What became of the webhook of a state that a list showed: received, late, lost, or refused at the door."""

import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.door.producer import door_producer
from api.door.refusals import Refusals
from api.door.routes import build_router
from api.services import services_of
from connectors.stack.stack import LocalStack
from connectors.store.webhook_consumer import LedgerPolicy, keep_webhook_ledger
from connectors.store.webhook_ledger import WebhookLedger
from connectors.topics_admin import ensure_topics
from connectors.webhook_expectation import Expectation
from streams.settings import Settings
from tests.integration.alerting import Ground, new_ground, running
from tests.integration.waiting import until

pytestmark = pytest.mark.stack
SECRET = "a-webhook-secret"
POLICY = LedgerPolicy(lost_after=timedelta(seconds=1), late_after=timedelta(seconds=60))
#: An account of tenant 3, and one that tenants 3 and 9 share.
ACCOUNTS = [
    {"name": "harbor", "tenant": "3", "api_key": "k1", "webhook_secrets": [SECRET]},
    {"name": "shared", "api_key": "k2", "webhook_secrets": [SECRET], "event_types": {"1": "3", "2": "9"}},
]


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


class Door:
    """The door, the ledger and the API on one store."""

    def __init__(self, ground: Ground, client: httpx.AsyncClient) -> None:
        self.ledger = WebhookLedger(ground.database)
        self._ground = ground
        self._client = client

    async def webhook(
        self, uid: str, trigger: str = "BOOKING_CREATED", *, sent: datetime | None = None, secret: str = SECRET
    ) -> int:
        """Cal.com announces; the status of the door's answer."""
        sent_at = (sent or datetime.now(UTC)).isoformat()
        body = json.dumps({"triggerEvent": trigger, "createdAt": sent_at, "payload": {"uid": uid}}).encode()
        signature = hmac.new(secret.encode(), body, sha256).hexdigest()
        headers = {"x-cal-signature-256": signature}
        answer = await self._client.post("/webhooks/calcom/harbor", content=body, headers=headers)
        return answer.status_code

    async def seen(self, uid: str, *, seen: datetime, account: str = "harbor", tenant: str = "3") -> None:
        """A list showed the booking, accepted."""
        expected = Expectation(
            account=account,
            uid=uid,
            tenant=tenant,
            trigger="BOOKING_CREATED",
            satisfied_by=("BOOKING_CREATED", "BOOKING_PAID"),
            changed_at=ago(300),
            seen_at=seen,
        )
        await self.ledger.expect([expected, expected])

    async def outcome(self, uid: str) -> str | None:
        rows = await self._ground.query("SELECT outcome FROM webhook_expectations WHERE uid = $1", uid)
        return rows[0]["outcome"] if rows else None

    async def becomes(self, uid: str, outcome: str) -> None:
        async def is_so() -> bool:
            return await self.outcome(uid) == outcome

        await until(is_so, 40)

    async def stats(self, key: str = "key-of-ops") -> dict[str, Any]:
        answer = await self._client.get("/v1/stats/webhooks", headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == httpx.codes.OK, answer.text
        told: dict[str, Any] = answer.json()
        return told


@pytest.fixture(scope="module")
async def door(stack: LocalStack) -> AsyncIterator[Door]:
    async with new_ground(stack) as ground:
        settings = Settings.model_validate({**ground.settings.model_dump(), "accounts": ACCOUNTS})
        await ensure_topics(settings.kafka)
        await ground.query("UPDATE installation SET installed_at = now() - interval '1 hour'")
        producer, refusals = door_producer(settings), Refusals()
        app: FastAPI = create_app(services_of(settings), routers=[build_router(settings, producer, refusals)])
        await producer.start()
        try:
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client,
                running(
                    partial(keep_webhook_ledger, settings, ground.database, POLICY),
                    partial(refusals.keep, ground.database),
                ),
            ):
                yield Door(ground, client)
        finally:
            await producer.stop()


async def test_what_came_before_or_after_the_list_was_received(door: Door) -> None:
    await door.webhook("before")
    await door.seen("before", seen=datetime.now(UTC))
    await door.becomes("before", "received")
    await door.seen("after", seen=ago(0.5))
    await door.webhook("after", "BOOKING_PAID")  # which says as much
    await door.becomes("after", "received")


async def test_what_never_comes_is_lost_and_another_trigger_does_not_stand_for_it(door: Door) -> None:
    await door.webhook("never", "BOOKING_CANCELLED")
    await door.seen("never", seen=ago(5))
    await door.becomes("never", "lost")


async def test_what_comes_long_after_it_was_sent_and_behind_the_list_is_late(door: Door) -> None:
    await door.seen("slow", seen=ago(5))
    await door.becomes("slow", "lost")
    await door.webhook("slow", sent=ago(120))
    await door.becomes("slow", "late")


async def test_what_the_door_turned_away_is_refused(door: Door) -> None:
    assert await door.webhook("unproved", secret="somebody else's") == httpx.codes.UNAUTHORIZED
    refused = {"account": "harbor", "status": 401, "count": 1}

    async def is_kept() -> bool:
        kept = (await door.stats())["refusals"]
        return [{key: one[key] for key in refused} for one in kept] == [refused]

    await until(is_kept)
    await door.seen("unproved", seen=ago(5))
    await door.becomes("unproved", "refused")


async def test_what_is_older_than_the_installation_was_never_expected(door: Door) -> None:
    await door.ledger.expect(
        [
            Expectation(
                account="harbor",
                uid="ancient",
                tenant="3",
                trigger="BOOKING_CREATED",
                satisfied_by=("BOOKING_CREATED",),
                changed_at=ago(2 * 3600),
                seen_at=ago(5),
            )
        ]
    )
    assert await door.outcome("ancient") is None
    assert await door._ground.query("SELECT FROM webhook_expectations WHERE uid = 'ancient'") == []


async def test_people_see_the_counts_and_delays_of_their_own_tenants(door: Door) -> None:
    await door.seen("theirs", seen=ago(5), account="shared", tenant="9")
    await door.becomes("theirs", "lost")
    told = await door.stats("key-of-three")
    [item] = told["items"]
    counted = {key: item[key] for key in ("expected", "received", "late", "lost", "refused", "waiting")}
    assert counted == {"expected": 5, "received": 2, "late": 1, "lost": 1, "refused": 1, "waiting": 0}
    assert (item["account"], item["trigger"]) == ("harbor", "BOOKING_CREATED")
    assert 0 <= item["delay_p50_ms"] < 30_000
    assert item["delay_p99_ms"] >= 120_000
    nine = await door.stats("key-of-nine")
    assert [(one["account"], one["lost"]) for one in nine["items"]] == [("shared", 1)]
    assert nine["refusals"] == []
    assert {one["account"] for one in (await door.stats())["items"]} == {"harbor", "shared"}
