"""Notices in words, in Slack's markup. Every text that came from outside is escaped."""

from collections.abc import Mapping, Sequence

from connectors.notify.audience import Audience
from connectors.notify.channel import Telling
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, Reason
from streams.alerts.texts import clock_text, title
from streams.model.ids import Instant, parse_iso
from streams.model.rule import Resolution, Severity

TEXT_CHARACTERS_MAX = 3_000
#: Sources that a message about many names one by one.
NAMED_MAX = 20
_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS

_LIGHT = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵"}
_OVER: dict[Resolution | None, str] = {
    Resolution.RECOVERED: "Recovered",
    Resolution.HEALED: "Mended by Plumbline",
    Resolution.LATE: "Recovered, the cure was on its way",
    Resolution.EXPIRED: "Expired, the appointment is over",
    Resolution.MANUAL: "Resolved by hand",
    Resolution.EXPECTED: "Resolved: meant so",
    Resolution.FALSE_POSITIVE: "Resolved: no fault",
    Resolution.RULE_DISABLED: "Resolved: the rule was switched off",
}


def escaped(text: str) -> str:
    """Text that Slack shows as it is: no links, no mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def telling_text(telling: Telling, audience: Audience, now: Instant) -> str:
    """What one message says, as one line of Slack's markup."""
    if telling.kind is NoticeKind.BASELINE:
        return baseline_text(telling.by_rule)
    if telling.together in (Reason.STORM, Reason.DIGEST):
        return storm_text(telling.by_rule)
    first, *others = telling.alerts
    text = notice_text(telling.kind, first, audience, now, others)
    return text if telling.total == len(telling.alerts) else f"{text} · {telling.total} in all"


def storm_text(by_rule: Mapping[str, int]) -> str:
    """So much at once that only counts are told."""
    counts = [f"{escaped(title(rule))}: {count}" for rule, count in sorted(by_rule.items())]
    return _joined([f"🌩️ {sum(by_rule.values())} changes at once", *counts])


def notice_text(
    kind: NoticeKind, alert: Alert, audience: Audience, now: Instant, together: Sequence[Alert] = ()
) -> str:
    """One notice as one line of Slack's markup; `together` are alerts of the same kind that it tells of too."""
    parts = _over(alert, audience) if kind is NoticeKind.RESOLVED else _standing(kind, alert, audience, now)
    return _joined([*parts, _others(together, audience), *_links(alert), escaped(alert.rule)])


def baseline_text(by_rule: Mapping[str, int]) -> str:
    """The one message about what was wrong before Plumbline came."""
    total = sum(by_rule.values())
    counts = [f"{escaped(title(rule))}: {count}" for rule, count in sorted(by_rule.items())]
    return _joined([f"📋 Found at installation: {total} older {'fault' if total == 1 else 'faults'}", *counts])


def starts_text(starts_at: Instant, now: Instant, clock: str) -> str:
    """`Starts in 52 min`, `Starts Thu 14:00 CET`, `Started 5 min ago`."""
    ahead = starts_at - now
    if abs(ahead) >= _DAY_MS:
        return f"{'Starts' if ahead > 0 else 'Started'} {clock}"
    return f"Starts in {span_text(ahead)}" if ahead > 0 else f"Started {span_text(-ahead)} ago"


def span_text(milliseconds: int) -> str:
    """`40 s`, `52 min`, `3 h 5 min`, `2 d 4 h`."""
    if milliseconds < _MINUTE_MS:
        return f"{milliseconds // 1000} s"
    if milliseconds < _HOUR_MS:
        return f"{milliseconds // _MINUTE_MS} min"
    if milliseconds < _DAY_MS:
        return f"{milliseconds // _HOUR_MS} h {milliseconds % _HOUR_MS // _MINUTE_MS} min"
    return f"{milliseconds // _DAY_MS} d {milliseconds % _DAY_MS // _HOUR_MS} h"


def _standing(kind: NoticeKind, alert: Alert, audience: Audience, now: Instant) -> list[str]:
    again = f" again (episode {alert.episode})" if kind is NoticeKind.REOPENED else ""
    where = f"(P{alert.priority}, {escaped(audience.name_of(alert.tenant))})"
    starts = _starts(alert, audience, now)
    head = f"{_LIGHT[alert.severity]} {escaped(alert.title)}{again}. {f'{starts} ' if starts else ''}{where}"
    return [head, escaped(alert.summary), _names(alert)]


def _over(alert: Alert, audience: Audience) -> list[str]:
    said = _OVER.get(alert.resolution, "Resolved")
    head = f"✅ {said}: {escaped(alert.title)} ({escaped(audience.name_of(alert.tenant))})"
    opened_at, resolved_at = parse_iso(alert.opened_at), parse_iso(alert.resolved_at)
    lasted = ""
    if opened_at is not None and resolved_at is not None and resolved_at >= opened_at:
        lasted = f"stood for {span_text(resolved_at - opened_at)}"
    return [head, lasted, _names(alert)]


def _starts(alert: Alert, audience: Audience, now: Instant) -> str:
    text = alert.calcom.get("start") or alert.local.get("start")
    try:
        starts_at = parse_iso(text)
    except ValueError:
        return ""
    if starts_at is None or text is None:
        return ""
    clock = clock_text(text, audience.zone_of(alert.tenant), alert.detected_at)
    return starts_text(starts_at, now, clock)


def _names(alert: Alert) -> str:
    """The ids that the notice is about, each in full."""
    named = (("booking", alert.booking_uid), ("appointment", alert.appointment_id), ("call", alert.call_id))
    ids = [f"{kind} {escaped(one)}" for kind, one in named if one]
    return ", ".join(ids) or f"{alert.subject.kind} {escaped(alert.subject.id)}"


def _others(together: Sequence[Alert], audience: Audience) -> str:
    if not together:
        return ""
    named = [f"{_names(alert)} ({escaped(audience.name_of(alert.tenant))})" for alert in together[:NAMED_MAX]]
    more = f" and {len(together) - NAMED_MAX} more" if len(together) > NAMED_MAX else ""
    return f"the same of {', '.join(named)}{more}"


def _links(alert: Alert) -> list[str]:
    pages = (
        ("Open booking", alert.links.calcom),
        ("Open in app", alert.links.app),
        ("Runbook", alert.runbook_url),
    )
    # A page without an address of its own (a path in the repository) is named, not linked.
    return [_link(name, url) for name, url in pages if url]


def _link(name: str, url: str) -> str:
    if not url.startswith(("https://", "http://")):
        return f"{name}: {escaped(url)}"
    return f"<{escaped(url).replace('|', '%7C')}|{name}>"


def _joined(parts: list[str]) -> str:
    text = " · ".join(part for part in parts if part)
    return text if len(text) <= TEXT_CHARACTERS_MAX else text[: TEXT_CHARACTERS_MAX - 1] + "…"
