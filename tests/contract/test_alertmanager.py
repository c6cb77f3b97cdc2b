"""Alertmanager over real HTTP, as its API v2 is documented: what it takes, repeats, forgets and refuses."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.responses import JSONResponse, Response

from connectors.notify.alertmanager import (
    ALERTS_PER_PUSH_MAX,
    FED_MAX,
    Alertmanager,
    alertmanager_channels,
    keep_fed,
)
from connectors.notify.channel import Delivered, Outcome, Refused, TryLater
from connectors.world.serving import serving
from streams.alerts.actions import Acknowledge, Snooze
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, Reason
from streams.settings import Settings
from streams.settings_notices import AlertmanagerSettings, LinkSettings
from tests.alert_words import Life, at, finding
from tests.integration.waiting import until
from tests.notice_receivers import AlertmanagerReceiver
from tests.notice_words import telling

OPENED = finding("opened", 1)


class Fed:
    """An Alertmanager, and the channel to it."""

    def __init__(self, receiver: AlertmanagerReceiver, url: str) -> None:
        self.receiver = receiver
        links = LinkSettings(plumbline="https://plumbline.example", runbooks="https://docs.example/runbooks")
        [self.channel] = alertmanager_channels(Settings(alertmanager=AlertmanagerSettings(url=url), links=links))

    async def hears(self, kind: NoticeKind, *alerts: Alert) -> Outcome:
        return await self.channel.tell(telling(kind, *alerts))

    def firing(self, minutes_later: float = 0) -> list[str]:
        return [alert["labels"]["alertname"] for alert in self.receiver.firing(minutes_later=minutes_later)]


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[tuple[AlertmanagerReceiver, str]]:
    receiver = AlertmanagerReceiver()
    async with serving(receiver.app()) as url:
        yield receiver, url


@pytest.fixture
async def fed(served: tuple[AlertmanagerReceiver, str]) -> AsyncIterator[Fed]:
    served[0].forget()
    made = Fed(*served)
    yield made
    await made.channel.close()


def told(life: Life) -> Alert:
    alert: Alert = life.alert
    return alert


def many(number: int) -> list[Alert]:
    one = told(Life().hears(OPENED))
    return [replace(one, id=f"00000000-0000-5000-8000-{number:012d}") for number in range(number)]


async def test_what_stands_fires_for_some_minutes_and_what_is_over_stops_at_once(fed: Fed) -> None:
    life = Life().hears(OPENED)
    assert await fed.hears(NoticeKind.OPENED, told(life)) == Delivered()
    assert (fed.firing(3.9), fed.firing(4.1)) == (["orphaned_calcom"], [])
    assert await fed.hears(NoticeKind.RESOLVED, told(life.hears(finding("resolved", 9, proved=1)))) == Delivered()
    assert (fed.firing(), len(fed.receiver.posted)) == ([], 1)


async def test_an_acknowledged_alert_goes_on_firing_and_a_snoozed_one_does_not(fed: Fed) -> None:
    life = Life().hears(OPENED)
    await fed.hears(NoticeKind.CHANGED, told(life.does(Acknowledge(), minutes=2)))
    assert fed.firing() == ["orphaned_calcom"]
    await fed.hears(NoticeKind.CHANGED, told(life.does(Snooze(until=at(600)), minutes=3)))
    assert fed.firing() == []


async def test_labels_name_the_alert_and_notes_say_what_changes(fed: Fed) -> None:
    alert = told(Life().hears(OPENED))
    await fed.hears(NoticeKind.OPENED, alert)
    [posted] = fed.receiver.posted.values()
    assert posted["labels"] == {
        "alertname": "orphaned_calcom",
        "severity": "critical",
        "tenant": "3",
        "alert_id": alert.id,
        "subject_kind": "booking",
    }
    notes: dict[str, Any] = posted["annotations"]
    assert (notes["title"], notes["subject"]) == ("Booked in Cal.com, missing in your database", "booking 4fQ")
    assert (notes["runbook_url"], notes["priority"]) == (alert.runbook_url, "1")
    assert posted["generatorURL"] == f"https://plumbline.example/v1/alerts/{alert.id}"


async def test_what_is_too_long_is_cut_and_what_is_empty_is_left_out(fed: Fed) -> None:
    odd = replace(told(Life().hears(OPENED)), tenant="", title="x" * 5_000, summary="two\nlines")
    assert await fed.hears(NoticeKind.OPENED, odd) == Delivered()
    [posted] = fed.receiver.posted.values()
    assert "tenant" not in posted["labels"]
    assert len(posted["annotations"]["title"]) == 1_000
    assert posted["annotations"]["summary"] == "two lines"


async def test_many_are_pushed_in_bounded_batches(fed: Fed) -> None:
    assert await fed.channel.push(many(2 * ALERTS_PER_PUSH_MAX + 1)) == Delivered()
    assert fed.receiver.batches == [ALERTS_PER_PUSH_MAX, ALERTS_PER_PUSH_MAX, 1]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(Response(status_code=500), Reason.UNREACHABLE), (Response(status_code=404), Reason.MISCONFIGURED)],
)
async def test_an_alertmanager_that_is_not_there_is_tried_again(fed: Fed, answer: Response, reason: Reason) -> None:
    fed.receiver.answers.append(answer)
    outcome = await fed.hears(NoticeKind.OPENED, told(Life().hears(OPENED)))
    assert isinstance(outcome, TryLater)
    assert outcome.reason is reason


async def test_what_it_refuses_is_not_sent_again(fed: Fed) -> None:
    fed.receiver.answers.append(JSONResponse("invalid label set", status_code=400))
    assert await fed.hears(NoticeKind.OPENED, told(Life().hears(OPENED))) == Refused('400 "invalid label set"')


class Standing:
    """What the store would say, each time anew; `away` more readings fail."""

    def __init__(self, *batches: Sequence[Alert]) -> None:
        self.batches = list(batches)
        self.away = 0

    async def __call__(self) -> AsyncIterator[Sequence[Alert]]:
        if self.away > 0:
            self.away -= 1
            raise ConnectionError("the store is away")
        for batch in self.batches:
            yield batch


async def fed_until(fed: Fed, standing: Standing, pushes: int) -> None:
    feeding = asyncio.create_task(keep_fed(fed.channel, standing, interval_seconds=0.01))
    await until(lambda: fed.receiver.requests >= pushes)
    feeding.cancel()
    await asyncio.gather(feeding, return_exceptions=True)


async def test_what_stands_is_pushed_again_and_again_and_what_is_over_no_longer(fed: Fed) -> None:
    standing = Standing(many(2))
    await fed_until(fed, standing, 3)
    assert len(fed.firing()) == 2
    standing.batches = [many(1)]
    fed.receiver.forget()
    await fed_until(fed, standing, 2)
    assert len(fed.firing()) == 1


async def test_a_bad_day_of_the_store_or_of_alertmanager_is_over_at_the_next_push(fed: Fed) -> None:
    standing = Standing(many(1))
    standing.away = 2
    fed.receiver.answers.append(Response(status_code=500))
    await fed_until(fed, standing, 2)
    assert len(fed.firing()) == 1


async def test_more_than_anybody_reads_is_not_fed_and_that_is_said(fed: Fed, caplog: pytest.LogCaptureFixture) -> None:
    batches = [many(1)] * (FED_MAX + 1)
    with caplog.at_level(logging.WARNING):
        channel = Counting()
        feeding = asyncio.create_task(keep_fed(channel, Standing(*batches), interval_seconds=60))
        await until(lambda: bool(caplog.records))
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
    assert channel.pushed == FED_MAX
    assert "the others that stand are left out" in caplog.text


class Counting(Alertmanager):
    """Takes what it is pushed, and only counts."""

    def __init__(self) -> None:
        self.pushed = 0

    async def push(self, alerts: Sequence[Alert]) -> Outcome:
        self.pushed += len(alerts)
        return Delivered()
