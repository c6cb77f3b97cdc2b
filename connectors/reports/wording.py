"""How figures of a report read, the same in text and HTML."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from streams.model.ids import parse_iso
from streams.reports.causes import Issue, LikelyCause
from streams.reports.figures import Figures, Seconds, Threshold
from streams.reports.report import Change, CoverageLine, DailyReport, Trend

SIDES = {"database": "your database", "calcom": "Cal.com"}
NOT_KNOWN = "not known"

_THRESHOLDS = {
    "orphans_per_day": "orphans in a day",
    "failed_verifications_per_hour": "checks that failed in one hour",
    "review_waiting": "waiting for review",
    "in_sync": "in sync",
}
_CHANGES = {
    "opened": "Alerts opened",
    "resolved": "Alerts resolved",
    "inconsistent_minutes": "Inconsistent booking-minutes",
    "recovery_rate": "Recovered by itself",
    "detection_mean_seconds": "Detection, mean",
}


class Fact(msgspec.Struct, frozen=True):
    """One line of the summary. `bad`: it asks for somebody."""

    name: str
    value: str
    bad: bool = False


def day_text(iso_date: str) -> str:
    """`Fri 20 Nov 2026`."""
    day = datetime.fromisoformat(iso_date)
    return f"{day:%a} {day.day} {day:%b %Y}"


def clock_text(iso_time: str, report: DailyReport) -> str:
    """`10:02` on the report's day, `19 Nov 23:58` on another."""
    at = _local(iso_time, report)
    return f"{at:%H:%M}" if at.date().isoformat() == report.date else f"{at.day} {at:%b %H:%M}"


def made_text(report: DailyReport) -> str:
    """When the report was made, with the zone."""
    at = _local(report.made_at, report)
    return f"{at.day} {at:%b %H:%M %Z}"


def number(value: float | None, digits: int = 0) -> str:
    """`1,247`."""
    return NOT_KNOWN if value is None else f"{value:,.{digits}f}"


def percent(rate: float | None) -> str:
    """`91.7 %`; what is almost all is not rounded to all."""
    if rate is None:
        return NOT_KNOWN
    digits = 2 if 0.99 < rate < 1 else 1
    return f"{min(rate * 100, 99.99) if rate < 1 else rate * 100:,.{digits}f} %"


def took(seconds: float | None) -> str:
    """`2.3 s`, `4.5 min`, `3.2 h`."""
    if seconds is None:
        return NOT_KNOWN
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def facts(figures: Figures) -> list[Fact]:
    """The summary, most important first."""
    critical = sum(one.opened for one in figures.rules if one.severity == "critical")
    baseline = sum(one.baseline for one in figures.rules)
    older = f", {number(baseline)} older than the installation" if baseline else ""
    return [
        Fact("Calls", number(figures.calls)),
        Fact("Appointments", number(figures.appointments)),
        Fact("Alerts opened", f"{number(figures.opened)}, of them {number(critical)} critical{older}", critical > 0),
        Fact("Resolved", number(figures.resolved)),
        Fact("Open at the end", number(figures.open), figures.open > 0),
        _in_sync(figures),
        _objective(figures),
        Fact("Recovered by itself", f"{percent(figures.recovery_rate)} of what ended"),
        Fact("Called false", f"{percent(figures.false_positive_rate)} of what ended"),
        Fact("Detection", _spread(figures.detection_seconds)),
        _response(figures),
        Fact("Until resolved", _spread(figures.resolve_seconds)),
        Fact("Waiting for review", number(figures.review_waiting)),
        _limits(figures.thresholds),
    ]


def cause_text(issue: Issue, report: DailyReport) -> str:
    """What its alerts have in common, as a sentence without its stop."""
    first, last = clock_text(issue.began_at, report), clock_text(issue.last_began_at, report)
    began = f"Began {first}" if first == last else f"Began {first} to {last}"
    if issue.during is not None:
        began += f", while {issue.during} could not be trusted"
    if issue.alerts == 1:
        return began
    if issue.event_type is not None:
        return f"{began}; all are of event type {issue.event_type}"
    common = {LikelyCause.BURST: "; all came within minutes", LikelyCause.SCATTERED: "; no common cause is seen"}
    if issue.cause is LikelyCause.ACCOUNT:
        return f"{began}; all are of account {issue.account}"
    return began + common.get(issue.cause, "")


