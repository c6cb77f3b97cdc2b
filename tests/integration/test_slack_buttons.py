"""From a finding to a button in Slack and back: pressed, done, and seen in the message that told it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.services import services_of
from api.slack_actions import PATH
from connectors.notify.dispatch import Dispatcher
from connectors.notify.slack import slack_channels
from connectors.notify.slack.configured import bots_places
from connectors.slack_presses import Presses
from connectors.slack_socket import listen_to_slack
from connectors.stack.stack import LocalStack
from connectors.store.notice_tellings import Lease
from connectors.store.notices import StoredNotices
from connectors.store.queries import one_alert
from connectors.store.relay import Relay
from connectors.world.serving import serving
from connectors.world.slack import Slack, SlackMessage
from connectors.world.slack.pressing import SIGNING_SECRET
from streams.alerts.actions import Resolve
from streams.alerts.alert import Alert
from streams.configured_notices import notice_policy
from streams.model.rule import AlertStatus, Resolution
from streams.notices.pacing import Allowance
from streams.settings import Settings
from streams.settings_notices import SlackSettings
from tests.alert_words import finding
from tests.integration.alerting import Ground, new_ground, running
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

QUICK = Lease(allowance=Allowance(gather_ms=500, sources_ms=500))
BUTTON = "plumbline.{}"


class Ops:
    """#ops: what stands there, and who presses what."""

    def __init__(self, ground: Ground, settings: Settings, receiver: Slack, people: httpx.AsyncClient) -> None:
        self.ground = ground
        self.settings = settings
        self.receiver = receiver
        self._people = people
        self.api_url: str | None = None

    async def shows(self, *texts: str) -> SlackMessage:
        """The first message in the channel that says all of this."""

        def found() -> SlackMessage | None:
            return next((one for one in self._in_channel() if all(text in str(one.body) for text in texts)), None)

        return await until(found)

    async def press(self, message: SlackMessage, what: str, **more: Any) -> dict[str, Any]:
        press = {"ts": message.ts, "action_id": BUTTON.format(what), "url": self.api_url} | more
        answer: dict[str, Any] = (await self._people.post("/_control/press", json=press)).json()
        return answer

    async def refresh_sockets(self) -> None:
        await self._people.delete("/_control/sockets")

    async def alert(self, subject: str) -> Alert:
        found = await one_alert(self.ground.database, finding("opened", 1, subject=subject).alert_id, None)
        assert found is not None
        return found

    def whispered(self) -> list[str]:
        """What was told to who pressed alone."""
        return [one.body["text"] for one in self.receiver.messages if one.body.get("response_type") == "ephemeral"]

    def thread(self, of: SlackMessage) -> list[str]:
        return [one.body["text"] for one in self.receiver.messages if one.body.get("thread_ts") == of.ts]

    def _in_channel(self) -> list[SlackMessage]:
        return [one for one in self.receiver.messages if one.channel and "thread_ts" not in one.body]


@pytest.fixture(scope="module")
async def ops(stack: LocalStack) -> AsyncIterator[Ops]:
    receiver = Slack()
    async with new_ground(stack) as ground, serving(receiver.app()) as url, httpx.AsyncClient(base_url=url) as people:
        slack = SlackSettings.model_validate(
            {
                "bot_token": "xoxb-1",
                "app_token": "xapp-1",
                "channel": "#ops",
                "signing_secret": SIGNING_SECRET,
                "api_url": f"{url}/api",
            }
        )
        yield Ops(ground, ground.settings.model_copy(update={"slack": slack}), receiver, people)
        await receiver.close()


@asynccontextmanager
async def telling(ops: Ops) -> AsyncIterator[None]:
    """Relay and dispatcher, as the connectors run them."""
    log = StoredNotices(ops.ground.database, notice_policy(ops.settings), lease=QUICK)
    dispatcher = Dispatcher(ops.settings, log, slack_channels(ops.settings))
    async with running(Relay(ops.settings, ops.ground.dsn).run, dispatcher.run):
        yield


@asynccontextmanager
async def answering(ops: Ops) -> AsyncIterator[None]:
    """The API, as Slack reaches it."""
    async with serving(create_app(services_of(ops.settings))) as url:
        ops.api_url = url + PATH
        yield
        ops.api_url = None


