"""PagerDuty over real HTTP, as its Events API v2 is documented: an incident an episode, and what becomes of answers."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import SecretStr
from starlette.responses import JSONResponse, Response

from connectors.notify.channel import Delivered, Outcome, Refused, TryLater
from connectors.notify.pagerduty import PagerDuty, pagerduty_channels
from connectors.world.serving import serving
from streams.alerts.actions import Acknowledge, Snooze
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, Reason
from streams.model.rule import Severity
from streams.settings import Settings
from streams.settings_notices import LinkSettings, PagerDutySettings
from tests.alert_words import Life, at, drifted, finding
from tests.notice_receivers import ROUTING_KEY, PagerDutyReceiver
from tests.notice_words import telling

OPENED = finding("opened", 1)


class OnCall:
    """A service of PagerDuty, and the channel to it."""

    def __init__(self, receiver: PagerDutyReceiver, url: str) -> None:
        self.receiver = receiver
        self.url = url
        self.channel = self.made()

    def made(self, key: str = ROUTING_KEY) -> PagerDuty:
        links = LinkSettings(plumbline="https://plumbline.example", runbooks="https://docs.example/runbooks")
        settings = Settings(pagerduty=PagerDutySettings(routing_key=SecretStr(key), url=self.url), links=links)
        [channel] = pagerduty_channels(settings)
        assert isinstance(channel, PagerDuty)
        return channel

    async def hears(self, kind: NoticeKind, *alerts: Alert) -> Outcome:
        return await self.channel.tell(telling(kind, *alerts))


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[tuple[PagerDutyReceiver, str]]:
    receiver = PagerDutyReceiver()
    async with serving(receiver.app()) as url:
        yield receiver, url


@pytest.fixture
async def on_call(served: tuple[PagerDutyReceiver, str]) -> AsyncIterator[OnCall]:
    served[0].forget()
    made = OnCall(*served)
    yield made
    await made.channel.close()


async def test_an_incident_follows_its_alert(on_call: OnCall) -> None:
    life, seen = Life(), []
    for kind, step in (
        (NoticeKind.OPENED, life.hears(OPENED).alert),
        (NoticeKind.CHANGED, life.does(Acknowledge(), minutes=2).alert),
        (NoticeKind.RESOLVED, life.hears(finding("resolved", 9, proved=1)).alert),
        (NoticeKind.REOPENED, life.hears(finding("opened", 20, episode=2)).alert),
    ):
        assert await on_call.hears(kind, step) == Delivered()
        seen.append(list(on_call.receiver.incidents.values()))
    assert seen == [["triggered"], ["acknowledged"], ["resolved"], ["resolved", "triggered"]]
    assert list(on_call.receiver.incidents) == [f"{life.alert.id}:1", f"{life.alert.id}:2"]


async def test_a_snoozed_alert_is_quiet_there_too_and_a_repeat_changes_nothing(on_call: OnCall) -> None:
    life = Life().hears(OPENED)
    await on_call.hears(NoticeKind.OPENED, life.alert)
    await on_call.hears(NoticeKind.OPENED, life.alert)
    assert list(on_call.receiver.incidents.values()) == ["triggered"]
    await on_call.hears(NoticeKind.CHANGED, life.does(Snooze(until=at(600)), minutes=2).alert)
    assert list(on_call.receiver.incidents.values()) == ["acknowledged"]


async def test_whoever_is_called_sees_both_sides_and_where_to_go(on_call: OnCall) -> None:
    alert = Life().hears(OPENED, drifted(2, "2026-11-26T14:00:00.000Z")).alert
    await on_call.hears(NoticeKind.OPENED, alert)
    [event] = on_call.receiver.events
    payload: dict[str, Any] = event["payload"]
    assert payload["summary"] == "Booked in Cal.com, missing in your database (company 3, booking 4fQ)"
    assert (payload["severity"], payload["class"], payload["group"]) == ("critical", "orphaned_calcom", "3")
    assert payload["timestamp"] == "2026-11-26T11:59:00.000Z"
    assert payload["custom_details"]["Cal.com"]["status"] == "accepted"
    assert payload["custom_details"]["differs"] == "start"
    assert [link["text"] for link in event["links"]] == ["Open booking"]
    assert event["client_url"] == f"https://plumbline.example/v1/alerts/{alert.id}"


async def test_an_escalation_is_loud_whatever_the_severity(on_call: OnCall) -> None:
    warning = replace(Life().hears(OPENED).alert, severity=Severity.WARNING)
    await on_call.hears(NoticeKind.OPENED, warning)
    await on_call.hears(NoticeKind.ESCALATED, warning)
    assert [event["payload"]["severity"] for event in on_call.receiver.events] == ["warning", "critical"]


async def test_a_title_that_is_too_long_is_cut_to_what_pagerduty_takes(on_call: OnCall) -> None:
    assert await on_call.hears(NoticeKind.OPENED, replace(Life().hears(OPENED).alert, title="x" * 2_000)) == Delivered()


async def test_a_group_is_told_one_by_one(on_call: OnCall) -> None:
    alerts = [Life().hears(finding("opened", 1, subject=uid)).alert for uid in ("a", "b", "c")]
    assert await on_call.hears(NoticeKind.OPENED, *alerts) == Delivered()
    assert len(on_call.receiver.incidents) == 3


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Response(status_code=429), Reason.RATE_LIMITED),
        (Response(status_code=500), Reason.UNREACHABLE),
        (Response(status_code=503), Reason.UNREACHABLE),
    ],
)
async def test_what_passes_is_tried_again(on_call: OnCall, answer: Response, reason: Reason) -> None:
    on_call.receiver.answers.append(answer)
    outcome = await on_call.hears(NoticeKind.OPENED, Life().hears(OPENED).alert)
    assert isinstance(outcome, TryLater)
    assert outcome.reason is reason
    assert await on_call.hears(NoticeKind.OPENED, Life().hears(OPENED).alert) == Delivered()
    assert len(on_call.receiver.incidents) == 1


async def test_an_event_that_is_refused_is_not_sent_again(on_call: OnCall) -> None:
    invalid = {"status": "invalid event", "message": "Event object is invalid", "errors": ["'payload' is wrong"]}
    on_call.receiver.answers.append(JSONResponse(invalid, status_code=400))
    outcome = await on_call.hears(NoticeKind.OPENED, Life().hears(OPENED).alert)
    assert isinstance(outcome, Refused)
    assert "'payload' is wrong" in outcome.detail


async def test_a_routing_key_that_is_none_is_for_people_to_mend_and_never_shown(on_call: OnCall) -> None:
    wrong = on_call.made(key="too-short")
    outcome = await wrong.tell(telling(NoticeKind.OPENED, Life().hears(OPENED).alert))
    await wrong.close()
    assert isinstance(outcome, TryLater)
    assert outcome.reason is Reason.MISCONFIGURED
    assert "too-short" not in outcome.detail


def test_without_a_routing_key_there_is_no_channel() -> None:
    assert pagerduty_channels(Settings()) == ()
