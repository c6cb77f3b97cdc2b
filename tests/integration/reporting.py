"""The words of the report tests: two weeks of two companies' alerts in a store, told through the real one."""

from datetime import date
from typing import Any

from connectors.store.alerts import AlertStore
from connectors.store.database import Database
from streams.alerts.actions import Acknowledge, Resolve
from streams.model.ids import Instant, iso, parse_iso
from streams.model.records import Finding
from streams.model.rule import Resolution, Rule
from tests.alert_words import NOON, finding

#: The day that is reported: its midnight in UTC. Berlin is an hour ahead.
DAY = date(2025, 3, 12)
MIDNIGHT = parse_iso("2025-03-12T00:00:00Z") or 0
HOUR_MS = 3_600_000
#: Orphans of one event type that began together at 10:00, and were proved 6 s later.
ORPHANS = 30
DETECTION_SECONDS = 6


def at(hours: float) -> Instant:
    """An instant, in hours after the day's midnight."""
    return Instant(round(MIDNIGHT + hours * HOUR_MS))


def text(hours: float) -> str:
    return str(iso(at(hours)))


class History:
    """A store whose clock a test moves."""

    def __init__(self, database: Database) -> None:
        self.now = at(0)
        self._store = AlertStore(database, account_of=lambda _: "harbor", clock=lambda: self.now)
        self._told: dict[str, Finding] = {}

    async def opened(self, hours: float, *subjects: str, **fields: Any) -> None:
        """Faults that began then and were proved six seconds later."""
        proved = hours + DETECTION_SECONDS / 3600
        found = [finding("opened", minutes(proved), subject=one, began=minutes(hours), **fields) for one in subjects]
        self.now = at(proved)
        await self._store.apply(found)
        self._told |= {one.alert_id: one for one in found}

    async def recovered(self, hours: float, *subjects: str, **fields: Any) -> None:
        """They are over."""
        self.now = at(hours)
        ends = []
        for one in subjects:
            told = self._told[finding("opened", 0, subject=one, **fields).alert_id]
            proved = minutes((parse_iso(told.detected_at) or 0) / HOUR_MS - MIDNIGHT / HOUR_MS)
            began = minutes((parse_iso(told.opened_at) or 0) / HOUR_MS - MIDNIGHT / HOUR_MS)
            ends.append(finding("resolved", minutes(hours), subject=one, proved=proved, began=began, **fields))
        await self._store.apply(ends)

    async def resolved_by_hand(self, hours: float, subject: str, resolution: Resolution) -> None:
        """A person closes it."""
        self.now = at(hours)
        await self._store.act(_id(subject), Resolve(resolution=resolution), actor="ana", tenants=None, versions=None)

    async def acknowledged(self, hours: float, subject: str) -> None:
        self.now = at(hours)
        await self._store.act(_id(subject), Acknowledge(), actor="ana", tenants=None, versions=None)


def _id(subject: str) -> str:
    return finding("opened", 0, subject=subject).alert_id


def minutes(hours: float) -> float:
    """As `alert_words` tells times."""
    return (at(hours) - NOON) / 60_000


async def two_weeks(database: Database) -> None:
    """Alerts of companies 3 and 9, most of them on DAY; company 3's bookings were looked at all day."""
    async with database.connection() as connection:
        await connection.execute("UPDATE installation SET installed_at = '2025-01-01Z'")
        await connection.execute(
            "INSERT INTO hourly_statistics"
            " (tenant, hour, compared_at, in_sync, differing, unknown, calls, appointments)"
            " SELECT '3', hour, hour + interval '59 minutes', 98, 2, 1, 10, 5"
            " FROM generate_series('2025-03-12Z'::timestamptz, '2025-03-12 23:00Z', interval '1 hour') AS hour"
        )
    history = History(database)
    for back in range(1, 14):
        twice = ("early", "late") if back < 7 else ("early",)
        names = [f"{name}{back}" for name in twice]
        await history.opened(12 - 24 * back, *names)
        await history.recovered(13 - 24 * back, *names)
    await history.opened(-0.5, "night")  # half past midnight in Berlin
    await history.recovered(-0.25, "night")
    orphans = [f"orphan{number}" for number in range(ORPHANS)]
    await history.opened(10, *orphans, event_type_id="15")
    await history.acknowledged(10 + 2 / 60, "orphan0")
    await history.opened(10.1, "orphan1", rule=Rule.START_TIME_DRIFT)  # the same booking, wrong in a second way
    await history.recovered(10.2, "orphan1", rule=Rule.START_TIME_DRIFT)
    await history.recovered(10.5, *orphans[:26], event_type_id="15")
    await history.resolved_by_hand(11, "orphan26", Resolution.FALSE_POSITIVE)
    await history.opened(14, "nines", "other", tenant="9", rule=Rule.ORPHANED_LOCAL)
    await history.recovered(15, "nines", "other", tenant="9", rule=Rule.ORPHANED_LOCAL)
