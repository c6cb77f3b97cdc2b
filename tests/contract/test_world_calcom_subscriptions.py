"""`GET /v2/webhooks` of the simulated Cal.com, and how a subscription is broken there (facts/calcom.md §4)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.world_words import Cal, calcom


@pytest.fixture
async def cal() -> AsyncIterator[Cal]:
    async with calcom() as one:
        yield one


async def listed(cal: Cal, **params: int) -> list[dict[str, Any]]:
    answer = await cal.get("/v2/webhooks", **params)
    assert (answer.status_code, answer.json()["status"]) == (200, "success")
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


async def put(cal: Cal, name: str | None = None, **more: Any) -> None:
    told = {"account": cal.first.name, "url": cal.first.webhook_url, "secret": cal.first.secret, **more}
    answer = await cal.http.put(f"/_control/webhooks/{name or 'wh-' + cal.first.name}", json=told)
    assert answer.status_code == 200


async def test_a_subscription_is_listed_to_its_owner_with_all_that_decides_and_without_its_secret(cal: Cal) -> None:
    [row] = await listed(cal)
    assert set(row) == {"id", "userId", "subscriberUrl", "triggers", "active", "payloadTemplate"}
    assert (row["userId"], row["subscriberUrl"]) == (cal.first.user_id, cal.first.webhook_url)
    assert (row["active"], row["payloadTemplate"]) == (True, None)
    assert {"BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED"} <= set(row["triggers"])


@pytest.mark.parametrize(
    ("change", "field", "shown"),
    [
        ({"active": False}, "active", False),
        ({"url": "http://127.0.0.1:9/other"}, "subscriberUrl", "http://127.0.0.1:9/other"),
        ({"triggers": ["BOOKING_CREATED"]}, "triggers", ["BOOKING_CREATED"]),
        ({"template": '{"who": "{{title}}"}'}, "payloadTemplate", '{"who": "{{title}}"}'),
    ],
)
async def test_a_subscription_can_be_broken_and_shows_it(
    cal: Cal, change: dict[str, Any], field: str, shown: object
) -> None:
    await put(cal, **change)
    assert [row[field] for row in await listed(cal)] == [shown]


async def test_a_subscription_that_lacks_a_trigger_does_not_deliver_it(cal: Cal) -> None:
    made = await cal.booked()
    await put(cal, triggers=["BOOKING_CREATED"])
    await cal.post(f"/v2/bookings/{made['uid']}/cancel")
    await cal.book()
    assert (await cal.receiver.next_told())["triggerEvent"] == "BOOKING_CREATED"


async def test_a_teams_subscription_delivers_and_is_in_no_list(cal: Cal) -> None:
    await put(cal, listed=False)
    assert await listed(cal) == []
    await cal.booked()


async def test_a_subscription_can_be_taken_out(cal: Cal) -> None:
    await cal.http.delete(f"/_control/webhooks/wh-{cal.first.name}")
    assert await listed(cal) == []


async def test_the_list_has_pages(cal: Cal) -> None:
    await put(cal, "second")
    assert [row["id"] for row in await listed(cal, take=1, skip=1)] == ["second"]
    assert (await cal.get("/v2/webhooks", take=251)).status_code == 400