def change_text(change: Change, trend: Trend) -> tuple[str, str, str]:
    """Name, value, and how it is against the week before."""
    show = {"recovery_rate": percent, "detection_mean_seconds": took}.get(change.name, number)
    name, now = _CHANGES[change.name], show(change.now)
    if not trend.week_before:
        return name, now, "no week before to compare with"
    return name, now, f"{_difference(change)}the week before {show(change.before)}"


def _difference(change: Change) -> str:
    """How much more or less; of a rate in points, for a percentage of a percentage is misread."""
    if change.change is None or change.now is None or change.before is None:
        return ""
    if not change.change:
        return "as much; "
    word = "more" if change.change > 0 else "less"
    if change.name == "recovery_rate":
        return f"{abs(change.now - change.before) * 100:.1f} points {word}; "
    return f"{abs(change.change) * 100:,.0f} % {word}; "


def headline(report: DailyReport) -> str:
    """What whoever reads one line alone should know."""
    if not report.actions:
        return "Nothing to do."
    first, rest = report.actions[0].text, len(report.actions) - 1
    return f"To do: {first}" + (f", and {rest} more below." if rest else ".")


def coverage_text(line: CoverageLine, report: DailyReport) -> str:
    """What was not compared of one side, or was lost for a while."""
    side = SIDES[line.side]
    said = []
    if line.compared_through is None:
        said.append(f"{side} was not heard of yet")
    elif not line.complete:
        said.append(f"{side} compared through {clock_text(line.compared_through, report)} only")
    for gap in line.gaps:
        end = "the back-fill runs" if gap.ended_at is None else f"filled again {clock_text(gap.ended_at, report)}"
        said.append(f"events of {gap.source} were lost {clock_text(gap.began_at, report)}, {end}")
    return "; ".join(said)


def _in_sync(figures: Figures) -> Fact:
    stood = figures.standing
    if stood is None:
        return Fact("In sync", NOT_KNOWN)
    compared = stood.in_sync + stood.differing
    share = f"{percent(stood.rate)}: {number(stood.in_sync)} of {number(compared)} bookings"
    unknown = f", {number(stood.unknown)} being checked" if stood.unknown else ""
    return Fact("In sync", share + unknown, stood.differing > 0)


def _objective(figures: Figures) -> Fact:
    objective = figures.objective
    if objective.burn is None:
        return Fact("Objective", f"{percent(objective.target)} of booking-minutes; nothing was measured")
    share = f"{percent(objective.consistency_rate)} of booking-minutes (goal {percent(objective.target)})"
    return Fact("Objective", f"{share}, {objective.burn * 100:,.0f} % of the budget used", objective.burn > 1)


def _response(figures: Figures) -> Fact:
    response = figures.response
    if not response.alerts:
        return Fact("First answer", "no alert stood long enough to need one")
    minutes = response.limit_seconds // 60
    share = f"{number(response.in_time)} of {number(response.alerts)} within {minutes} min"
    mean = f", mean {took(response.seconds.mean)}" if response.responded else ""
    return Fact("First answer", share + mean, response.in_time < response.alerts)


def _spread(seconds: Seconds) -> str:
    if not seconds.count:
        return "nothing to measure"
    return f"mean {took(seconds.mean)}, p95 {took(seconds.p95)}, longest {took(seconds.max)}"


def _limits(thresholds: tuple[Threshold, ...]) -> Fact:
    beyond = [
        f"{percent(one.value) if one.limit < 1 else number(one.value)} {_THRESHOLDS[one.name]} "
        f"(limit {percent(one.limit) if one.limit < 1 else number(one.limit)})"
        for one in thresholds
        if one.breached
    ]
    return Fact("Beyond limits", "; ".join(beyond) or "nothing", bool(beyond))


def _local(iso_time: str, report: DailyReport) -> datetime:
    at = parse_iso(iso_time)
    assert at is not None, "a report's times are never empty"
    return datetime.fromtimestamp(at / 1000, ZoneInfo(report.timezone))
