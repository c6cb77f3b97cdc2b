"""The daily report of one day, from the store: in one tenant's time zone, or in UTC for all."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import msgspec

from connectors.notify.audience import audience_of
from connectors.reports.collect import figures_in, snapshot
from connectors.reports.coverage_lines import coverage_lines
from connectors.store.booking_minutes import measure
from connectors.store.database import Connection, Database
from connectors.store.period import Scope
from connectors.store.report_material import (
    installed_at,
    opened_between,
    outages,
    resolved_between,
    still_open,
    troubles,
)
from connectors.store.statistics import detection_seconds, resolutions
from streams.configured import alert_pages
from streams.model.ids import Instant
from streams.model.source_records import EVERY_TENANT
from streams.reports.figures import recovery_rate
from streams.reports.intervals import Span
from streams.reports.objective import MINUTE_MS, WrongTime
from streams.reports.report import TREND_DAYS, WEEK_DAYS, DailyReport, Day, Hour, Material, Week, report_of
from streams.settings import Settings

_HOUR = timedelta(hours=1)


#: Nobody's bookings are older.
FIRST_DAY = date(2000, 1, 1)


class DayOutOfReach(Exception):
    """There is no report of this day: it has not begun in the report's time zone, or lies before all bookings."""


class ReportOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Which report, of whom. `tenant` is one's id, in whose time zone the day is, or "*" in UTC.

    `tenants` are those that may be seen of it; None is all.
    """

    day: date
    tenants: tuple[str, ...] | None = None
    tenant: str = EVERY_TENANT


class Reporter:
    """Makes reports. `clock` is this machine's."""

    def __init__(self, settings: Settings, database: Database, clock: Callable[[], Instant]) -> None:
        self._settings = settings
        self._database = database
        self._runbook = alert_pages(settings).runbook
        self._name_of = audience_of(settings).name_of
        self._clock = clock

    async def report(self, order: ReportOrder) -> DailyReport:
        """The report as of now; of a day that is not over, of its hours until now.

        Raises DayOutOfReach, StoreUnavailable.
        """
        now = self._clock()
        today = datetime.fromtimestamp(now / 1000, UTC).date()
        zone_name = "UTC" if order.tenant == EVERY_TENANT else self._settings.timezone_of(order.tenant)
        zone = ZoneInfo(zone_name)
        # Zones reach a day beyond today; far days cannot be computed with.
        if not FIRST_DAY <= order.day <= today + timedelta(days=1) or _day(order.day, zone)[0] >= now:
            raise DayOutOfReach(f"allowed is a day from {FIRST_DAY} to today in {zone_name}")
        begin, end = _day(order.day, zone)
        scope = Scope(since=begin, until=min(end, now), tenants=order.tenants, label=order.tenant)
        async with snapshot(self._database) as connection:
            material = await self._material(connection, order.day, scope, zone_name, now)
        return report_of(material, self._runbook, self._name_of)

    async def _material(
        self, connection: Connection, day: date, scope: Scope, zone_name: str, now: Instant
    ) -> Material:
        zone = ZoneInfo(zone_name)
        days = await _days(connection, scope, day, zone)
        standing = await still_open(connection, scope, now)
        weeks = [_weeks_scope(scope, day, zone, back) for back in (0, WEEK_DAYS)]
        return Material(
            date=day.isoformat(),
            timezone=zone_name,
            day=_day(day, zone),
            now=now,
            installed_at=await installed_at(connection),
            figures=await figures_in(connection, scope),
            coverage=await coverage_lines(connection, self._settings, scope),
            troubles=await troubles(connection, scope),
            outages=await outages(connection, scope),
            days=days,
            hours=await _hours(connection, scope, _day(day, zone), zone),
            begin_of_days=_day(day - timedelta(days=TREND_DAYS - 1), zone)[0],
            week=await _week(connection, weeks[0]),
            week_before=await _week(connection, weeks[1]),
            untaken_critical=standing.untaken_critical,
            standing_over_a_day=standing.over_a_day,
        )


def _day(day: date, zone: tzinfo) -> Span:
    return _instant(datetime.combine(day, time.min, zone)), _instant(
        datetime.combine(day + timedelta(1), time.min, zone)
    )


def _weeks_scope(scope: Scope, day: date, zone: tzinfo, back: int) -> Scope:
    last = day - timedelta(days=back)
    until = min(_day(last, zone)[1], scope.until)
    return Scope(since=_day(last - timedelta(days=WEEK_DAYS - 1), zone)[0], until=until, tenants=scope.tenants)


async def _week(connection: Connection, scope: Scope) -> Week:
    return Week(
        recovery_rate=recovery_rate(await resolutions(connection, scope)),
        detection_mean_seconds=(await detection_seconds(connection, scope)).mean,
    )


async def _days(connection: Connection, scope: Scope, day: date, zone: tzinfo) -> tuple[Day, ...]:
    dates = [day - timedelta(days=back) for back in reversed(range(TREND_DAYS))]
    windows = [_day(one, zone) for one in dates]
    borders = [window[0] for window in windows] + [windows[-1][1]]
    whole = msgspec.structs.replace(scope, since=borders[0])
    wrong = WrongTime(lambda _: windows)
    await measure(connection, whole, wrong)
    lasted = [sum(millis) for millis in zip(*filter(None, wrong.by_tenant()), strict=True)] or [0] * TREND_DAYS
    opened = await opened_between(connection, scope, borders)
    resolved = await resolved_between(connection, scope, borders)
    return tuple(
        Day(
            date=one.isoformat(),
            opened=opened[number].opened,
            critical=opened[number].critical,
            resolved=resolved[number],
            inconsistent_minutes=round(lasted[number] / MINUTE_MS, 1),
        )
        for number, one in enumerate(dates)
    )


async def _hours(connection: Connection, scope: Scope, day: Span, zone: tzinfo) -> tuple[Hour, ...]:
    begin, end = (datetime.fromtimestamp(at / 1000, UTC) for at in day)
    hours = [begin + _HOUR * number for number in range(-(-(end - begin) // _HOUR))]
    opened = await opened_between(connection, scope, [_instant(hour) for hour in [*hours, end]])
    return tuple(
        Hour(hour=f"{hour.astimezone(zone):%H:%M}", opened=one.opened, critical=one.critical)
        for hour, one in zip(hours, opened, strict=True)
    )


def _instant(at: datetime) -> Instant:
    return Instant(round(at.timestamp() * 1000))
