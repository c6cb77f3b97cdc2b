"""Notices in plain words: what every channel says, before it gives it a form."""

from zoneinfo import ZoneInfo

import pytest

from connectors.notify.words import (
    Compared,
    common_facts,
    compared_fields,
    notice_line,
    ordinal,
    span_text,
    standing_text,
    still_standing,
)
from streams.alerts.actions import Acknowledge, Resolve, Snooze
from streams.alerts.notice import Common, NoticeKind, Reason
from streams.model.records import Difference, Side
from streams.model.rule import Resolution, Rule
from tests.alert_words import Life, at, clock, finding
from tests.notice_words import audience, telling

BERLIN = ZoneInfo("Europe/Berlin")
OPENED = finding("opened", 1)
ORPHAN = Life(BERLIN).hears(OPENED).alert
OVER = Life().hears(OPENED, finding("resolved", 11, proved=1)).alert
DRIFT = finding(
    "opened",
    1,
    rule=Rule.START_TIME_DRIFT,
    appointment_id="17",
    local=Side(booking="4fQ", status="confirmed", start=clock(60)),
    calcom=Side(booking="4fQ", status="accepted", start=clock(90)),
    differences=(Difference(field="start", local=clock(60), calcom=clock(90)),),
)


def test_a_first_message_reads_as_people_expect() -> None:
    line = notice_line(telling(NoticeKind.OPENED, ORPHAN), audience(BERLIN), at(8))
    assert line == (
        "🔴 Booked in Cal.com, missing in your database. Starts in 52 min (P1, company 3)"
        " · Cal.com: accepted, Thu 14:00 CET · database: no row"
        " · Proved 13:01:00: Cal.com 200, database 0 rows for 4fQ (waited 4 s)"
        " · booking 4fQ · orphaned_calcom"
    )


def test_a_resolved_message_says_why_and_for_how_long() -> None:
    line = notice_line(telling(NoticeKind.RESOLVED, OVER), audience(), at(12))
    assert line.startswith(
        "✅ Recovered: Booked in Cal.com, missing in your database (company 3) · stood for 12 min · booking 4fQ"
    )


def test_a_reopened_message_counts_the_episode() -> None:
    back = Life().hears(OPENED, finding("opened", 9, episode=2)).alert
    assert "again (episode 2)" in notice_line(telling(NoticeKind.REOPENED, back), audience(), at(10))


def test_a_group_says_how_many_what_they_have_in_common_and_names_some() -> None:
    alerts = [Life().hears(finding("opened", 1, subject=f"b{n}")).alert for n in range(5)]
    common = Common(rule=Rule.ORPHANED_CALCOM, tenant="3", account="harbor", event_type="15", since=clock(-1))
    group = telling(NoticeKind.OPENED, *alerts, total=300, common=common)
    line = notice_line(group, audience(), at(8))
    assert line == (
        "🔴 300 × Booked in Cal.com, missing in your database"
        " · company 3, account harbor, event type 15, since Thu 11:59 UTC"
        " · booking b0, booking b1, booking b2"
    )
    assert dict(common_facts(group, audience()))["rule"] == Rule.ORPHANED_CALCOM


def test_a_storm_without_a_common_rule_counts_by_rule() -> None:
    storm = telling(
        NoticeKind.OPENED,
        ORPHAN,
        total=7,
        by_rule={Rule.STATUS_DRIFT: 2, Rule.ORPHANED_CALCOM: 5},
        together=Reason.STORM,
    )
    line = notice_line(storm, audience(), at(8))
    assert line.startswith("🔴 7 alerts at once · Booked in Cal.com, missing in your database: 5 · Statuses differ: 2")


@pytest.mark.parametrize(
    ("total", "standing", "expected"),
    [
        (2, None, 1),  # one of both is over
        (300, None, 299),  # those that are not carried are taken to stand
        (300, 12, 12),
    ],
)
def test_a_group_says_how_many_still_stand(total: int, standing: int | None, expected: int) -> None:
    group = telling(NoticeKind.CHANGED, ORPHAN, OVER, total=total, standing=standing)
    assert still_standing(group) == expected
    assert f"{expected} of {total} still open" in notice_line(group, audience(), at(8))


def test_the_one_message_about_what_was_there_before_counts_by_rule() -> None:
    before = telling(NoticeKind.BASELINE, total=4, by_rule={Rule.ORPHANED_LOCAL: 3, Rule.STATUS_DRIFT: 1})
    assert notice_line(before, audience(), at(8)) == (
        "📋 Found at installation: 4 older faults · In your database, missing in Cal.com: 3 · Statuses differ: 1"
    )


def test_both_sides_are_compared_field_by_field_in_the_tenants_time() -> None:
    alert = Life(BERLIN).hears(DRIFT).alert
    compared = {one.field: one for one in compared_fields(alert, audience(BERLIN))}
    assert list(compared)[:3] == ["booking", "status", "start"]
    assert compared["start"] == Compared(field="start", local="Thu 14:00 CET", calcom="Thu 14:30 CET", differs=True)
    assert not compared["booking"].differs


def test_who_looks_after_it_and_how_it_ended_is_said() -> None:
    def after(*actions: object) -> str:
        life = Life().hears(OPENED)
        for action in actions:
            life.does(action)  # type: ignore[arg-type]  # one of the actions
        return standing_text(life.alert, audience())

    assert after() == ""
    assert after(Acknowledge()) == "Acknowledged by ana"
    assert after(Snooze(until=at(600))) == "Snoozed until Thu 22:00 UTC"
    assert after(Resolve(resolution=Resolution.FALSE_POSITIVE)).startswith("Resolved: no fault, stood for ")


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(40_000, "40 s"), (52 * 60_000, "52 min"), (185 * 60_000, "3 h 5 min"), (52 * 3_600_000, "2 d 4 h")],
)
def test_spans_read_as_people_say_them(milliseconds: int, text: str) -> None:
    assert span_text(milliseconds) == text


def test_times_are_counted_as_people_count() -> None:
    assert [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 113)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "113th"
    ]  # fmt: skip
