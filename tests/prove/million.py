"""`GET /v1/alerts` with a million alerts: every combination of filters, hot and cold, by the store and over HTTP.

    python -m tests.prove.million [--alerts 1000000] [--home /tmp/million] [--cold 80]

Fills a Postgres of its own (kept in `--home`: a second run finds it filled), then asks for each combination of none,
one, several and impossible values of tenant, status, rule and severity: first page, `since`, deep page, long page.
Hot: asked several times in a row. Cold: Postgres was restarted and its files' pages dropped from the system's cache
before each single query. Then what writing costs, and what the figures for `/metrics` cost. Exit 1 if an aim is missed.
"""

import argparse
import asyncio
import logging
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import asyncpg
import httpx
import structlog
from msgspec.structs import replace

from api.app import create_app
from api.services import services_of
from connectors.stack.stack import LocalStack, StackPart
from connectors.store.alerts import AlertStore
from connectors.store.counts import figures, fold
from connectors.store.database import Database
from connectors.store.listing import AlertFilter, Position
from connectors.store.migrate import migrate
from connectors.store.queries import page_of_alerts
from streams.model.ids import Instant, parse_iso
from streams.settings import Settings
from tests.alert_words import finding
from tests.integration.many_alerts import NEWEST, Combination, combinations, fill

LIMIT = 50
HOT_RUNS, HTTP_RUNS = 40, 20
#: Of these the slowest are asked cold again so often.
COLD_AGAIN, COLD_RUNS = 5, 5
HOT_MS_MAX, COLD_MS_MAX = 50.0, 500.0
BATCH = 500
BATCHES = 20
DAY_MS = 86_400_000
UNLIMITED = {"requests_per_minute": 100_000}
KEY = {"name": "prove", "key": "key-of-prove", "role": "viewer", "tenants": ["*"]}

HEADER = """| | combinations | p50 ms | p95 ms | worst p95 ms | max ms | worst combination |
|---|---|---|---|---|---|---|"""

Ask = Callable[[AlertFilter], Awaitable[object]]


