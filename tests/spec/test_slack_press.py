"""What Slack tells of a press becomes one of our actions, or nothing."""

from typing import Any

import pytest

from connectors.notify.slack.blocks import message
from connectors.notify.slack.press import press_of
from connectors.world.slack.messages import SlackMessage, element_of
from connectors.world.slack.pressing import Press as Pressing
from connectors.world.slack.pressing import payload_of
from streams.alerts.notice import NoticeKind
from streams.model.rule import Resolution
from tests.alert_words import Life, at, finding
from tests.notice_words import audience, telling

ALERT = Life().hears(finding("opened", 1)).alert


def pressed(action_id: str, value: str | None = None, *, of: int = 1, **more: Any) -> dict[str, Any]:
    """The payload that Slack makes of a press below our own message."""
    said = message(telling(NoticeKind.OPENED, ALERT, total=of), audience(), at(8), buttons=True)
    body = {"text": said.text, "blocks": list(said.blocks)}
    shown = SlackMessage(at=0, path="", ts="1795694400.000100", channel="C1AB", body=body)
    press = Pressing(ts=shown.ts, action_id=action_id, value=value, user="U7")
    element = element_of(shown, action_id)
    assert element is not None
    return payload_of(press, shown, element, "https://hooks.slack.com/actions/1") | more


@pytest.mark.parametrize("what", ["acknowledge", "snooze"])
def test_a_button_names_its_alert_and_who_pressed_it(what: str) -> None:
    press = press_of(pressed(f"plumbline.{what}"))
    assert press is not None
    assert (press.what, press.alert_id, press.actor) == (what, ALERT.id, "slack:U7")
    assert str(press.message) == "C1AB/1795694400.000100"
    assert press.response_url == "https://hooks.slack.com/actions/1"


@pytest.mark.parametrize("resolution", [Resolution.MANUAL, Resolution.EXPECTED, Resolution.FALSE_POSITIVE])
def test_the_choice_of_a_resolution_names_alert_and_reason(resolution: Resolution) -> None:
    press = press_of(pressed("plumbline.resolve", f"{resolution.value}:{ALERT.id}"))
    assert press is not None
    assert (press.what, press.alert_id, press.resolution) == ("resolve", ALERT.id, resolution)


@pytest.mark.parametrize("what", ["acknowledge_all", "snooze_all"])
def test_a_groups_button_means_all_that_its_message_told(what: str) -> None:
    press = press_of(pressed(f"plumbline.{what}", of=300))
    assert press is not None
    assert (press.what, press.alert_id, str(press.message)) == (what, None, "C1AB/1795694400.000100/300")


def test_the_same_press_heard_twice_is_at_the_same_instant() -> None:
    payload = pressed("plumbline.snooze")
    assert press_of(payload) == press_of(payload)


def acted(**changes: Any) -> dict[str, Any]:
    payload = pressed("plumbline.acknowledge")
    payload["actions"] = [payload["actions"][0] | changes]
    return payload


@pytest.mark.parametrize(
    "payload",
    [
        None,
        "text",
        {},
        {"type": "view_submission"},
        {"type": "block_actions", "actions": "none"},
        pressed("plumbline.acknowledge", type="message_action"),
        pressed("plumbline.acknowledge", actions=[]),
        pressed("plumbline.acknowledge", user={"id": "<!channel>"}),
        acted(action_id="somebody.elses"),
        acted(value="'; DROP TABLE notices"),
        acted(action_ts="soon"),
        acted(action_ts="nan"),
        acted(action_id="plumbline.resolve", value=f"recovered:{ALERT.id}"),
        acted(action_id="plumbline.resolve", value=f"never:{ALERT.id}"),
        acted(action_id="plumbline.acknowledge_all", value="all"),
    ],
)
def test_what_is_no_press_of_ours_is_nothing(payload: Any) -> None:
    assert press_of(payload) is None
