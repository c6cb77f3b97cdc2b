"""Slack's two ways over HTTP: what becomes of a message that is told, edited, answered, refused or put off."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from connectors.notify.channel import Delivered, Refused, TryLater
from connectors.notify.slack import SlackBot, SlackWebhook, slack_channels
from connectors.notify.slack.bot import MessageName, message_name
from connectors.world.serving import serving
from connectors.world.slack import Slack, SlackKnobs, SlackMessage
from streams.alerts.actions import Acknowledge
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, Reason
from streams.settings import Settings
from streams.settings_notices import NoticeSettings, RouteSettings, SlackSettings
from tests.alert_words import Life, finding
from tests.notice_words import audience, telling

OPENED = finding("opened", 1)


class Ops:
    """A bot in #ops, and what people see there."""

    def __init__(self, receiver: Slack, url: str) -> None:
        self.receiver = receiver
        self.url = url
        self.bot = SlackBot("slack", "xoxb-1", "#ops", audience(), f"{url}/api", buttons=True)

    async def tells(self, kind: NoticeKind, *alerts: Alert, **more: Any) -> str | None:
        """Told it is; the name of its message."""
        outcome = await self.bot.tell(telling(kind, *alerts, **more))
        assert isinstance(outcome, Delivered), outcome
        return outcome.message

    def in_channel(self) -> list[SlackMessage]:
        return [one for one in self.receiver.messages if "thread_ts" not in one.body]

    def in_thread(self, of: SlackMessage) -> list[SlackMessage]:
        return [one for one in self.receiver.messages if one.body.get("thread_ts") == of.ts]


@pytest.fixture
async def ops() -> AsyncIterator[Ops]:
    receiver = Slack()
    async with serving(receiver.app()) as url:
        made = Ops(receiver, url)
        yield made
        await made.bot.close()


def alert(subject: str = "4fQ") -> Alert:
    found: Alert = Life().hears(finding("opened", 1, subject=subject)).alert
    return found


def over(subject: str = "4fQ") -> Alert:
    first, last = finding("opened", 1, subject=subject), finding("resolved", 11, proved=1, subject=subject)
    found: Alert = Life().hears(first, last).alert
    return found


async def test_a_bot_posts_once_and_then_edits_with_the_history_in_the_thread(ops: Ops) -> None:
    name = await ops.tells(NoticeKind.OPENED, alert())
    [posted] = ops.in_channel()
    assert name == f"{posted.channel}/{posted.ts}"
    assert posted.body["channel"] == "#ops"
    seen = Life().hears(OPENED).does(Acknowledge(), actor="slack:U7").alert
    assert await ops.tells(NoticeKind.CHANGED, seen, message=name) == name
    assert await ops.tells(NoticeKind.RESOLVED, over(), message=name) == name
    [edited] = ops.in_channel()
    assert edited.edits == 2
    assert edited.body["text"].startswith("✅ Recovered: ")
    assert "actions" not in [block["type"] for block in edited.body["blocks"]]
    assert [one.body["text"] for one in ops.in_thread(edited)] == [
        "👀 *Acknowledged by* <@U7>",
        "✅ *Recovered, stood for 12 min*",
    ]


async def test_what_is_critical_and_comes_back_is_shown_to_the_channel_too(ops: Ops) -> None:
    name = await ops.tells(NoticeKind.OPENED, alert())
    await ops.tells(NoticeKind.REOPENED, alert(), message=name)
    await ops.tells(NoticeKind.CHANGED, alert(), message=name)
    [parent] = ops.in_channel()
    assert [one.body["reply_broadcast"] for one in ops.in_thread(parent)] == [True, False]


async def test_a_group_is_edited_as_a_whole_and_a_part_of_it_goes_to_its_thread(ops: Ops) -> None:
    name = await ops.tells(NoticeKind.OPENED, alert("a"), alert("b"), total=300)
    await ops.tells(NoticeKind.RESOLVED, over("a"), message=name)
    [group] = ops.in_channel()
    assert group.edits == 0
    assert [one.body["text"] for one in ops.in_thread(group)] == ["booking a: ✅ Recovered"]
    await ops.tells(NoticeKind.CHANGED, over("a"), alert("b"), total=300, message=name)
    [group] = ops.in_channel()
    assert "299 of 300 still open" in str(group.body["blocks"])
    assert len(ops.in_thread(group)) == 1


async def test_alerts_told_singly_are_edited_singly_when_their_end_is_told_together(ops: Ops) -> None:
    names = {subject: await ops.tells(NoticeKind.OPENED, alert(subject)) for subject in ("a", "b")}
    messages = {over(subject).id: name for subject, name in names.items()}
    await ops.tells(NoticeKind.RESOLVED, over("a"), over("b"), messages=messages)
    *singles, together = ops.in_channel()
    assert [one.edits for one in singles] == [1, 1]
    assert together.body["text"].startswith("✅ Over: 2")


async def test_a_message_that_is_gone_is_told_anew_unless_it_was_but_an_edit(ops: Ops) -> None:
    name = await ops.tells(NoticeKind.OPENED, alert())
    [posted] = ops.in_channel()
    async with httpx.AsyncClient(base_url=ops.url) as people:
        await people.delete(f"/_control/messages/{posted.ts}")
    assert isinstance(await ops.bot.tell(telling(NoticeKind.CHANGED, alert(), message=name)), Refused)
    assert ops.in_channel() == []
    assert await ops.tells(NoticeKind.RESOLVED, over(), message=name) != name
    assert len(ops.in_channel()) == 1


