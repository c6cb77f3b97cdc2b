"""The daily report as one HTML document: for a browser and for mail, light and dark, with nothing from elsewhere.

Texts are escaped by the template engine. Charts are SVG; a mail program that drops them still shows the table below.
"""

from collections.abc import Callable

from jinja2 import Environment, PackageLoader, StrictUndefined

from connectors.reports.charts import Amount, Chart, chart_of
from connectors.reports.wording import (
    cause_text,
    change_text,
    coverage_text,
    day_text,
    facts,
    headline,
    made_text,
    number,
)
from streams.reports.report import DailyReport

#: Every so many hours of the day are named under the chart.
HOURS_NAMED = 6

_templates = Environment(
    loader=PackageLoader("connectors.reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def html_of(report: DailyReport, name_of: Callable[[str], str]) -> str:
    """The whole document. `name_of` a tenant is how people call it."""
    coverage = [
        (name_of(line.tenant), line.complete, said) for line in report.coverage if (said := coverage_text(line, report))
    ]
    tenants = {line.tenant for line in report.coverage}
    return _templates.get_template("daily_report.html").render(
        report=report,
        day=day_text(report.date),
        made=made_text(report),
        who=name_of(report.tenant),
        compared=len(tenants - {line.tenant for line in report.coverage if not line.complete}),
        tenants=len(tenants),
        coverage=coverage,
        headline=headline(report),
        facts=facts(report.summary),
        issues=[(issue, name_of(issue.tenant), cause_text(issue, report)) for issue in report.issues.items],
        days=[(day_text(day.date)[:-5], day) for day in report.trend.days],
        changes=[change_text(change, report.trend) for change in report.trend.changes],
        by_day=_by_day(report),
        by_hour=_by_hour(report),
        number=number,
        is_page=lambda address: address.startswith(("https://", "http://")),
    )


def _by_day(report: DailyReport) -> Chart:
    days = report.trend.days
    amounts = [
        Amount(day_text(day.date)[:6].rstrip(), day.opened, day.critical, f"{day.date}: {day.opened} alerts")
        for day in days
    ]
    return chart_of(amounts, says="Alerts opened on each of the last seven days", figures="all")


def _by_hour(report: DailyReport) -> Chart:
    amounts = [
        Amount(
            hour.hour if place % HOURS_NAMED == 0 else "",
            hour.opened,
            hour.critical,
            f"{hour.hour}: {hour.opened} alerts",
        )
        for place, hour in enumerate(report.trend.hours)
    ]
    return chart_of(amounts, says="Alerts opened in each hour of the day", figures="highest")
