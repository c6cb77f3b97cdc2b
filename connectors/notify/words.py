"""What is said about alerts, in plain words: no markup and no channel's rules.

Each channel puts these words into its own form (Slack's blocks, mail's text and HTML). Texts are whole and unescaped;
who shows them escapes them. Only what an alert carries is said: ids, times and status words, never a person's data.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from connectors.notify.audience import Audience
from connectors.notify.channel import Telling
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, Reason
from streams.alerts.texts import clock_text, title
from streams.model.ids import Instant, parse_iso
from streams.model.rule import AlertStatus, Resolution, Severity

#: Characters of one shown value; an id in full is shorter.
VALUE_CHARACTERS_MAX = 200
_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS

LIGHT = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵"}
_OVER: dict[Resolution | None, str] = {
    Resolution.RECOVERED: "Recovered",
    Resolution.HEALED: "Mended by Plumbline",
    Resolution.LATE: "Recovered, the cure was on its way",
    Resolution.EXPIRED: "Expired, the appointment is over",
    Resolution.SUPERSEDED: "Superseded, another alert speaks for its cause",
    Resolution.MANUAL: "Resolved by hand",
    Resolution.EXPECTED: "Resolved: meant so",
    Resolution.FALSE_POSITIVE: "Resolved: no fault",
    Resolution.RULE_DISABLED: "Resolved: the rule was switched off",
}
#: In which order the compared fields are shown; others follow by name.
_FIELDS = ("booking", "status", "start", "end")
_TIMES = frozenset({"start", "end"})


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One field as both sides have it; None is nothing."""

    field: str
    local: str | None
    calcom: str | None
    differs: bool


def headline(alert: Alert) -> str:
    """The alert's title, and that it is not the first time."""
    return alert.title + (f" again (episode {alert.episode})" if alert.episode > 1 else "")


def group_headline(telling: Telling) -> str:
    """`300 × Booked in Cal.com, missing in your database`, or without a common rule `300 alerts at once`."""
    rule = telling.common.rule
    if rule is not None:
        return f"{telling.total} × {title(rule)}"
    return f"{telling.total} alerts" + (" at once" if telling.together is Reason.STORM else "")


def over_text(resolution: Resolution | None) -> str:
    """Why an alert is over: `Recovered`, `Resolved by hand`."""
    return _OVER.get(resolution, "Resolved")


def standing_text(alert: Alert, audience: Audience) -> str:
    """Who looks after it, until when it is silent, or how it ended; empty where it is just open."""
    match alert.status:
        case AlertStatus.ACKNOWLEDGED:
            return f"Acknowledged by {alert.acknowledged_by}"
        case AlertStatus.SNOOZED if alert.snoozed_until is not None:
            return f"Snoozed until {moment(alert.snoozed_until, alert, audience)}"
        case AlertStatus.SNOOZED:
            return "Snoozed"
        case AlertStatus.RESOLVED:
            return ", ".join(part for part in (over_text(alert.resolution), lasted_text(alert)) if part)
        case AlertStatus.OPEN:
            return ""


def lasted_text(alert: Alert) -> str:
    """`stood for 12 min`; empty where one of its ends is not known."""
    opened_at, resolved_at = parse_iso(alert.opened_at), parse_iso(alert.resolved_at)
    if opened_at is None or resolved_at is None or resolved_at < opened_at:
        return ""
    return f"stood for {span_text(resolved_at - opened_at)}"