async def test_a_press_acknowledges_the_alert_and_the_message_shows_it(ops: Ops) -> None:
    async with telling(ops), answering(ops):
        await ops.ground.store.apply([finding("opened", 1, subject="seen")])
        message = await ops.shows("seen")
        # Slack sends a press again whose answer it has lost.
        answer = await ops.press(message, "acknowledge", user="U7", repeated=2)
        assert answer["status"] == 200
        assert answer["seconds"] < 3
        alert = await ops.alert("seen")
        assert (alert.status, alert.acknowledged_by) == (AlertStatus.ACKNOWLEDGED, "slack:U7")
        edited = await ops.shows("seen", "*Acknowledged by* <@U7>")
        assert edited.ts == message.ts
        await until(lambda: ops.thread(message) == ["👀 *Acknowledged by* <@U7>"])
        assert (await ops.press(edited, "resolve", user="U7", value=f"manual:{alert.id}"))["status"] == 200
        assert (await ops.alert("seen")).resolution is Resolution.MANUAL
        over = await ops.shows("seen", "Resolved by hand")
        assert "actions" not in [block["type"] for block in over.body["blocks"]]
    assert ops.whispered() == []
    history = await ops.ground.query(
        "SELECT action, actor, through FROM alert_history WHERE alert_id = $1::uuid ORDER BY id", alert.id
    )
    assert [(line["action"], line["actor"], line["through"]) for line in history][1:] == [
        ("acknowledged", "slack:U7", "slack"),
        ("resolved", "slack:U7", "slack"),
    ]
    audited = await ops.ground.query(
        "SELECT route, actor, status, tenant FROM audit_log WHERE object_id = $1 ORDER BY id", alert.id
    )
    assert {(line["actor"], line["status"], line["tenant"]) for line in audited} == {("slack:U7", 200, "3")}
    assert [line["route"] for line in audited][-1] == "slack resolve"


async def test_who_presses_too_late_is_told_why_nothing_happened(ops: Ops) -> None:
    async with telling(ops):
        await ops.ground.store.apply([finding("opened", 1, subject="late")])
        message = await ops.shows("late")
    # Nobody edits the message now: its buttons are older than the alert.
    alert = await ops.alert("late")
    resolve = Resolve(resolution=Resolution.EXPECTED)
    await ops.ground.store.act(alert.id, resolve, actor="ops", tenants=None, versions=None)
    async with answering(ops):
        assert (await ops.press(message, "snooze"))["status"] == 200
        assert (await ops.alert("late")).status is AlertStatus.RESOLVED
    assert len(ops.whispered()) == 1
    assert ops.whispered()[0].startswith("Not done: a resolved alert cannot be snoozed")


async def test_a_press_below_a_group_means_all_of_it(ops: Ops) -> None:
    names = [f"together{number}" for number in range(12)]
    async with telling(ops), answering(ops):
        await ops.ground.store.apply([finding("opened", 1, subject=name) for name in names])
        group = await ops.shows("plumbline.acknowledge_all", "together")
        alerts = [await ops.alert(name) for name in names]
        await ops.press(group, "acknowledge_all", user="U8")
        after = [await ops.alert(name) for name in names]
        taken = [alert for alert in after if alert.acknowledged_by == "slack:U8"]
        assert len(taken) > 1
        assert ops.whispered()[-1].startswith(f"{len(taken)} alerts: {len(taken)} done")
        await ops.shows("plumbline.acknowledge_all", "Acknowledged by")
    assert all(alert.status is AlertStatus.OPEN for alert in alerts)


async def test_where_slack_cannot_reach_us_presses_come_through_a_socket_that_is_renewed(ops: Ops) -> None:
    presses = Presses(
        ops.ground.database,
        ops.ground.store,
        channels=tuple(bots_places(ops.settings)),
        api_url=ops.settings.slack.api_url,
    )

    async def listen() -> None:
        await listen_to_slack(ops.settings.slack, presses, ping_seconds=0.2)

    async with telling(ops), running(listen):
        await ops.ground.store.apply([finding("opened", 1, subject="socket")])
        message = await ops.shows("socket")

        async def acknowledged(what: str, **more: Any) -> bool:
            return bool((await ops.press(message, what, **more)).get("acknowledged"))

        await until(lambda: acknowledged("snooze", user="U9"))
        assert (await ops.alert("socket")).status is AlertStatus.SNOOZED
        await ops.shows("socket", "Snoozed until")
        await ops.refresh_sockets()
        await until(lambda: acknowledged("acknowledge", user="U9"))
        assert (await ops.alert("socket")).acknowledged_by == "slack:U9"
