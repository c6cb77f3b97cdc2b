"""The daily report: figures in, the five sections out (S4 §2), each in a form that a renderer only has to print."""

from collections.abc import Callable, Sequence

import msgspec

from streams.alerts.texts import title
from streams.model.ids import Instant, iso
from streams.reports.actions import Action, actions_of
from streams.reports.causes import ISSUES_MAX, Group, Issue, Outage, Trouble, grouped
from streams.reports.figures import SCHEMA, Figures, share
from streams.reports.intervals import Span

#: Days of the trend: the report's own is the last.
TREND_DAYS = 14
WEEK_DAYS = 7


class ReportGap(msgspec.Struct, frozen=True, kw_only=True):
    """Events of a source were lost that day; `ended_at` null: the back-fill runs."""

    source: str
    began_at: str
    ended_at: str | None


class CoverageLine(msgspec.Struct, frozen=True, kw_only=True):
    """One side of one tenant. `complete`: compared through the end of the day, and nothing was lost in it."""

    tenant: str
    side: str
    compared_through: str | None
    complete: bool
    gaps: tuple[ReportGap, ...]


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. `share`: of all that were opened, 0 to 1."""

    rule: str
    title: str
    severity: str
    opened: int
    baseline: int
    resolved: int
    open: int
    share: float | None


class Issues(msgspec.Struct, frozen=True, kw_only=True):
    """The first ones; `further_alerts` are those of the `further` issues that are left out."""

    items: tuple[Issue, ...]
    further: int
    further_alerts: int


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day of the trend."""

    date: str
    opened: int = 0
    critical: int = 0
    resolved: int = 0
    inconsistent_minutes: float = 0.0


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that were opened in one hour of the day; `hour` is its beginning on the clock, HH:MM."""

    hour: str
    opened: int = 0
    critical: int = 0


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """These seven days against the seven before. `change`: +0.25 is a quarter more; null without a week before."""

    name: str
    now: float | None
    before: float | None
    change: float | None


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """`week_before` says whether Plumbline was there for all of the week before."""

    days: tuple[Day, ...]
    hours: tuple[Hour, ...]
    changes: tuple[Change, ...]
    week_before: bool


class DailyReport(msgspec.Struct, frozen=True, kw_only=True):
    """The document. `tenant` "*" is all; `since` and `until` are the day's borders in `timezone`."""

    schema: int
    date: str
    timezone: str
    tenant: str
    since: str
    until: str
    made_at: str
    coverage: tuple[CoverageLine, ...]
    summary: Figures
    breakdown: tuple[Breakdown, ...]
    issues: Issues
    trend: Trend
    actions: tuple[Action, ...]


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """Seven days, for the comparison. Rates and seconds are null where nothing was there to be counted."""

    recovery_rate: float | None
    detection_mean_seconds: float | None


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is made of. `days` end with the report's own; `installed_at` in milliseconds."""

    date: str
    timezone: str
    day: Span
    now: Instant
    installed_at: Instant
    figures: Figures
    coverage: tuple[CoverageLine, ...]
    troubles: tuple[Trouble, ...]
    outages: tuple[Outage, ...]
    days: tuple[Day, ...]
    hours: tuple[Hour, ...]
    begin_of_days: Instant
    week: Week
    week_before: Week
    untaken_critical: int
    standing_over_a_day: int


def report_of(material: Material, runbook: Callable[[str], str], name_of: Callable[[str], str]) -> DailyReport:
    """Put together. `runbook` names a rule's page, `name_of` a tenant."""
    groups = grouped(material.troubles, material.outages)
    issues = _issues(groups, runbook)
    since, until = material.day
    return DailyReport(
        schema=SCHEMA,
        date=material.date,
        timezone=material.timezone,
        tenant=material.figures.tenant,
        since=str(iso(since)),
        until=str(iso(until)),
        made_at=str(iso(material.now)),
        coverage=material.coverage,
        summary=material.figures,
        breakdown=_breakdown(material.figures),
        issues=issues,
        trend=_trend(material),
        actions=actions_of(
            material.figures,
            issues.items,
            untaken_critical=material.untaken_critical,
            standing_over_a_day=material.standing_over_a_day,
            incomplete=sorted({line.tenant for line in material.coverage if not line.complete}),
            runbook=runbook,
            name_of=name_of,
        ),
    )


def _breakdown(figures: Figures) -> tuple[Breakdown, ...]:
    rows = [
        Breakdown(
            rule=one.rule,
            title=title(one.rule),
            severity=one.severity,
            opened=one.opened,
            baseline=one.baseline,
            resolved=one.resolved,
            open=one.open,
            share=share(one.opened, figures.opened),
        )
        for one in figures.rules
    ]
    return tuple(sorted(rows, key=lambda row: (-row.opened, -row.open, row.rule, row.severity)))


def _issues(groups: Sequence[Group], runbook: Callable[[str], str]) -> Issues:
    first, rest = groups[:ISSUES_MAX], groups[ISSUES_MAX:]
    return Issues(
        items=tuple(_issue(group, runbook) for group in first),
        further=len(rest),
        further_alerts=sum(group.alerts for group in rest),
    )


def _issue(group: Group, runbook: Callable[[str], str]) -> Issue:
    return Issue(
        rule=group.rule,
        title=title(group.rule),
        severity=group.severity,
        tenant=group.tenant,
        account=group.account,
        event_type=group.event_type,
        alerts=group.alerts,
        open=group.open,
        began_at=str(iso(group.first)),
        last_began_at=str(iso(group.last)),
        cause=group.cause,
        during=group.during,
        examples=tuple(group.examples),
        runbook=runbook(group.rule),
    )


def _trend(material: Material) -> Trend:
    days = material.days
    this, before = days[-WEEK_DAYS:], days[:-WEEK_DAYS]
    known = material.installed_at <= material.begin_of_days
    week, week_before = material.week, material.week_before
    pairs: tuple[tuple[str, float | None, float | None], ...] = (
        ("opened", sum(day.opened for day in this), sum(day.opened for day in before)),
        ("resolved", sum(day.resolved for day in this), sum(day.resolved for day in before)),
        ("inconsistent_minutes", _minutes(this), _minutes(before)),
        ("recovery_rate", week.recovery_rate, week_before.recovery_rate),
        ("detection_mean_seconds", week.detection_mean_seconds, week_before.detection_mean_seconds),
    )
    return Trend(
        days=this,
        hours=material.hours,
        changes=tuple(_change(name, now, then if known else None) for name, now, then in pairs),
        week_before=known,
    )


def _change(name: str, now: float | None, before: float | None) -> Change:
    change = round(now / before - 1, 4) if before and now is not None else None
    return Change(name=name, now=now, before=before, change=change)


def _minutes(days: Sequence[Day]) -> float:
    return round(sum(day.inconsistent_minutes for day in days), 1)
