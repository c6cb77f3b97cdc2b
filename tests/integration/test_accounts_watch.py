"""The sources of every account are watched on the real stack: one alert a cause, and over when the cause is."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.stack.stack import LocalStack
from connectors.world.knobs import Fate, changed
from tests.integration.connecting import DAY
from tests.integration.waiting import until
from tests.integration.watched import (
    ACCOUNTS,
    CLOCK_SECONDS,
    SILENT_SECONDS,
    UNREACHABLE_SECONDS,
    Watched,
    watched,
)

pytestmark = pytest.mark.stack
#: From the instant at which a threshold is passed to the alert in the store.
ALERT_SECONDS_MAX = 6.0


@pytest.fixture(scope="module")
async def here(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    folder: Path = tmp_path_factory.mktemp("watched")
    async with watched(stack, folder) as made:
        yield made


async def seconds_until(question: Callable[[], Awaitable[Any]], seconds: float = 40) -> float:
    begun = time.monotonic()
    await until(question, seconds)
    return time.monotonic() - begun


async def test_calcom_away_is_one_alert_an_account_and_over_with_its_return(here: Watched) -> None:
    here.calcom.knobs = changed(here.calcom.knobs, {"outage": True})

    async def all_open() -> bool:
        return len(await here.alerts("source_stalled", "calcom:%", status="open")) == len(ACCOUNTS)

    took = await seconds_until(all_open)
    here.calcom.knobs = changed(here.calcom.knobs, {"outage": False})

    async def all_over() -> bool:
        return len(await here.alerts("source_stalled", "calcom:%", status="resolved")) == len(ACCOUNTS)

    back = await seconds_until(all_over)
    alerts = await here.alerts("source_stalled")
    assert sorted((one["subject_id"], one["tenant"], one["episode"]) for one in alerts) == [
        ("calcom:harbor", "1", 1),
        ("calcom:quay", "2", 1),
        ("calcom:shared", "*", 1),
    ]
    print(f"Cal.com away: alert after {took:.1f} s, over {back:.1f} s after its return")
    # The poll asks every 5 s, and three failures open the breaker.
    assert took < 5 + UNREACHABLE_SECONDS + ALERT_SECONDS_MAX


async def test_silent_webhooks_are_noticed_while_the_poll_brings_every_change(here: Watched) -> None:
    await here.all_is_well()
    made = [here.book("harbor", ago=0 * DAY, starts_in=DAY * (2 + number)) for number in range(3)]
    begun = time.monotonic()
    [alert] = await until(lambda: here.alerts("source_stalled", "webhooks:%", status="open"))
    took = time.monotonic() - begun
    assert (alert["subject_id"], alert["tenant"]) == ("webhooks:harbor", "1")
    polled = {read.uid for _, read in here.booking_reads if read.reason == "sweep"}
    assert {booking.uid for booking in made} <= polled
    print(f"webhooks silent: alert after {took:.1f} s")
    assert took < 5 + SILENT_SECONDS + ALERT_SECONDS_MAX
    here.calcom.ping("harbor", Fate(webhook="sure"))
    await until(lambda: here.alerts("source_stalled", "webhooks:harbor", status="resolved"))


@pytest.mark.parametrize(
    ("broken", "field"),
    [({"active": False}, "active"), ({"template": "{{title}}"}, "payload_template"), ({"url": "http://x/y"}, "url")],
)
async def test_a_broken_subscription_is_told_and_over_when_it_is_mended(
    here: Watched, broken: dict[str, Any], field: str
) -> None:
    await until(lambda: here.store.fetchval("SELECT count(*) = 3 FROM webhook_audits WHERE audit -> 'good' <> '{}'"))
    here.subscribe("quay", **broken)
    begun = time.monotonic()
    [alert] = await until(lambda: here.alerts("webhook_subscription_drift", status="open"))
    print(f"subscription broken ({field}): alert after {time.monotonic() - begun:.1f} s")
    assert (alert["subject_id"], alert["tenant"]) == ("webhooks:quay", "2")
    assert [one["field"] for one in json.loads(alert["alert"])["differences"]] == [field]
    here.subscribe("quay")
    await until(lambda: here.alerts("webhook_subscription_drift", status="resolved"))
    assert len(await here.alerts("webhook_subscription_drift")) == 1


async def test_an_unmapped_booking_is_judged_under_the_tenant_whose_row_names_it(here: Watched) -> None:
    booking = here.book("shared", ago=0 * DAY, starts_in=5 * DAY)
    here.announce(booking)
    # The row comes later than the webhook, and starts an hour later than the booking.
    await until(lambda: here.store.fetchval("SELECT count(*) > 0 FROM unmapped_records"))
    start = datetime.fromtimestamp(booking.start / 1000, UTC) + timedelta(hours=1)
    row = await here.crm.fetchval(
        "INSERT INTO appointments (company_id, calcom_v2_booking_id, status, source, starts_at, ends_at)"
        " VALUES (2, $1, 'confirmed', 'web', $2, $3) RETURNING id",
        str(booking.id), start, start + timedelta(minutes=30),
    )  # fmt: skip
    begun = time.monotonic()
    [alert] = await until(lambda: here.alerts("start_time_drift"), 60)
    print(f"unmapped booking: judged {time.monotonic() - begun:.1f} s after its row")
    assert (alert["tenant"], alert["subject_id"], alert["booking_uid"]) == ("2", str(row), booking.uid)
    webhooks = await here.records_of(booking.uid)
    assert [(key, "republished" in headers) for key, headers, _ in webhooks] == [("~shared", False), ("2", True)]
    (_, first, body), (_, again, told) = webhooks
    await here.crm.execute("DELETE FROM appointments WHERE id = $1", row)
    assert told == body
    assert first.items() <= again.items()


async def test_a_booking_that_no_row_names_stays_nobodys_and_judges_nothing(here: Watched) -> None:
    booking = here.book("shared", ago=0 * DAY, starts_in=5 * DAY)
    here.announce(booking)
    kept = "SELECT count(*) > 0 FROM unmapped_records WHERE lookups >= 2 AND $1 = ANY(refs)"
    await until(lambda: here.store.fetchval(kept, booking.uid))
    assert [key for key, _, _ in await here.records_of(booking.uid)] == ["~shared"]
    assert not [one for one in await here.alerts("orphaned_calcom") if one["booking_uid"] == booking.uid]


async def test_a_worker_that_is_gone_stops_the_clock(here: Watched, tmp_path: Path) -> None:
    await here.worker.kill()
    begun = time.monotonic()
    [alert] = await until(lambda: here.alerts("source_stalled", "clock", status="open"))
    took = time.monotonic() - begun
    print(f"clock stopped: alert after {took:.1f} s")
    assert alert["tenant"] == "*"
    assert took < CLOCK_SECONDS + ALERT_SECONDS_MAX
    here.start_worker(tmp_path)
    await until(lambda: here.alerts("source_stalled", "clock", status="resolved"), 60)
