"""From a finding to Slack: told once, told late rather than never, and never the same notice twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from connectors.notify.audience import Audience
from connectors.notify.dispatch import Dispatcher
from connectors.notify.slack import SlackWebhook
from connectors.stack.stack import LocalStack
from connectors.store.notice_tellings import BaselineTiming, Lease
from connectors.store.notices import StoredNotices
from connectors.store.relay import Relay
from connectors.watchdog import ping_while_healthy
from connectors.world.serving import serving
from connectors.world.slack import Slack, SlackKnobs
from streams.model.ids import alert_id
from streams.model.records import Finding, Subject
from streams.model.rule import Resolution, Rule, SubjectKind
from streams.notices.pacing import Allowance
from streams.notices.planning import Policy
from tests.alert_words import finding
from tests.integration.alerting import Ground, new_ground, running
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

QUICK = Lease(allowance=Allowance(gather_ms=2_000, sources_ms=2_000), baseline=BaselineTiming(quiet_seconds=0.5))
AUDIENCE = Audience(name_of=lambda tenant: f"company {tenant}", zone_of=lambda _: UTC)


@pytest.fixture
async def ground(stack: LocalStack) -> AsyncIterator[Ground]:
    async with new_ground(stack) as made:
        yield made


@pytest.fixture
async def slack() -> AsyncIterator[tuple[Slack, str]]:
    receiver = Slack()
    async with serving(receiver.app()) as url:
        yield receiver, url


def webhook(url: str) -> SlackWebhook:
    return SlackWebhook(f"{url}/services/T/B/x", AUDIENCE)


@asynccontextmanager
async def telling(ground: Ground, url: str) -> AsyncIterator[None]:
    """Relay and dispatcher, as the connectors run them."""
    log = StoredNotices(ground.database, Policy(), lease=QUICK)
    dispatcher = Dispatcher(ground.settings, log, [webhook(url)])
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(Relay(ground.settings, ground.dsn).run, dispatcher.run))
        yield


def texts(slack: Slack) -> list[str]:
    return [str(message.body["text"]) for message in slack.messages]


async def heard(slack: Slack, messages: int) -> None:
    await until(lambda: len(slack.messages) == messages)


async def states(ground: Ground) -> list[tuple[str, str, str | None]]:
    rows = await ground.query("SELECT kind, state, reason FROM notices ORDER BY position")
    return [(row["kind"], row["state"], row["reason"]) for row in rows]


async def test_opened_resolved_and_reopened_are_told_once_each(ground: Ground, slack: tuple[Slack, str]) -> None:
    receiver, url = slack
    history = [
        finding("opened", 1),
        finding("resolved", 5, proved=1),
        finding("opened", 9, episode=2),
        finding("resolved", 12, proved=9, episode=2, resolution=Resolution.SUPERSEDED),
    ]
    async with telling(ground, url):
        for number, one in enumerate(history, 1):
            await ground.store.apply([one])
            if number < len(history):
                await heard(receiver, number)
        await ground.store.apply(history)
    # Another process takes over: the relay sends again, people hear nothing new.
    async with telling(ground, url):
        await ground.store.apply([finding("opened", 20, subject="next")])
        await until(lambda: len(receiver.messages) == 4)
    assert [text[:11] for text in texts(receiver)] == ["🔴 Booked in", "✅ Recovered", "🔴 Booked in", "🔴 Booked in"]
    assert "again (episode 2)" in texts(receiver)[2]
    assert await states(ground) == [
        ("opened", "sent", None),
        ("resolved", "sent", None),
        ("reopened", "sent", None),
        ("resolved", "skipped", "superseded"),
        ("opened", "sent", None),
    ]


async def test_slack_away_or_busy_loses_nothing_and_tells_nothing_twice(
    ground: Ground, slack: tuple[Slack, str]
) -> None:
    receiver, url = slack
    receiver.knobs = SlackKnobs(down=True)
    async with telling(ground, url):
        for number in range(3):
            await ground.store.apply([finding("opened", 1, subject=f"b{number}")])
        put_off = "SELECT 1 FROM notices WHERE attempts > 0 AND reason = 'unreachable'"
        await until(lambda: ground.query(put_off))
        receiver.knobs = SlackKnobs(too_many=1, retry_after_seconds=1)
        await until(lambda: len(receiver.messages) == 3, seconds=60)
    assert sorted(text.split("booking ")[1][:2] for text in texts(receiver)) == ["b0", "b1", "b2"]
    assert {state for _, state, _ in await states(ground)} == {"sent"}


def stalled(change: str, minutes: float, account: str) -> Finding:
    """Cal.com does not answer for the account; the finding names no booking."""
    name = f"calcom:{account}"
    own = alert_id(Rule.SOURCE_STALLED, "3", SubjectKind.SOURCE, name)
    subject = Subject(kind=SubjectKind.SOURCE, id=name)
    told = finding(change, minutes, rule=Rule.SOURCE_STALLED, starts=None)
    return msgspec.structs.replace(told, alert_id=own, subject=subject, booking_uid=None)


async def test_one_outage_of_many_accounts_is_one_message_and_so_is_its_end(
    ground: Ground, slack: tuple[Slack, str]
) -> None:
    receiver, url = slack
    accounts = ("harbor", "quay", "pier")
    async with telling(ground, url):
        for account in accounts:
            await ground.store.apply([stalled("opened", 1, account)])
        await until(lambda: len(receiver.messages) == 1)
        for account in accounts:
            await ground.store.apply([stalled("resolved", 5, account)])
        await until(lambda: len(receiver.messages) == 2)
        # Another fault waits for nobody.
        await ground.store.apply([finding("opened", 1, subject="next")])
        await until(lambda: len(receiver.messages) == 3)
    for message in receiver.messages[:2]:
        assert all(f"calcom:{account}" in str(message.body) for account in accounts)
    assert [state for _, state, _ in await states(ground)] == ["sent"] * 7


async def test_the_baseline_is_one_message(ground: Ground, slack: tuple[Slack, str]) -> None:
    receiver, url = slack
    old = {"began": -31 * 24 * 60, "starts": None}
    await ground.store.apply([finding("opened", 1, subject=f"o{n}", **old) for n in range(5)])
    await ground.store.apply([finding("opened", 1, subject="still to come", began=-31 * 24 * 60)])
    async with telling(ground, url):
        await until(lambda: len(receiver.messages) == 2)
        await ground.store.apply([finding("opened", 1, subject="o9", **old), finding("opened", 1, subject="new")])
        await until(lambda: len(receiver.messages) == 3)
    [baseline] = [text for text in texts(receiver) if "Found at installation" in text]
    assert "5 older faults" in baseline
    assert ("opened", "skipped", "baseline") in await states(ground)


async def test_the_watchdog_pings_only_while_healthy() -> None:
    pings: list[str] = []
    asked: list[bool] = []
    well = True

    async def ping(request: Request) -> PlainTextResponse:
        pings.append(request.url.path)
        return PlainTextResponse("ok")

    async def healthy() -> bool:
        asked.append(well)
        if len(asked) % 5 == 0:
            raise RuntimeError("not known")
        return well

    async with serving(Starlette(routes=[Route("/ping", ping)])) as url:
        pinging = asyncio.ensure_future(ping_while_healthy(f"{url}/ping", healthy, interval_seconds=0.01))
        await until(lambda: len(pings) >= 6)
        well = False
        before = len(asked)
        await until(lambda: len(asked) > before + 1)
        heard = len(pings)
        await until(lambda: len(asked) > before + 10)
        pinging.cancel()
        await asyncio.wait({pinging})
    assert len(pings) == heard
