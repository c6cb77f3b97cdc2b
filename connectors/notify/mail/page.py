"""What a mail says, as plain values that the templates lay out: no markup here, no wording there."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from connectors.notify.audience import Audience
from connectors.notify.channel import Telling
from connectors.notify.pages import pages_of
from connectors.notify.words import (
    LIGHT,
    Compared,
    baseline_headline,
    common_facts,
    compared_fields,
    fit,
    group_headline,
    headline,
    moment,
    names_of,
    over_text,
    standing_text,
    starts_of,
    still_standing,
)
from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, Reason
from streams.alerts.texts import title
from streams.model.ids import Instant
from streams.model.rule import AlertStatus

SUMMARY_CHARACTERS_MAX = 500
#: Of what stands, and of what is over: mail programs cut what is longer than 100 KB.
LISTED_MAX = 40
#: Of the counts; the others are one line.
COUNTS_MAX = 12

_WHY_AGAIN = {
    NoticeKind.REMINDER: "Nobody looks after it any more",
    NoticeKind.REPEATED: "Still standing",
    NoticeKind.ESCALATED: "Nobody looks after it",
}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One alert. Texts are whole and unescaped; empty ones are not shown."""

    light: str
    title: str
    severity: str
    priority: int
    company: str
    about: str
    opened: str
    starts: str
    standing: str
    summary: str
    compared: tuple[Compared, ...]
    pages: tuple[tuple[str, str], ...]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many there are of each kind, most first: `By rule`, `("Start times differ", 3), …`."""

    heading: str
    lines: tuple[tuple[str, int], ...]
    others: int


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A mail: what stands, what is over, and how many there are."""

    subject: str
    heading: str
    facts: tuple[tuple[str, str], ...] = ()
    standing: tuple[Entry, ...] = ()
    over: tuple[Entry, ...] = ()
    #: It is about one alert alone, whose title is the heading.
    single: bool = False
    #: Alerts that are counted and not listed.
    left_out: int = 0
    counts: tuple[Counts, ...] = ()


def page_of(telling: Telling, audience: Audience, now: Instant) -> Page:
    """The mail that tells this."""
    if telling.kind is NoticeKind.BASELINE:
        heading = baseline_headline(telling.total)
        return Page(subject=heading, heading=heading, counts=_counts(telling, audience))
    over = [alert for alert in telling.alerts if alert.status is AlertStatus.RESOLVED][:LISTED_MAX]
    standing = [alert for alert in telling.alerts if alert.status is not AlertStatus.RESOLVED][:LISTED_MAX]
    several = telling.total > 1
    heading = _heading(telling)
    return Page(
        subject=heading if several else f"{heading} ({_about(telling.alerts[0], audience)})",
        heading=heading,
        single=not several,
        facts=tuple(common_facts(telling, audience)) if several else (),
        standing=_entries(standing, audience, now),
        over=_entries(over, audience, now),
        left_out=max(0, telling.total - len(standing) - len(over)),
        counts=_counts(telling, audience) if several else (),
    )


def _heading(telling: Telling) -> str:
    """`12 alerts stand, 3 are over`, or the one that it is about."""
    first, standing = telling.alerts[0], still_standing(telling)
    light = LIGHT[first.severity] if standing else "✅"
    if telling.together is Reason.DIGEST or (telling.total > 1 and telling.common.rule is None):
        return f"{light} {_how_many(standing, telling.total - standing)}"
    why = _WHY_AGAIN.get(telling.kind)
    if not standing:
        why = "Over" if telling.total > 1 else over_text(first.resolution)
    said = group_headline(telling) if telling.total > 1 else headline(first)
    return f"{light} {f'{why}: ' if why else ''}{said}"


def _how_many(standing: int, over: int) -> str:
    parts = [f"{standing} {'alert stands' if standing == 1 else 'alerts stand'}"] if standing else []
    if over:
        parts.append(f"{over} {'is' if over == 1 else 'are'} over" if parts else f"{over} over, none stands")
    return ", ".join(parts)


def _entries(alerts: Sequence[Alert], audience: Audience, now: Instant) -> tuple[Entry, ...]:
    return tuple(_entry(alert, audience, now) for alert in alerts)


def _entry(alert: Alert, audience: Audience, now: Instant) -> Entry:
    is_over = alert.status is AlertStatus.RESOLVED
    return Entry(
        light="✅" if is_over else LIGHT[alert.severity],
        title=headline(alert),
        severity=alert.severity,
        priority=alert.priority,
        company=audience.name_of(alert.tenant),
        about=names_of(alert),
        opened=moment(alert.opened_at, alert, audience),
        starts=starts_of(alert, audience, now),
        standing=standing_text(alert, audience),
        summary=fit(alert.summary, SUMMARY_CHARACTERS_MAX),
        compared=() if is_over else tuple(compared_fields(alert, audience)),
        pages=tuple(pages_of(alert)),
    )


def _about(alert: Alert, audience: Audience) -> str:
    return f"{audience.name_of(alert.tenant)}, {names_of(alert)}"


def _counts(telling: Telling, audience: Audience) -> tuple[Counts, ...]:
    """By rule and by company, where there is more than one to tell apart or nothing is listed."""
    least = 1 if telling.kind is NoticeKind.BASELINE else 2
    by_rule = telling.by_rule or Counter(str(alert.rule) for alert in telling.alerts)
    by_tenant = telling.by_tenant or Counter(alert.tenant for alert in telling.alerts)
    tables = (
        ("By rule", {title(rule): number for rule, number in by_rule.items()}),
        ("By company", {audience.name_of(tenant): number for tenant, number in by_tenant.items()}),
    )
    return tuple(_table(heading, numbers) for heading, numbers in tables if len(numbers) >= least)


def _table(heading: str, numbers: dict[str, int]) -> Counts:
    ordered = sorted(numbers.items(), key=lambda one: (-one[1], one[0]))
    rest = sum(number for _, number in ordered[COUNTS_MAX:])
    return Counts(heading=heading, lines=tuple(ordered[:COUNTS_MAX]), others=rest)
