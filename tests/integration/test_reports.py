"""Statistics and the daily report over two weeks of two companies' alerts, on a real Postgres."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import msgspec
import pytest

from api.report_command import run_report
from connectors.stack.stack import LocalStack
from connectors.store.hourly import keep_hour
from connectors.store.instants import moment
from connectors.store.standings import write_standings
from streams.model.ids import iso
from streams.model.rule import Resolution
from streams.model.source_records import MadeInHour, TenantStanding
from streams.reports.report import DailyReport
from streams.settings import Settings
from tests.integration.reporting import DAY, DETECTION_SECONDS, ORPHANS, History, at, text, two_weeks
from tests.integration.storing import StoredApi, new_store, stored_api

pytestmark = pytest.mark.stack

WHOLE_DAY = f"since={text(0)}&until={text(24)}"


@pytest.fixture(scope="module")
async def settings(postgres: LocalStack) -> Settings:
    tenants = [{"id": "3", "name": "Harbor <Clinic>", "timezone": "Europe/Berlin"}, {"id": "9"}]
    return await new_store(postgres, tenants=tenants)


@pytest.fixture(scope="module")
async def api(settings: Settings) -> AsyncIterator[StoredApi]:
    async with stored_api(settings) as made:
        await two_weeks(made.services.database)
        yield made


async def stats(api: StoredApi, query: str = WHOLE_DAY, key: str = "ops") -> dict[str, Any]:
    answer = await api.ask("GET", f"/v1/stats?{query}", key)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def report(api: StoredApi, query: str = f"date={DAY}", key: str = "ops") -> DailyReport:
    answer = await api.ask("GET", f"/v1/reports/daily?{query}", key)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=DailyReport)


# Statistics -------------------------------------------------------------------------


async def test_alerts_are_counted_by_rule_and_by_what_became_of_them(api: StoredApi) -> None:
    told = await stats(api)
    assert {rule["rule"]: (rule["opened"], rule["resolved"], rule["open"]) for rule in told["rules"]} == {
        "orphaned_calcom": (ORPHANS, 27, 3),
        "start_time_drift": (1, 1, 0),
        "orphaned_local": (2, 2, 0),
    }
    assert told["resolutions"] == {"recovered": 29, "false_positive": 1}
    assert told["recovery_rate"] == pytest.approx(29 / 30, abs=1e-6)
    assert told["false_positive_rate"] == pytest.approx(1 / 30, abs=1e-6)


async def test_detection_is_measured_from_the_faults_beginning(api: StoredApi) -> None:
    seconds = (await stats(api))["detection_seconds"]
    assert seconds["count"] == ORPHANS + 3
    assert (seconds["p50"], seconds["p95"], seconds["max"]) == (DETECTION_SECONDS,) * 3


async def test_a_booking_that_is_wrong_in_two_ways_uses_up_the_budget_once(api: StoredApi) -> None:
    told = (await stats(api, WHOLE_DAY + "&tenant=3"))["objective"]
    assert told["measured_minutes"] == 24 * 60
    assert told["compared_booking_minutes"] == 24 * 60 * 100
    # 26 of them until 10:30, 3 until midnight; what a person called no fault was none.
    assert told["inconsistent_booking_minutes"] == 26 * 30 + 3 * 14 * 60
    assert told["inconsistent_bookings"] == 29
    assert told["burn"] == pytest.approx(told["inconsistent_booking_minutes"] / (24 * 60 * 100 * 0.005), abs=1e-3)


async def test_bookings_that_nobody_looked_at_use_up_nothing(api: StoredApi) -> None:
    told = (await stats(api, WHOLE_DAY + "&tenant=9"))["objective"]
    assert (told["measured_minutes"], told["inconsistent_booking_minutes"], told["burn"]) == (0, 0, None)


async def test_the_budget_of_a_day_is_that_of_its_halves(api: StoredApi) -> None:
    halves = [await stats(api, f"since={text(a)}&until={text(b)}&tenant=3") for a, b in ((0, 10.25), (10.25, 24))]
    whole = (await stats(api, WHOLE_DAY + "&tenant=3"))["objective"]
    for name in ("measured_minutes", "compared_booking_minutes", "inconsistent_booking_minutes"):
        assert sum(half["objective"][name] for half in halves) == pytest.approx(whole[name])


async def test_people_answered_what_stood_for_long(api: StoredApi) -> None:
    told = await stats(api)
    response = told["response"]
    # All stood for more than five minutes; two were answered, one of them in time.
    assert (response["alerts"], response["responded"], response["in_time"]) == (ORPHANS + 3, 2, 1)
    assert told["resolve_seconds"]["max"] == pytest.approx(3600 - DETECTION_SECONDS, abs=1)


async def test_how_bookings_stood_and_what_was_made_that_day(api: StoredApi) -> None:
    told = await stats(api, WHOLE_DAY + "&tenant=3")
    assert told["standing"] == {"at": "2025-03-12T23:59:00.000Z", "in_sync": 98, "differing": 2, "unknown": 1}
    assert told["consistency_rate"] == 0.98
    assert (told["calls"], told["appointments"]) == (240, 120)
    assert [line["tenant"] for line in told["tenants"]] == ["3"]


async def test_thresholds_say_what_is_beyond_its_limit(api: StoredApi) -> None:
    breached = {one["name"]: (one["value"], one["breached"]) for one in (await stats(api))["thresholds"]}
    assert breached["orphans_per_day"] == (ORPHANS + 2, True)
    assert breached["in_sync"] == (0.98, False)


async def test_a_key_of_one_tenant_gets_its_own_figures_only(api: StoredApi) -> None:
    nine = await stats(api, key="guest")
    assert (nine["tenant"], nine["opened"]) == ("9", 2)
    assert [line["tenant"] for line in nine["tenants"]] == ["9"]
    foreign = await stats(api, WHOLE_DAY + "&tenant=3", key="guest")
    nobodys = await stats(api, WHOLE_DAY + "&tenant=nobody", key="guest")
    assert foreign | {"tenant": "nobody"} == nobodys
    assert (foreign["opened"], foreign["standing"], foreign["tenants"]) == (0, None, [])


@pytest.mark.parametrize(
    "query",
    [
        f"since={text(24)}&until={text(0)}",
        f"since={text(-24 * 100)}&until={text(0)}",
        "since=yesterday",
        "since=2999-01-01T00:00:00Z",
        "until=0001-01-01T00:00:00Z",
    ],
)
async def test_a_period_that_makes_no_sense_is_refused(api: StoredApi, query: str) -> None:
    answer = await api.ask("GET", f"/v1/stats?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] in ("since", "until")


async def test_every_episode_of_an_alert_is_kept_with_its_own_times(api: StoredApi) -> None:
    history = History(api.services.database)
    await history.opened(-1000, "returns", tenant="again")
    await history.recovered(-999, "returns", tenant="again")
    await history.opened(-998, "returns", tenant="again", episode=2)
    await history.recovered(-997, "returns", tenant="again", episode=2)
    rows = await api.query("SELECT * FROM alert_episodes WHERE tenant = 'again' ORDER BY episode")
    assert [(row["episode"], row["opened_at"], row["resolved_at"], row["resolution"]) for row in rows] == [
        (1, moment(at(-1000)), moment(at(-999)), "recovered"),
        (2, moment(at(-998)), moment(at(-997)), "recovered"),
    ]


async def test_the_first_word_of_a_person_stays_the_first(api: StoredApi) -> None:
    history = History(api.services.database)
    await history.opened(-1000, "asked", tenant="3")
    for hours in (-999, -998):
        await history.acknowledged(hours, "asked")
        await history.resolved_by_hand(hours + 0.5, "asked", Resolution.MANUAL)
        await history.opened(hours + 0.6, "asked", tenant="3", episode=round(hours) + 1001)
    await history.recovered(-997, "asked", tenant="3", episode=3)
    rows = await api.query("SELECT responded_at FROM alert_episodes WHERE subject_id = 'asked' ORDER BY episode")
    assert [row["responded_at"] for row in rows] == [moment(at(-999)), moment(at(-998)), None]


async def test_what_workers_say_is_kept_by_the_hour_and_again_changes_nothing(api: StoredApi) -> None:
    [now] = await api.query("SELECT (extract(epoch FROM now()) * 1000)::bigint AS ms")
    hour = now["ms"] - now["ms"] % 3_600_000
    made = (MadeInHour(hour=str(iso(hour - 3_600_000)), calls=7, appointments=4),)
    standing = TenantStanding(
        tenant="new", at=str(iso(now["ms"])), compared_through=str(iso(now["ms"])), lag_wait_ms=0, in_sync=5, made=made
    )
    kept = []
    for _ in range(2):
        async with api.services.database.transaction() as connection:
            await write_standings(connection, [standing])
            await keep_hour(connection)
        kept.append(await api.query("SELECT * FROM hourly_statistics WHERE tenant = 'new' ORDER BY hour"))
    assert kept[0] == kept[1]
    assert [(row["in_sync"], row["compared_at"] is None, row["calls"]) for row in kept[0]] == [
        (0, True, 7),
        (5, False, None),
    ]


# The daily report -------------------------------------------------------------------


async def test_the_report_puts_alerts_of_one_cause_together(api: StoredApi) -> None:
    made = await report(api, f"date={DAY}&tenant=3")
    issue = made.issues.items[0]
    assert (issue.rule, issue.alerts, issue.open, issue.event_type) == ("orphaned_calcom", ORPHANS, 3, "15")
    assert [row.opened for row in made.breakdown] == [31, 1]


async def test_one_tenants_day_is_a_day_in_its_time_zone(api: StoredApi) -> None:
    berlin, utc = await report(api, f"date={DAY}&tenant=3"), await report(api)
    assert (berlin.timezone, berlin.since, berlin.until) == ("Europe/Berlin", text(-1), text(23))
    assert berlin.summary.opened == ORPHANS + 2  # with the one of half past midnight
    assert (utc.timezone, utc.since, utc.summary.opened) == ("UTC", text(0), ORPHANS + 3)


async def test_the_day_on_which_clocks_go_forward_has_23_hours(api: StoredApi) -> None:
    made = await report(api, "date=2025-03-30&tenant=3")
    assert (made.since, made.until) == ("2025-03-29T23:00:00.000Z", "2025-03-30T22:00:00.000Z")
    assert [hour.hour for hour in made.trend.hours][:4] == ["00:00", "01:00", "03:00", "04:00"]
    assert len(made.trend.hours) == 23


async def test_the_trend_compares_with_the_week_before(api: StoredApi) -> None:
    trend = (await report(api)).trend
    changes = {change.name: (change.now, change.before) for change in trend.changes}
    assert changes["opened"] == (ORPHANS + 3 + 6 * 2 + 1, 7)
    assert trend.week_before
    assert [day.opened for day in trend.days] == [2, 2, 2, 2, 2, 3, ORPHANS + 3]
    assert [(hour.hour, hour.opened) for hour in trend.hours if hour.opened] == [("10:00", ORPHANS + 1), ("14:00", 2)]
    # An hour each of two bookings.
    assert trend.days[0].inconsistent_minutes == 120


async def test_a_key_of_one_tenant_gets_its_own_report(api: StoredApi) -> None:
    answer = await api.ask("GET", f"/v1/reports/daily?date={DAY}", key="guest")
    own = msgspec.json.decode(answer.content, type=DailyReport)
    assert (own.tenant, own.summary.opened) == ("9", 2)
    assert "orphan1" not in answer.text
    assert "Harbor" not in answer.text


@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ("", "*/*", "application/json"),
        ("", "text/html,application/xhtml+xml;q=0.9", "text/html"),
        ("", "text/plain", "text/plain"),
        ("&format=text", "text/html", "text/plain"),
        ("&format=html", "application/json", "text/html"),
    ],
)
async def test_the_form_is_chosen_by_parameter_or_header(api: StoredApi, query: str, accept: str, kind: str) -> None:
    answer = await api.ask("GET", f"/v1/reports/daily?date={DAY}{query}", headers={"accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert "orphan" in answer.text
    assert answer.headers["vary"] == "Accept"
    if kind == "text/html":
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("day", ["2999-01-01", "0001-01-01", "9999-12-31", "12.3.2025", "2025-02-30", "1741737600"])
async def test_a_day_without_a_report_is_refused(api: StoredApi, day: str) -> None:
    answer = await api.ask("GET", f"/v1/reports/daily?date={day}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "date"


async def test_the_command_writes_the_report(api: StoredApi, settings: Settings, capsys: Any, tmp_path: Any) -> None:
    assert await run_report(settings, DAY, None, "text", None) == 0
    assert "DATA CONSISTENCY REPORT" in capsys.readouterr().out
    page = tmp_path / "report.html"
    assert await run_report(settings, DAY, "3", "html", page) == 0
    assert "Harbor &lt;Clinic&gt;" in page.read_text()
    assert await run_report(settings, DAY, "9", "json", None) == 0
    assert msgspec.json.decode(capsys.readouterr().out, type=DailyReport).tenant == "9"


async def test_the_command_says_in_one_line_why_there_is_no_report(settings: Settings, capsys: Any) -> None:
    assert await run_report(settings, date(2999, 1, 1), None, "text", None) == 2
    assert capsys.readouterr().err == "plumbline: --date 2999-01-01: allowed is a day from 2000-01-01 to today in UTC\n"
    assert await run_report(settings, DAY, "33", "text", None) == 2
    assert capsys.readouterr().err == "plumbline: --tenant 33: allowed are the ids in [[tenants]]: 3, 9\n"
    nowhere = Settings.model_validate({"store": {"dsn": "postgresql://nobody@127.0.0.1:1/nothing"}})
    assert await run_report(nowhere, DAY, None, "text", None) == 2
    assert capsys.readouterr().err.startswith("plumbline: the store cannot be reached: ")