class Timing(NamedTuple):
    """How long one combination took, in milliseconds, sorted."""

    name: str
    ms: list[float]

    @property
    def p95(self) -> float:
        return self.ms[max(0, -(-len(self.ms) * 95 // 100) - 1)]


def at(days_ago: float) -> Instant:
    newest = parse_iso(NEWEST)
    assert newest is not None
    return Instant(round(newest - days_ago * DAY_MS))


async def timed(name: str, ask: Callable[[], Awaitable[object]], runs: int) -> Timing:
    """One alone is timed as it comes; of several the first is not counted, it warms the others up."""
    ms = []
    if runs > 1:
        await ask()
    for _ in range(runs):
        began = time.perf_counter()
        await ask()
        ms.append((time.perf_counter() - began) * 1000)
    return Timing(name, sorted(ms))


def report(title: str, timings: Sequence[Timing], most: float) -> bool:
    """One line of the table and the worst; whether the aim is met."""
    each = [ms for timing in timings for ms in timing.ms]
    worst = max(timings, key=lambda timing: timing.p95)
    print(
        f"| {title} | {len(timings)} | {statistics.median(each):.1f} | {statistics.quantiles(each, n=20)[-1]:.1f}"
        f" | {worst.p95:.1f} | {max(each):.1f} | {worst.name or 'no filter'} |",
        flush=True,
    )
    return worst.p95 <= most


async def hot(database: Database) -> bool:
    """Every combination in every way to ask."""

    def page(limit: int = LIMIT, after: Position | None = None, since: Instant | None = None) -> Ask:
        async def ask(wanted: AlertFilter) -> object:
            return await page_of_alerts(database, replace(wanted, since=since), limit=limit + 1, after=after)

        return ask

    middle = Position(updated_at=at(45), id="80000000-0000-0000-0000-000000000000")
    ways: dict[str, Ask] = {
        "first page": page(),
        "since yesterday": page(since=at(1)),
        "since 60 days": page(since=at(60)),
        "deep page (45 days back)": page(after=middle),
        "200 a page": page(limit=200),
    }
    met = True
    for name, ask in ways.items():
        timings = [await timed(one.name, partial(ask, one.wanted), HOT_RUNS) for one in combinations()]
        met &= report(f"hot, {name}", timings, HOT_MS_MAX)
    subjects = [
        Combination(f"subject · {one.name}", replace(one.wanted, subject=("booking", str(number))))
        for number, one in enumerate(combinations())
    ]
    timings = [await timed(one.name, partial(ways["first page"], one.wanted), HOT_RUNS) for one in subjects]
    return report("hot, one subject", timings, HOT_MS_MAX) and met


async def hot_after_changes(database: Database) -> bool:
    """The first page once more: its newest rows were seen by no vacuum."""
    timings = [
        await timed(one.name, partial(page_of_alerts, database, one.wanted, limit=LIMIT + 1, after=None), HOT_RUNS)
        for one in combinations()
    ]
    return report(f"hot, first page, {2 * BATCH * BATCHES} changes later", timings, HOT_MS_MAX)


async def over_http(settings: Settings) -> bool:
    """The first page through the whole application, in this process."""
    services = services_of(settings)
    transport = httpx.ASGITransport(create_app(services))
    headers = {"authorization": f"Bearer {KEY['key']}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as client:

        async def ask(wanted: AlertFilter) -> None:
            answer = await client.get("/v1/alerts", params=parameters(wanted))
            answer.raise_for_status()

        timings = [await timed(one.name, partial(ask, one.wanted), HTTP_RUNS) for one in combinations()]
    await services.database.close()
    return report("hot, over HTTP", timings, HOT_MS_MAX)


def parameters(wanted: AlertFilter) -> dict[str, tuple[str, ...]]:
    return {
        "tenant": wanted.tenants or (),
        "status": wanted.statuses,
        "rule": wanted.rules,
        "severity": wanted.severities,
    }


async def cold(stack: LocalStack, count: int) -> bool:
    """Single queries, each after a restart; the slowest of them again and again."""
    every = list(combinations())
    some = every[:: max(1, len(every) // count)]
    timings = [await cold_once(stack, one) for one in some]
    met = report("cold, first page, once each", timings, COLD_MS_MAX)
    by_name = {one.name: one for one in some}
    for timing in sorted(timings, key=lambda timing: timing.ms)[-COLD_AGAIN:]:
        again = [await cold_once(stack, by_name[timing.name]) for _ in range(COLD_RUNS)]
        ms = sorted(ms for one in again for ms in one.ms)
        met &= report("cold, slowest again", [Timing(timing.name, ms)], COLD_MS_MAX)
    return met


async def cold_once(stack: LocalStack, combination: Combination) -> Timing:
    folder = await data_folder(stack)
    await stack.stop()
    drop_pages(folder)
    await stack.start()
    database = Database(str(stack.endpoints.store_dsn))
    try:
        async with database.connection() as connection:
            await connection.execute("SELECT 1")  # connecting is not what is measured
        return await timed(
            combination.name,
            lambda: page_of_alerts(database, combination.wanted, limit=LIMIT + 1, after=None),
            1,
        )
    finally:
        await database.close()


async def data_folder(stack: LocalStack) -> Path:
    connection = await asyncpg.connect(stack.endpoints.admin_dsn)
    try:
        return Path(await connection.fetchval("SHOW data_directory"))
    finally:
        await connection.close()


def drop_pages(folder: Path) -> None:
    """Out of the system's cache, of these files only; what is not on disk yet is written first."""
    for path in folder.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            try:
                os.fsync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)


async def writing(database: Database) -> None:
    """Findings a second into the full table, new ones and then their ends; sizes of what is kept."""
    store = AlertStore(database)
    mark = time.time_ns()
    for change, minutes in (("opened", 1), ("resolved", 5)):
        began = time.perf_counter()
        for batch in range(BATCHES):
            subjects = [f"w{mark}.{batch}.{number}" for number in range(BATCH)]
            await store.apply([finding(change, minutes, proved=1, subject=subject) for subject in subjects])
        print(f"{change}: {BATCH * BATCHES / (time.perf_counter() - began):.0f} findings/s in batches of {BATCH}")
    async with database.connection() as connection:
        for row in await connection.fetch(
            """
            SELECT relname, pg_relation_size(oid) / 1000000 AS mb FROM pg_class
             WHERE oid = 'data_consistency_alerts'::regclass OR oid IN (
                   SELECT indexrelid FROM pg_index WHERE indrelid = 'data_consistency_alerts'::regclass)
             ORDER BY mb DESC
            """
        ):
            print(f"{row['relname']}: {row['mb']} MB")


async def counting(database: Database) -> None:
    """The figures for `/metrics`, beside the same by counting rows."""

    async def by_rows() -> None:
        async with database.connection() as connection:
            await connection.fetch(
                "SELECT rule, severity, status, count(*), sum(episode) FROM data_consistency_alerts GROUP BY 1, 2, 3"
            )

    for name, ask in (("counted by rows", by_rows), ("kept counts", lambda: figures(database))):
        timing = await timed(name, ask, HOT_RUNS)
        print(f"figures, {name}: p50 {statistics.median(timing.ms):.1f} ms, p95 {timing.p95:.1f} ms")


async def prove(home: Path, alerts: int, cold_queries: int) -> bool:
    """Run all of it; whether every aim was met."""
    stack = LocalStack(home, parts=frozenset({StackPart.POSTGRES}))
    await stack.start()
    try:
        dsn = str(stack.endpoints.store_dsn)
        await migrate(dsn)
        database = Database(dsn)
        async with database.connection() as connection:
            there = await connection.fetchval("SELECT count(*) FROM data_consistency_alerts", timeout=60)
        if there < alerts:
            assert there == 0, f"{home} holds {there} alerts already: remove it, or name another"
            await fill(database, alerts)
        await fold(database)  # as the connectors process does every few seconds
        print(f"{max(there, alerts)} alerts")
        print(HEADER)
        met = await hot(database)
        met &= await over_http(Settings.model_validate({"store": {"dsn": dsn}, "api_keys": [KEY], "api": UNLIMITED}))
        met &= await cold(stack, cold_queries)
        await database.close()
        await counting(database)
        await writing(database)
        met &= await hot_after_changes(database)
        await database.close()
    finally:
        await stack.stop()
    return met


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--home", type=Path, default=Path("/tmp/plumbline-million"))
    parser.add_argument("--cold", type=int, default=80, help="how many combinations are asked cold")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    raise SystemExit(not asyncio.run(prove(asked.home, asked.alerts, asked.cold)))