def starts_of(alert: Alert, audience: Audience, now: Instant) -> str:
    """When the appointment starts, seen from `now`; empty where no side knows."""
    text = alert.calcom.get("start") or alert.local.get("start")
    try:
        starts_at = parse_iso(text)
    except ValueError:
        return ""
    if starts_at is None or text is None:
        return ""
    return starts_text(starts_at, now, moment(text, alert, audience))


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


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`."""
    teens = 10 <= number % 100 <= 20
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def moment(iso_time: str, alert: Alert, audience: Audience) -> str:
    """A time as the alert's tenant reads it: `Thu 14:00 CET`."""
    return clock_text(iso_time, audience.zone_of(alert.tenant), alert.detected_at)


def ids_of(alert: Alert) -> list[tuple[str, str]]:
    """What the alert is about, each id in full: `[("booking", "4fQ"), ("appointment", "17")]`."""
    named = (("booking", alert.booking_uid), ("appointment", alert.appointment_id), ("call", alert.call_id))
    return [(kind, one) for kind, one in named if one] or [(str(alert.subject.kind), alert.subject.id)]


def names_of(alert: Alert) -> str:
    """`booking 4fQ, appointment 17`."""
    return ", ".join(f"{kind} {one}" for kind, one in ids_of(alert))


def compared_fields(alert: Alert, audience: Audience) -> list[Compared]:
    """Both sides field by field, those that differ marked; empty where neither side has any."""
    differing = {difference.field: difference for difference in alert.differences}
    names = {*alert.local, *alert.calcom, *differing}
    ordered = [name for name in _FIELDS if name in names] + sorted(names - set(_FIELDS))

    def shown(name: str, value: str | None) -> str | None:
        text = moment(value, alert, audience) if value and name in _TIMES else value
        return text and fit(text, VALUE_CHARACTERS_MAX)

    compared = []
    for name in ordered:
        difference = differing.get(name)
        local, calcom = alert.local.get(name), alert.calcom.get(name)
        if difference is not None:
            local, calcom = local or difference.local, calcom or difference.calcom
        if local is not None or calcom is not None:
            differs = difference is not None
            compared.append(Compared(field=name, local=shown(name, local), calcom=shown(name, calcom), differs=differs))
    return compared


def common_facts(telling: Telling, audience: Audience) -> list[tuple[str, str]]:
    """What the alerts of a group have in common, by name: rule, company, account, event type, since when."""
    common = telling.common
    since = common.since and moment(common.since, telling.alerts[0], audience)
    facts = (
        ("rule", common.rule),
        ("company", common.tenant and audience.name_of(common.tenant)),
        ("account", common.account),
        ("event type", common.event_type),
        ("since", since),
    )
    return [(name, value) for name, value in facts if value]


def still_standing(telling: Telling) -> int:
    """How many alerts of a group are not over; those it does not carry are taken to stand unless it says."""
    if telling.standing is not None:
        return telling.standing
    over = sum(alert.status is AlertStatus.RESOLVED for alert in telling.alerts)
    return telling.total - over


def notice_line(telling: Telling, audience: Audience, now: Instant) -> str:
    """The whole notice as one line, for a phone's lock screen, a subject or a log."""
    if telling.kind is NoticeKind.BASELINE:
        return _joined([baseline_headline(telling.total), *counted(telling)])
    first = telling.alerts[0]
    if telling.total > 1:
        return _joined(_group_parts(telling, audience))
    parts = _over_parts(first, audience) if first.status is AlertStatus.RESOLVED else _parts(first, audience, now)
    return _joined([*parts, names_of(first), first.rule])


def baseline_headline(total: int) -> str:
    """`📋 Found at installation: 4 older faults`."""
    return f"📋 Found at installation: {total} older {'fault' if total == 1 else 'faults'}"


def counted(telling: Telling) -> list[str]:
    """`Start times differ: 3`, the most frequent rule first."""
    by_rule = telling.by_rule or Counter(alert.rule for alert in telling.alerts)
    ordered = sorted(by_rule.items(), key=lambda one: (-one[1], one[0]))
    return [f"{title(rule)}: {count}" for rule, count in ordered]


def fit(text: str, characters_max: int) -> str:
    """The text in one line, cut at its end where it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= characters_max else line[: characters_max - 1] + "…"


def _parts(alert: Alert, audience: Audience, now: Instant) -> list[str]:
    where = f"(P{alert.priority}, {audience.name_of(alert.tenant)})"
    starts = starts_of(alert, audience, now)
    head = f"{LIGHT[alert.severity]} {headline(alert)}. {f'{starts} ' if starts else ''}{where}"
    return [head, standing_text(alert, audience), alert.summary]


def _over_parts(alert: Alert, audience: Audience) -> list[str]:
    head = f"✅ {over_text(alert.resolution)}: {alert.title} ({audience.name_of(alert.tenant)})"
    return [head, lasted_text(alert)]


def _group_parts(telling: Telling, audience: Audience) -> list[str]:
    standing = still_standing(telling)
    if standing == 0:
        return [f"✅ Over: {group_headline(telling)}"]
    head = f"{LIGHT[telling.alerts[0].severity]} {group_headline(telling)}"
    still = "" if standing == telling.total else f"{standing} of {telling.total} still open"
    common = dict(common_facts(telling, audience))
    facts = [value if name == "company" else f"{name} {value}" for name, value in common.items() if name != "rule"]
    counts = [] if telling.common.rule else counted(telling)
    return [head, still, ", ".join(facts), *counts, ", ".join(names_of(alert) for alert in telling.alerts[:3])]


def _joined(parts: Sequence[str]) -> str:
    return " · ".join(part for part in parts if part)
