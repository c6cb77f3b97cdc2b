"""First run: what stood in both systems before Plumbline came is judged too, by list pages, and told in few words."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from api.installation import Plan, plan_installation
from connectors.stack.supervisor import Supervisor
from connectors.world.config import WorldAccount
from streams.settings import load_settings
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

BOOKINGS_PER_ACCOUNT = 30
ORPHANS = 4
OLD_CALLS = 12
OWN = ("worker", "connectors", "api")


@pytest.fixture
async def plan(tmp_path: Path) -> AsyncIterator[Plan]:
    """Both systems, filled before Plumbline starts; Plumbline itself is started by the test."""
    plan = await plan_installation(load_settings(env={}), tmp_path / "home")
    systems = Supervisor([service for service in plan.services if service.name not in OWN])
    await systems.start()
    try:
        yield plan
    finally:
        await systems.stop()
        plan.stack.release()


async def fill(plan: Plan) -> None:
    """Bookings with rows; a few of each without the other; old calls without direction."""
    assert plan.world is not None
    async with httpx.AsyncClient(base_url=str(plan.endpoints.calcom_url), timeout=20) as calcom:
        made = [
            (account, await book(calcom, account, number))
            for account in plan.world.accounts
            for number in range(BOOKINGS_PER_ACCOUNT)
        ]
    crm = await asyncpg.connect(plan.endpoints.source_dsn)
    try:
        await crm.executemany(
            "INSERT INTO appointments (company_id, calcom_v2_booking_id, status, starts_at, ends_at, source)"
            " VALUES ($1, $2, 'confirmed', $3, $4, 'web')",
            [row(account, booking) for account, booking in made[ORPHANS:]]
            + [(tenant, f"gone{tenant}x", in_days(3), in_days(3.02)) for tenant in range(1, ORPHANS + 1)],
        )
        await crm.execute(
            "INSERT INTO calls (company_id, created_at, updated_at)"
            " SELECT 1 + i % 9, now() - interval '9 days', now() - interval '9 days' FROM generate_series(1, $1) i",
            OLD_CALLS,
        )
    finally:
        await crm.close()


async def book(calcom: httpx.AsyncClient, account: WorldAccount, number: int) -> dict[str, Any]:
    body = {
        "start": f"{in_days(1 + number):%Y-%m-%dT%H:00:00Z}",
        "eventTypeId": account.event_type_ids[0],
        "attendee": {"name": "Ada Quist", "email": "ada@mail.example", "timeZone": "UTC"},
    }
    headers = {"Authorization": f"Bearer {account.app_key}", "cal-api-version": "2024-08-13"}
    answer = await calcom.post("/v2/bookings", json=body, headers=headers)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    booking: dict[str, Any] = answer.json()["data"]
    return booking


def row(account: WorldAccount, booking: dict[str, Any]) -> tuple[int, str, datetime, datetime]:
    ref = str(booking["id"]) if account.numeric_ids else booking["uid"]
    start, end = datetime.fromisoformat(booking["start"]), datetime.fromisoformat(booking["end"])
    return int(account.tenant), ref, start, end


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


async def test_older_faults_are_told_once_and_those_still_to_come_like_new_ones(plan: Plan) -> None:
    await fill(plan)
    product = Supervisor([replace(service, after=frozenset()) for service in plan.services if service.name in OWN])
    await product.start()
    try:
        expected = Counter({"missing_direction": OLD_CALLS, "orphaned_calcom": ORPHANS, "orphaned_local": ORPHANS})
        alerts = await until(lambda: all_alerts(plan, sum(expected.values())), 90)
        assert Counter(alert["rule"] for alert in alerts) == expected
        assert {alert["rule"] for alert in alerts if alert["baseline"]} == {"missing_direction"}
        # The first two of each rule alone, the others of it together.
        await until(lambda: all_told(plan, sum(expected.values())), 90)
        told = [message["body"]["text"] for message in await control(plan.endpoints.slack_url, "messages")]
        assert sum("Found at installation" in text for text in told) == 1, told
        assert len(told) <= 2 * ORPHANS + 1, told
        # Pages of 250, not a read for each of the 270 bookings.
        requests = await control(plan.endpoints.calcom_url, "requests")
        assert max(count for key, count in requests.items() if ":" not in key) <= 2 * BOOKINGS_PER_ACCOUNT
    finally:
        await asyncio.shield(product.stop())


async def all_alerts(plan: Plan, count: int) -> list[dict[str, Any]] | None:
    headers = {"Authorization": f"Bearer {plan.endpoints.api_key}"}
    async with httpx.AsyncClient(base_url=plan.endpoints.api_url, headers=headers, timeout=10) as api:
        answer = await api.get("/v1/alerts", params={"limit": 200})
    # The store may not answer at once while everything starts: a problem document then says so.
    alerts: list[dict[str, Any]] = answer.json().get("items", [])
    return alerts if len(alerts) >= count else None


async def all_told(plan: Plan, alerts: int) -> bool:
    headers = {"Authorization": f"Bearer {plan.endpoints.api_key}"}
    async with httpx.AsyncClient(base_url=plan.endpoints.api_url, headers=headers, timeout=10) as api:
        answer = await api.get("/v1/notices", params={"state": "sent", "limit": 200})
    told = {line["alert_id"] for line in answer.json().get("items", []) if line["kind"] == "opened"}
    return len(told) >= alerts


async def control(url: str | None, what: str) -> Any:
    async with httpx.AsyncClient(base_url=str(url), timeout=10) as world:
        answer = (await world.get(f"/_control/{what}")).json()
    return answer["items"] if isinstance(answer, dict) and "items" in answer else answer
