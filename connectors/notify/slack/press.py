"""What somebody pressed: Slack's `block_actions` payload as one of our actions. Pure; the same for both ways in.

Fields of the payload: docs.slack.dev, interaction payloads, block_actions.
"""

import re
from typing import Any, Literal, get_args

import msgspec

from connectors.notify.slack import buttons
from connectors.notify.slack.bot import MessageName
from streams.alerts.alert import PEOPLES_RESOLUTIONS
from streams.model.ids import Instant
from streams.model.rule import Resolution

What = Literal["acknowledge", "snooze", "resolve", "acknowledge_all", "snooze_all"]
_WHAT: dict[str, What] = {getattr(buttons, what.upper()): what for what in get_args(What)}
_ALERT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_USER = re.compile(r"[UW][A-Z0-9]{1,30}")


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """Who pressed what, where and when. `alert_id` is None for a group's button: then it is all of `message`."""

    what: What
    alert_id: str | None
    resolution: Resolution | None
    user: str
    #: By Slack's clock: a repeat of the same press has the same.
    at: Instant
    message: MessageName
    response_url: str | None

    @property
    def actor(self) -> str:
        """As history and audit name who pressed."""
        return f"slack:{self.user}"


class _Option(msgspec.Struct, frozen=True):
    value: str = ""


class _Action(msgspec.Struct, frozen=True):
    action_id: str = ""
    value: str = ""
    selected_option: _Option | None = None
    action_ts: str = ""


class _Named(msgspec.Struct, frozen=True):
    id: str = ""


class _Container(msgspec.Struct, frozen=True):
    channel_id: str = ""
    message_ts: str = ""


class _Payload(msgspec.Struct, frozen=True):
    type: str
    user: _Named = _Named()
    container: _Container = _Container()
    actions: tuple[_Action, ...] = ()
    response_url: str | None = None


def press_of(payload: Any) -> Press | None:
    """The press that a payload tells of; None for what is none of ours (a link, another app's button, no payload)."""
    try:
        told = msgspec.convert(payload, type=_Payload)
    except msgspec.ValidationError:
        return None
    action = next((one for one in told.actions if one.action_id in _WHAT), None)
    if told.type != "block_actions" or action is None or not _USER.fullmatch(told.user.id):
        return None
    try:
        return _press(told, action)
    except ValueError:
        return None


def _press(told: _Payload, action: _Action) -> Press:
    what = _WHAT[action.action_id]
    value = action.selected_option.value if action.selected_option is not None else action.value
    resolution, alert_id, alerts = None, None, 1
    if what in ("acknowledge_all", "snooze_all"):
        alerts = int(value)
    elif what == "resolve":
        word, _, alert_id = value.partition(":")
        resolution = Resolution(word)
        if resolution not in PEOPLES_RESOLUTIONS:
            raise ValueError("no person resolves so")
    else:
        alert_id = value
    if alert_id is not None and not _ALERT.fullmatch(alert_id):
        raise ValueError("no alert's id")
    place = told.container
    return Press(
        what=what,
        alert_id=alert_id,
        resolution=resolution,
        user=told.user.id,
        at=Instant(int(float(action.action_ts) * 1000)),
        message=MessageName(channel=place.channel_id, ts=place.message_ts, alerts=alerts),
        response_url=told.response_url,
    )
