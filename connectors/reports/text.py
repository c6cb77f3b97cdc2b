"""The daily report as text: 80 columns, for terminals and for mail programs that show no HTML."""

import textwrap
from collections.abc import Callable, Iterator

from connectors.reports.wording import (
    Fact,
    cause_text,
    change_text,
    coverage_text,
    day_text,
    facts,
    headline,
    made_text,
    number,
)
from streams.reports.causes import Issue
from streams.reports.report import DailyReport

COLUMNS = 80
NAME_COLUMNS = 22
BAR_COLUMNS = 30

NameOf = Callable[[str], str]


def text_of(report: DailyReport, name_of: NameOf) -> str:
    """The whole report, with a line's end at its end. `name_of` a tenant is how people call it."""
    sections = (
        _header(report, name_of),
        _section("Summary", _summary(report)),
        _section("Inconsistency breakdown", _breakdown(report)),
        _section("Top issues", _issues(report, name_of)),
        _section("Trend analysis", _trend(report)),
        _section("Action items", _actions(report)),
    )
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _section(name: str, lines: Iterator[str]) -> list[str]:
    return [name.upper(), "-" * len(name), *lines]


def _header(report: DailyReport, name_of: NameOf) -> list[str]:
    left, right = "DATA CONSISTENCY REPORT", day_text(report.date)
    return [
        f"{left}{right:>{COLUMNS - len(left)}}",
        f"{_shown(name_of(report.tenant))} · a day in {report.timezone} · made {made_text(report)}",
        "=" * COLUMNS,
        *_coverage(report, name_of),
        *_wrapped(headline(report), first=""),
    ]


def _coverage(report: DailyReport, name_of: NameOf) -> Iterator[str]:
    tenants = {line.tenant for line in report.coverage}
    missing = {line.tenant for line in report.coverage if not line.complete}
    if not tenants:
        yield "Coverage: nothing was compared yet."
        return
    whole = len(tenants - missing)
    companies = "company" if len(tenants) == 1 else "companies"
    yield f"Coverage: {whole} of {len(tenants)} {companies} compared through its end, on both sides."
    for line in report.coverage:
        if said := coverage_text(line, report):
            mark = "i" if line.complete else "!"
            yield from _wrapped(f"{_shown(name_of(line.tenant))}: {said}", first=f" {mark} ")


def _summary(report: DailyReport) -> Iterator[str]:
    for fact in facts(report.summary):
        yield from _fact(fact)


def _fact(fact: Fact) -> Iterator[str]:
    mark = "! " if fact.bad else "  "
    yield from _wrapped(fact.value, first=f"{mark}{fact.name:<{NAME_COLUMNS}}")


def _breakdown(report: DailyReport) -> Iterator[str]:
    if not report.breakdown:
        yield "  No alerts."
        return
    yield f"  {'opened':>7} {'resolved':>8} {'open':>6}  severity"
    for row in report.breakdown:
        counts = f"{number(row.opened):>7} {number(row.resolved):>8} {number(row.open):>6}"
        yield from _wrapped(row.title, first=f"  {counts}  {row.severity:<8}  ")


def _issues(report: DailyReport, name_of: NameOf) -> Iterator[str]:
    if not report.issues.items:
        yield "  None."
    for place, issue in enumerate(report.issues.items, start=1):
        yield from _issue(place, issue, report, name_of)
    if report.issues.further:
        alerts = number(report.issues.further_alerts)
        yield f"  … and {number(report.issues.further)} smaller ones with {alerts} alerts."


def _issue(place: int, issue: Issue, report: DailyReport, name_of: NameOf) -> Iterator[str]:
    state = f"{number(issue.open)} still open" if issue.open else "all over"
    counted = f"{number(issue.alerts)} alert{'' if issue.alerts == 1 else 's'}, {state}"
    yield from _wrapped(f"{issue.title}: {counted} [{issue.severity}]", first=f"{place:>2}. ")
    yield from _wrapped(f"{_shown(name_of(issue.tenant))}. {cause_text(issue, report)}.", first="    ")
    if issue.examples:
        yield from _wrapped(f"For example {', '.join(map(_shown, issue.examples))}.", first="    ")
    yield f"    -> {_shown(issue.runbook)}"


def _trend(report: DailyReport) -> Iterator[str]:
    most = max((day.opened for day in report.trend.days), default=0)
    yield f"  {'':<12} {'opened':>7}  {'':<{BAR_COLUMNS}} {'wrong booking-min':>18}"
    for day in report.trend.days:
        bar = "#" * (-(-day.opened * BAR_COLUMNS // most) if most else 0)
        name = day_text(day.date)[:-5]
        yield f"  {name:<12} {number(day.opened):>7}  {bar:<{BAR_COLUMNS}} {number(day.inconsistent_minutes, 1):>18}"
    yield "  These seven days:"
    for change in report.trend.changes:
        name, value, against = change_text(change, report.trend)
        yield from _wrapped(f"{value}, {against}", first=f"  {name + ' ':<30}")


def _actions(report: DailyReport) -> Iterator[str]:
    if not report.actions:
        yield "  Nothing to do."
    for action in report.actions:
        yield from _wrapped(action.text, first="[ ] ")
        if action.runbook:
            yield f"    -> {_shown(action.runbook)}"


def _wrapped(text: str, *, first: str) -> list[str]:
    """Lines of at most COLUMNS, those after the first indented below the text; what comes from outside in one line."""
    return textwrap.wrap(_shown(text), COLUMNS, initial_indent=first, subsequent_indent=" " * len(first)) or [first]


def _shown(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
