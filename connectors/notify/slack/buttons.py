"""What can be pressed below a message, and what a press is called: written here, read by `press.py`.

A button's value names the alert; a group's says how many the message told, which is a part of the message's name: the
notification log knows which.
"""

from typing import Any

from streams.alerts.alert import Alert
from streams.model.rule import AlertStatus, Resolution

Block = dict[str, Any]

ACKNOWLEDGE = "plumbline.acknowledge"
SNOOZE = "plumbline.snooze"
RESOLVE = "plumbline.resolve"
ACKNOWLEDGE_ALL = "plumbline.acknowledge_all"
SNOOZE_ALL = "plumbline.snooze_all"
SNOOZE_HOURS = 1

_RESOLUTIONS = {
    Resolution.MANUAL: "Mended by hand",
    Resolution.EXPECTED: "Meant so",
    Resolution.FALSE_POSITIVE: "No fault: false alarm",
}


def alert_buttons(alert: Alert) -> Block:
    """Of one alert that stands: what has been pressed is not offered again."""
    elements = []
    if alert.status is not AlertStatus.ACKNOWLEDGED:
        elements.append(_button(ACKNOWLEDGE, "Acknowledge", alert.id, style="primary"))
    if alert.status is not AlertStatus.SNOOZED:
        elements.append(_button(SNOOZE, f"Snooze {SNOOZE_HOURS} h", alert.id))
    return {"type": "actions", "elements": [*elements, _resolve(alert)]}


def group_buttons(total: int) -> Block:
    """Of a group: for all of them at once, so each asks again."""
    return {
        "type": "actions",
        "elements": [
            _button(
                ACKNOWLEDGE_ALL,
                "Acknowledge all",
                str(total),
                confirm=f"All {total} alerts of this message become yours.",
            ),
            _button(
                SNOOZE_ALL,
                f"Snooze all {SNOOZE_HOURS} h",
                str(total),
                confirm=f"All {total} alerts of this message are silent for {SNOOZE_HOURS} h.",
            ),
        ],
    }


def _resolve(alert: Alert) -> Block:
    return {
        "type": "static_select",
        "action_id": RESOLVE,
        "placeholder": _plain("Resolve …"),
        "options": [
            {"text": _plain(text), "value": f"{resolution.value}:{alert.id}"}
            for resolution, text in _RESOLUTIONS.items()
        ],
        "confirm": _confirm("The alert is closed. It opens again only if the fault comes back.", "Resolve"),
    }


def _button(action: str, text: str, value: str, *, style: str | None = None, confirm: str | None = None) -> Block:
    button: Block = {"type": "button", "action_id": action, "text": _plain(text), "value": value}
    if style is not None:
        button["style"] = style
    if confirm is not None:
        button["confirm"] = _confirm(confirm, text)
    return button


def _confirm(text: str, yes: str) -> Block:
    return {"title": _plain("Are you sure?"), "text": _plain(text), "confirm": _plain(yes), "deny": _plain("Not now")}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