async def test_an_edit_without_a_message_is_refused(ops: Ops) -> None:
    assert isinstance(await ops.bot.tell(telling(NoticeKind.CHANGED, alert())), Refused)
    assert ops.receiver.messages == []


async def test_slack_away_or_busy_is_later_and_says_when(ops: Ops) -> None:
    ops.receiver.knobs = SlackKnobs(too_many=1, retry_after_seconds=7)
    busy = await ops.bot.tell(telling(NoticeKind.OPENED, alert()))
    assert isinstance(busy, TryLater)
    assert (busy.reason, busy.seconds) == (Reason.RATE_LIMITED, 7.0)
    ops.receiver.knobs = SlackKnobs(down=True)
    away = await ops.bot.tell(telling(NoticeKind.OPENED, alert()))
    assert isinstance(away, TryLater)
    assert away.reason is Reason.UNREACHABLE


async def test_an_edit_that_went_through_is_done_again_when_its_reply_must_wait(ops: Ops) -> None:
    name = await ops.tells(NoticeKind.OPENED, alert())
    ops.receiver.knobs = SlackKnobs(seconds_between_posts=60)
    waits = await ops.bot.tell(telling(NoticeKind.RESOLVED, over(), message=name))
    assert isinstance(waits, TryLater)
    ops.receiver.knobs = SlackKnobs()
    await ops.tells(NoticeKind.RESOLVED, over(), message=name)
    first = ops.in_channel()[0]
    assert first.edits == 2
    assert len(ops.in_thread(first)) == 1


async def test_a_webhook_says_the_same_without_buttons_and_edits_nothing(ops: Ops) -> None:
    channel = SlackWebhook(f"{ops.url}/services/T/B/x", audience())
    assert NoticeKind.CHANGED not in channel.kinds
    assert await channel.tell(telling(NoticeKind.OPENED, alert())) == Delivered()
    await channel.close()
    [posted] = ops.receiver.messages
    kinds = [block["type"] for block in posted.body["blocks"]]
    assert "header" in kinds
    assert "actions" not in kinds


@pytest.mark.parametrize("way", ["bot", "webhook"])
async def test_nobody_there_is_later_and_no_address_is_told(way: str) -> None:
    nowhere = "http://127.0.0.1:1"
    bot = SlackBot("slack", "xoxb-1", "#ops", audience(), f"{nowhere}/api")
    channel = bot if way == "bot" else SlackWebhook(f"{nowhere}/services/T/B/secret", audience())
    outcome = await channel.tell(telling(NoticeKind.OPENED, alert()))
    await channel.close()
    assert isinstance(outcome, TryLater)
    assert outcome.reason is Reason.UNREACHABLE
    assert "127.0.0.1" not in outcome.detail
    assert "secret" not in outcome.detail


async def test_a_wrong_address_is_for_people_to_mend(ops: Ops) -> None:
    bot = SlackBot("slack", "xoxb-1", "#ops", audience(), f"{ops.url}/elsewhere")
    outcome = await bot.tell(telling(NoticeKind.OPENED, alert()))
    await bot.close()
    assert isinstance(outcome, TryLater)
    assert outcome.reason is Reason.MISCONFIGURED


def test_each_channel_that_is_named_is_one_of_the_same_bot() -> None:
    bot = SlackSettings(bot_token=SecretStr("xoxb-1"), channel="#ops")
    route = RouteSettings(channels=("slack:#night", "slack", "mail"))
    named = Settings(slack=bot, routes=(route,), notices=NoticeSettings(escalate_to=("slack:#boss",)))
    assert [channel.name for channel in slack_channels(named)] == ["slack", "slack:#boss", "slack:#night"]
    hook = SlackSettings(webhook_url=SecretStr("https://hooks.example/x"))
    assert [channel.name for channel in slack_channels(Settings(slack=hook))] == ["slack"]
    assert slack_channels(Settings()) == ()


async def test_without_somebody_to_hear_them_a_bot_shows_no_buttons(ops: Ops) -> None:
    for more, shown in (({}, False), ({"signing_secret": SecretStr("s")}, True), ({"app_token": SecretStr("t")}, True)):
        slack = SlackSettings(bot_token=SecretStr("xoxb-1"), channel="C1", api_url=f"{ops.url}/api", **more)
        [channel] = slack_channels(Settings(slack=slack))
        await channel.tell(telling(NoticeKind.OPENED, alert()))
        await channel.close()
        blocks = ops.receiver.messages[-1].body["blocks"]
        assert ("actions" in [block["type"] for block in blocks]) is shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C1AB/1700000000.000100", MessageName(channel="C1AB", ts="1700000000.000100")),
        ("C1AB/1700000000.000100/300", MessageName(channel="C1AB", ts="1700000000.000100", alerts=300)),
        (None, None),
        ("", None),
        ("mail-17", None),
        ("C1AB/../x", None),
    ],
)
def test_a_messages_name_says_where_it_is_and_how_many_it_told(text: str | None, expected: MessageName | None) -> None:
    assert message_name(text) == expected
    assert expected is None or str(expected) == text


@pytest.mark.parametrize("way", ["bot", "webhook"])
async def test_blocks_that_slack_refuses_are_told_as_text(ops: Ops, way: str) -> None:
    ops.receiver.knobs = SlackKnobs(refuse_blocks=True)
    channel = ops.bot if way == "bot" else SlackWebhook(f"{ops.url}/services/T/B/x", audience())
    assert isinstance(await channel.tell(telling(NoticeKind.OPENED, alert())), Delivered)
    await channel.close()
    [posted] = ops.receiver.messages
    assert "booking 4fQ" in posted.body["text"]
    assert not posted.body.get("blocks")
