"""What `plumbline report` does: make the report of a day from the store, and write it where it was asked for."""

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from connectors.notify.audience import audience_of
from connectors.reports.html import html_of
from connectors.reports.material import DayOutOfReach, Reporter, ReportOrder
from connectors.reports.text import text_of
from connectors.store.alerts import wall_clock
from connectors.store.database import Database, StoreUnavailable
from streams.model.source_records import EVERY_TENANT
from streams.reports.report import DailyReport
from streams.settings import Settings

EXIT_NOT_MADE = 2


async def run_report(settings: Settings, day: date | None, tenant: str | None, form: str, output: Path | None) -> int:
    """The exit code: 0 made, 2 not, with one line why on standard error."""
    assert settings.store.dsn is not None, "the command line demands store.dsn"
    order = ReportOrder(
        day=day or datetime.now(UTC).date() - timedelta(days=1),
        tenants=None if tenant is None else (tenant,),
        tenant=tenant or EVERY_TENANT,
    )
    listed = {one.id for one in settings.tenants}
    if tenant is not None and listed and tenant not in listed:
        return _failed(f"--tenant {tenant}: allowed are the ids in [[tenants]]: {', '.join(sorted(listed))}")
    database = Database(settings.store.dsn.get_secret_value(), name="plumbline-report")
    try:
        report = await Reporter(settings, database, wall_clock).report(order)
        _write(_formed(report, settings, form), output)
    except DayOutOfReach as error:
        return _failed(f"--date {order.day}: {error}")
    except StoreUnavailable as away:
        return _failed(f"the store cannot be reached: {away}")
    except OSError as error:
        return _failed(f"--output {output}: {error.strerror}")
    finally:
        await database.close()
    return 0


def _formed(report: DailyReport, settings: Settings, form: str) -> str:
    name_of = audience_of(settings).name_of
    match form:
        case "json":
            return msgspec.json.format(msgspec.json.encode(report)).decode() + "\n"
        case "html":
            return html_of(report, name_of)
        case _:
            return text_of(report, name_of)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")


def _failed(why: str) -> int:
    sys.stderr.write(f"plumbline: {why}\n")
    return EXIT_NOT_MADE
