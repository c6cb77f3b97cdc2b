"""What a message's thread hears: one line a change, so that the message shows how it is and the thread how it came."""

from connectors.notify import words
from connectors.notify.audience import Audience
from connectors.notify.channel import Telling
from connectors.notify.slack.blocks import Said, standing_markup
from connectors.notify.slack.markup import escaped
from streams.alerts.notice import NoticeKind
from streams.model.rule import AlertStatus, Severity

#: Kinds that people should see though they follow no thread: for critical alerts the channel is shown them too.
_LOUD = frozenset({NoticeKind.REOPENED, NoticeKind.REPEATED, NoticeKind.ESCALATED, NoticeKind.REMINDER})


def reply(telling: Telling, audience: Audience, *, of: int) -> Said | None:
    """The line for the thread of a message that told `of` alerts; None where the edit says enough."""
    text = _of_group(telling, audience, of) if of > 1 else _of_alert(telling, audience)
    return Said(text=text) if text else None


def is_loud(telling: Telling) -> bool:
    """Whether the channel is to see the reply too."""
    critical = any(alert.severity is Severity.CRITICAL for alert in telling.alerts)
    return telling.kind in _LOUD and critical


def _of_alert(telling: Telling, audience: Audience) -> str:
    alert = telling.alerts[0]
    if telling.kind is NoticeKind.CHANGED or alert.status is AlertStatus.RESOLVED:
        return standing_markup(alert, audience) or f"Open · {escaped(alert.summary)}"
    said = _news(telling)
    return f"{said} · {escaped(alert.summary)}" if telling.kind is NoticeKind.REOPENED else said


def _of_group(telling: Telling, audience: Audience, of: int) -> str:
    if telling.kind is NoticeKind.CHANGED and telling.total > 1:
        return ""
    if telling.total == of:
        standing = words.still_standing(telling)
        return f"{_news(telling)} · {'all over' if standing == 0 else f'{standing} of {of} still open'}"
    alert = telling.alerts[0]
    who = escaped(words.names_of(alert), 600) if telling.total == 1 else f"{telling.total} of {of}"
    how = standing_markup(alert, audience) if telling.kind is NoticeKind.CHANGED else _news(telling)
    return f"{who}: {how or 'open'}"


def _news(telling: Telling) -> str:
    alert = telling.alerts[0]
    light = words.LIGHT[alert.severity]
    match telling.kind:
        case NoticeKind.REOPENED:
            return f"{light} It is back (episode {alert.episode})"
        case NoticeKind.REPEATED:
            again = f", told again for the {words.ordinal(telling.turn)} time" if telling.turn else ""
            return f"{light} It still stands, and nobody looks after it{again}"
        case NoticeKind.ESCALATED:
            return f"{light} Nobody has acknowledged it; others are told too"
        case NoticeKind.REMINDER:
            return f"{light} It still stands: its acknowledgement or snooze has ended"
        case NoticeKind.RESOLVED:
            return f"✅ {words.over_text(alert.resolution)}"
        case _:
            return f"{light} It stands"
