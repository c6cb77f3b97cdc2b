"""The words in which report tests speak: a day of one company, by hours after midnight."""

from typing import Any

import msgspec

from streams.model.ids import Instant, parse_iso
from streams.reports.causes import Outage, Trouble
from streams.reports.figures import Counted, figures_of
from streams.reports.report import CoverageLine, DailyReport, Day, Hour, Material, Week, report_of

MIDNIGHT = parse_iso("2026-11-20T00:00:00Z") or 0
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def at(hours: float) -> Instant:
    """An instant of the day."""
    return Instant(round(MIDNIGHT + hours * HOUR_MS))


def runbook(rule: str) -> str:
    return f"docs/runbooks/{rule}.md"


def name_of(tenant: str) -> str:
    return {"3": "Harbor Clinic", "*": "all companies"}.get(tenant, f"company {tenant}")


def counted(**fields: Any) -> Counted:
    """A day on which nothing happened, but for what is said."""
    empty = Counted(tenant="*", since="2026-11-20T00:00:00.000Z", until="2026-11-21T00:00:00.000Z")
    return msgspec.structs.replace(empty, **fields)


def trouble(hours: float, alerts: int = 1, **fields: Any) -> Trouble:
    """Orphans of company 3 that began then."""
    told = {
        "tenant": "3",
        "rule": "orphaned_calcom",
        "severity": "critical",
        "account": "harbor",
        "event_type": "15",
        "example": f"booking at {hours:g}",
    }
    return Trouble(began=at(hours), alerts=alerts, **{**told, **fields})


def outage(begin: float, end: float | None, source: str = "webhooks:harbor", tenant: str = "3") -> Outage:
    return Outage(source=source, tenant=tenant, begin=at(begin), end=None if end is None else at(end))


def covered(tenant: str = "3", *, complete: bool = True, **fields: Any) -> CoverageLine:
    """Cal.com's side of a company."""
    line = CoverageLine(
        tenant=tenant, side="calcom", compared_through="2026-11-21T06:00:00.000Z", complete=complete, gaps=()
    )
    return msgspec.structs.replace(line, **fields)


def report(figures: Counted | None = None, **fields: Any) -> DailyReport:
    """The report of a day, made at six the next morning."""
    material = Material(
        date="2026-11-20",
        timezone="UTC",
        day=(at(0), at(24)),
        now=at(30),
        installed_at=at(-24 * 60),
        figures=figures_of(figures or counted()),
        coverage=(covered(),),
        troubles=(),
        outages=(),
        days=tuple(Day(date=f"2026-11-{day:02}") for day in range(7, 21)),
        hours=tuple(Hour(hour=f"{hour:02}:00") for hour in range(24)),
        begin_of_days=at(-24 * 13),
        week=Week(recovery_rate=None, detection_mean_seconds=None),
        week_before=Week(recovery_rate=None, detection_mean_seconds=None),
        untaken_critical=0,
        standing_over_a_day=0,
    )
    return report_of(msgspec.structs.replace(material, **fields), runbook, name_of)
