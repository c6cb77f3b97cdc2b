"""Examples for the OpenAPI document: a day's figures and its report, made as the real ones are."""

from typing import Any

import msgspec

from connectors.reports.text import text_of
from streams.model.ids import Instant, parse_iso
from streams.reports.causes import Trouble
from streams.reports.figures import Counted, Response, RuleFigures, Seconds, Standing, TenantLine, figures_of
from streams.reports.objective import Inconsistent, Measured
from streams.reports.report import CoverageLine, Day, Hour, Material, Week, report_of


def _at(text: str) -> Instant:
    at = parse_iso(text)
    assert at is not None
    return at


def _name_of(tenant: str) -> str:
    return f"company {tenant}"


_SINCE, _UNTIL = _at("2026-11-20T00:00:00Z"), _at("2026-11-21T00:00:00Z")
_SECONDS = Seconds(count=12, mean=2.3, p50=2.1, p95=4.4, max=6.0)

_FIGURES = figures_of(
    Counted(
        tenant="1",
        since="2026-11-20T00:00:00.000Z",
        until="2026-11-21T00:00:00.000Z",
        measured=(Measured(tenant="1", spans=((_SINCE, _UNTIL),), compared_ms=892 * (_UNTIL - _SINCE)),),
        inconsistent=Inconsistent(lasted_ms=95 * 60_000, bookings=11),
        rules=(
            RuleFigures(rule="orphaned_calcom", severity="critical", opened=8, resolved=7, open=1),
            RuleFigures(rule="missing_direction", severity="warning", opened=4, resolved=4),
        ),
        resolutions={"recovered": 9, "manual": 1, "late": 1},
        detection=_SECONDS,
        response=Response(
            alerts=3, responded=3, in_time=2, seconds=Seconds(count=3, mean=180, p50=90, p95=400, max=400)
        ),
        resolving=Seconds(count=11, mean=310, p50=60, p95=1200, max=1260),
        standing=Standing(at="2026-11-20T23:59:50.000Z", in_sync=891, differing=1, unknown=0),
        calls=1247,
        appointments=892,
        review_waiting=2,
        unmatched=0,
        orphans_last_day=8,
        failed_verifications_peak=0,
        tenants=(TenantLine(tenant="1", opened=12, resolved=11, open=1, in_sync=891, differing=1, unknown=0),),
    )
)
_REPORT = report_of(
    Material(
        date="2026-11-20",
        timezone="UTC",
        day=(_SINCE, _UNTIL),
        now=_at("2026-11-21T06:00:00Z"),
        installed_at=_at("2026-10-01T00:00:00Z"),
        figures=_FIGURES,
        coverage=(
            CoverageLine(
                tenant="1", side="calcom", compared_through="2026-11-21T05:59:50.000Z", complete=True, gaps=()
            ),
        ),
        troubles=(
            Trouble(
                tenant="1",
                rule="orphaned_calcom",
                severity="critical",
                account="harbor",
                event_type="4773493",
                began=_at("2026-11-20T10:02:00Z"),
                alerts=8,
                open=1,
                example="booking 4fQ7Vd1sK8mZpR2xT9wYbA",
            ),
        ),
        outages=(),
        days=tuple(Day(date=f"2026-11-{day:02}", opened=12, critical=8, resolved=11) for day in range(7, 21)),
        hours=tuple(Hour(hour=f"{hour:02}:00") for hour in range(24)),
        begin_of_days=_at("2026-11-07T00:00:00Z"),
        week=Week(recovery_rate=0.92, detection_mean_seconds=2.3),
        week_before=Week(recovery_rate=0.9, detection_mean_seconds=2.4),
        untaken_critical=1,
        standing_over_a_day=0,
    ),
    lambda rule: f"docs/runbooks/{rule}.md",
    _name_of,
)

FIGURES: dict[str, Any] = msgspec.to_builtins(_FIGURES)
REPORT: dict[str, Any] = msgspec.to_builtins(_REPORT)
#: The forms for people; of the page only how it begins.
FORMS = {
    "text/plain": text_of(_REPORT, _name_of),
    "text/html": '<!DOCTYPE html>\n<html lang="en">\n<head>\n<title>Data consistency report, Fri 20 Nov 2026</title>',
}
