"""Statistics and the daily report with a million alerts: `python -m tests.prove.statistics [--alerts 1000000]`.

Fills a Postgres of its own with alerts of 40 companies over 90 days, then times `GET /v1/stats` over periods and the
daily report, for all companies and for the largest. Exit 1 if the last day, or a report, takes longer than its aim.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from pathlib import Path

from connectors.reports.collect import figures_in, snapshot
from connectors.reports.material import Reporter, ReportOrder
from connectors.stack.stack import LocalStack, StackPart
from connectors.store.database import Database
from connectors.store.instants import moment
from connectors.store.period import Scope
from streams.model.ids import Instant, parse_iso
from streams.settings import Settings
from tests.integration.many_alerts import BIG, NEWEST, fill
from tests.integration.storing import new_store

DAY_MS = 86_400_000
RUNS = 5
#: Seconds, median: a day is asked for by people who wait, a report and a quarter of a year by those who do not.
DAY_SECONDS_MAX, REPORT_SECONDS_MAX, QUARTER_SECONDS_MAX = 1.0, 5.0, 15.0
NOW = parse_iso(NEWEST) or 0
NEWEST_AT = moment(Instant(NOW))

# As faults are: found within seconds, most over within the hour, some standing; the one episode of each alert.
_EPISODES = """
INSERT INTO alert_episodes (alert_id, episode, tenant, rule, severity, subject_kind, subject_id, booking_uid,
                            event_type, account, opened_at, detected_at, responded_at, resolved_at, resolution,
                            baseline)
SELECT id, 1, tenant, rule, severity, 'booking', subject_id, 'b' || abs(hashtext(subject_id)) % 400000,
       (abs(hashtext(subject_id)) % 50)::text, 'account', updated_at - interval '6 seconds', updated_at,
       CASE WHEN random() < 0.1 THEN updated_at + random() * interval '10 minutes' END,
       CASE WHEN status = 'resolved' THEN updated_at + power(random(), 3) * interval '2 hours' END,
       CASE WHEN status = 'resolved' THEN 'recovered' END, false
  FROM data_consistency_alerts
"""
_HOURS = """
INSERT INTO hourly_statistics (tenant, hour, compared_at, in_sync, differing)
SELECT tenant::text, hour, hour, 10000, 20 FROM generate_series(1, 40) AS tenant,
       generate_series($1::timestamptz - interval '95 days', $1::timestamptz, interval '1 hour') AS hour
"""


async def median(name: str, work: Callable[[], Awaitable[object]], limit: float) -> bool:
    """Time it a few times, print, and say whether it is within its aim."""
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        await work()
        took.append(time.perf_counter() - began)
    middle = statistics.median(took)
    print(f"{name:<44} median {middle:6.2f} s   worst {max(took):6.2f} s   aim {limit:g} s", flush=True)
    return middle <= limit


async def measure(settings: Settings, alerts: int) -> bool:
    """Fill, then time every kind of question."""
    assert settings.store.dsn is not None
    database = Database(settings.store.dsn.get_secret_value())
    await fill(database, alerts)
    async with database.connection() as connection:
        await connection.execute(_EPISODES, timeout=600)
        await connection.execute(_HOURS, NEWEST_AT, timeout=600)
        await connection.execute("VACUUM (ANALYZE) alert_episodes", timeout=600)
        await connection.execute("VACUUM (ANALYZE) hourly_statistics", timeout=600)
    good = True
    for who, tenants in (("all", None), ("the largest company", (BIG,))):
        for days, limit in ((1, DAY_SECONDS_MAX), (7, REPORT_SECONDS_MAX), (93, QUARTER_SECONDS_MAX)):
            scope = Scope(since=Instant(NOW - days * DAY_MS), until=Instant(NOW), tenants=tenants)
            good &= await median(f"stats, {days} days, {who}", partial(_figures, database, scope), limit)
        reporter = Reporter(settings, database, lambda: Instant(NOW))
        order = ReportOrder(day=date(2026, 11, 25), tenants=tenants, tenant=BIG if tenants else "*")
        good &= await median(f"daily report, {who}", partial(reporter.report, order), REPORT_SECONDS_MAX)
    await database.close()
    return good


async def _figures(database: Database, scope: Scope) -> object:
    async with snapshot(database) as connection:
        return await figures_in(connection, scope)


async def prove(alerts: int) -> bool:
    """On a fresh Postgres."""
    with tempfile.TemporaryDirectory(prefix="plumbline-statistics-") as home:
        Path(home).chmod(0o755)
        postgres = LocalStack(Path(home) / "postgres", parts=frozenset({StackPart.POSTGRES}))
        await postgres.start()
        try:
            return await measure(await new_store(postgres), alerts)
        finally:
            await postgres.stop()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--alerts", type=int, default=1_000_000)
    return 0 if asyncio.run(prove(arguments.parse_args().alerts)) else 1


if __name__ == "__main__":
    sys.exit(main())
