"""A list of very many alerts reads what it shows, whatever is filtered; what was counted is what is there."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from connectors.stack.stack import LocalStack
from connectors.store.alerts import AlertStore
from connectors.store.counts import figures, fold
from connectors.store.database import Database
from connectors.store.listing import AlertFilter, Position, listed
from connectors.store.migrate import migrate
from connectors.store.queries import page_of_alerts
from connectors.store.rows import alert_of
from streams.alerts.alert import Alert
from streams.model.ids import parse_iso
from streams.model.rule import Severity
from tests.alert_words import finding
from tests.integration.many_alerts import RARE, Combination, combinations, fill

pytestmark = pytest.mark.stack

ALERTS = 20_000
LIMIT = 20
#: Some of the combinations; all of them in `python -m tests.prove.million`.
SOME = list(combinations())[::7]


@pytest.fixture(scope="module")
async def store(postgres: LocalStack) -> AsyncIterator[Database]:
    admin_dsn = str(postgres.endpoints.admin_dsn)
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute("CREATE DATABASE many_alerts")
    await admin.close()
    dsn = admin_dsn.rsplit("/", 1)[0] + "/many_alerts"
    await migrate(dsn)
    database = Database(dsn)
    await fill(database, ALERTS)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def everything(store: Database) -> list[Alert]:
    """All alerts in the list's order, as Python sorts them."""
    async with store.connection() as connection:
        rows = await connection.fetch("SELECT alert FROM data_consistency_alerts")
    return in_order(alert_of(row["alert"]) for row in rows)


def in_order(alerts: Iterator[Alert]) -> list[Alert]:
    return sorted(alerts, key=lambda alert: (alert.updated_at, alert.id), reverse=True)


def passes(alert: Alert, wanted: AlertFilter) -> bool:
    return (
        (wanted.tenants is None or alert.tenant in wanted.tenants)
        and (not wanted.statuses or alert.status in wanted.statuses)
        and (not wanted.rules or alert.rule in wanted.rules)
        and (not wanted.severities or alert.severity in wanted.severities)
    )


def behind(alert: Alert) -> Position:
    at = parse_iso(alert.updated_at)
    assert at is not None
    return Position(updated_at=at, id=alert.id)


async def ids(store: Database, wanted: AlertFilter, limit: int = LIMIT, after: Position | None = None) -> list[str]:
    return [alert.id for alert in await page_of_alerts(store, wanted, limit=limit, after=after)]


async def test_every_combination_lists_what_a_walk_over_all_alerts_would(
    store: Database, everything: list[Alert]
) -> None:
    middle = everything[len(everything) // 2]
    kinds = set()
    for combination in SOME:
        expected = [alert.id for alert in everything if passes(alert, combination.wanted)]
        assert await ids(store, combination.wanted) == expected[:LIMIT], combination.name
        later = [alert.id for alert in everything[len(everything) // 2 + 1 :] if passes(alert, combination.wanted)]
        assert await ids(store, combination.wanted, after=behind(middle)) == later[:LIMIT], combination.name
        kinds.add(min(len(expected), LIMIT))
    assert {0, LIMIT} < kinds  # there were empty pages, full ones and some between


async def test_pages_one_after_another_are_the_whole_list(store: Database, everything: list[Alert]) -> None:
    tenant, rule, status = RARE
    middle = everything[ALERTS // 2].updated_at
    for wanted, since in (
        (AlertFilter(tenants=(tenant, "39"), statuses=(status, "open")), None),
        (AlertFilter(rules=(rule,), statuses=("acknowledged",)), None),
        (AlertFilter(tenants=(tenant,)), middle),
        (AlertFilter(severities=("critical",), statuses=("snoozed",)), middle),
    ):
        expected = [one for one in everything if passes(one, wanted) and (since is None or one.updated_at >= since)]
        asked = replace(wanted, since=parse_iso(since))
        by_id = {alert.id: alert for alert in expected}
        seen: list[str] = []
        while page := await ids(store, asked, 3, behind(by_id[seen[-1]]) if seen else None):
            seen += page
        assert seen == [alert.id for alert in expected]
        assert len(seen) > 3


async def test_a_value_given_twice_lists_no_alert_twice(store: Database) -> None:
    for wanted in (
        AlertFilter(tenants=("7", "7")),
        AlertFilter(statuses=("open", "open")),
        AlertFilter(tenants=("7", "7"), rules=(RARE[1], RARE[1])),
    ):
        found = await ids(store, wanted)
        assert len(found) == len(set(found)) > 0


@pytest.mark.parametrize("generic", [False, True], ids=["planned for its values", "planned once for all"])
async def test_no_combination_scans_or_sorts_more_than_it_may_show(store: Database, generic: bool) -> None:
    async with store.connection() as connection:
        await connection.execute(f"SET plan_cache_mode = force_{'generic' if generic else 'custom'}_plan")
        for combination in SOME:
            statement = listed(combination.wanted, limit=LIMIT, after=None)
            [plan] = json.loads(
                await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.text}", *statement.values)
            )
            _is_frugal(combination, list(nodes(plan["Plan"])))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def _is_frugal(combination: Combination, plan: list[dict[str, Any]]) -> None:
    scans = [node for node in plan if node.get("Relation Name") == "data_consistency_alerts" and node["Actual Loops"]]
    assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}, combination.name
    assert sum(node.get("Rows Removed by Filter", 0) for node in scans) == 0, combination.name
    groups = max((node["Actual Rows"] for node in plan if node.get("Subplan Name") == "CTE groups"), default=0)
    read = sum(node["Actual Rows"] * node["Actual Loops"] for node in scans)
    assert read <= groups + LIMIT * LIMIT + LIMIT, combination.name


async def test_what_was_counted_is_what_is_there(store: Database) -> None:
    opened = [finding("opened", 1, subject=f"c{number}") for number in range(30)]
    closed = [finding("resolved", 5, proved=1, subject=f"c{number}") for number in range(20)]
    await AlertStore(store).apply([*opened, *closed])
    async with store.transaction() as connection:
        await connection.execute("DELETE FROM data_consistency_alerts WHERE tenant = '11'")
        await connection.execute("UPDATE data_consistency_alerts SET episode = episode + 1 WHERE tenant = '12'")
        await connection.execute("UPDATE data_consistency_alerts SET severity = $1 WHERE tenant = '13'", Severity.INFO)
    before = await figures(store)
    await fold(store)
    assert _by_kind(await figures(store)) == _by_kind(before) == await _counted_one_by_one(store)
    async with store.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM alert_count_changes") == 0


def _by_kind(found: Any) -> dict[tuple[str, ...], tuple[int, int]]:
    return {(one.rule, one.severity, one.status): (one.alerts, one.episodes) for one in found if one.alerts}


async def _counted_one_by_one(store: Database) -> dict[tuple[str, ...], tuple[int, int]]:
    async with store.connection() as connection:
        rows = await connection.fetch(
            "SELECT rule, severity, status, count(*) AS alerts, sum(episode) AS episodes "
            "FROM data_consistency_alerts GROUP BY rule, severity, status"
        )
    return {(row["rule"], row["severity"], row["status"]): (row["alerts"], row["episodes"]) for row in rows}
