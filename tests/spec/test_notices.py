"""Notices: what is worth telling, and in which words."""

from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from connectors.notify.audience import Audience
from connectors.notify.dispatch import back_off_seconds
from connectors.notify.message import baseline_text, notice_text, span_text
from streams.alerts.actions import Acknowledge, Snooze
from streams.alerts.notice import NoticeKind, NoticeState, Reason, gathered_by, notice_of
from streams.model.records import Side, Subject
from streams.model.rule import Resolution, Rule, SubjectKind
from tests.alert_words import Life, at, finding

OPENED = finding("opened", 1)


def audience(zone: tzinfo = UTC) -> Audience:
    return Audience(name_of=lambda tenant: f"company {tenant}", zone_of=lambda _: zone)


def planned(life: Life) -> tuple[Any, ...] | None:
    notice = notice_of(life.alert)
    return None if notice is None else (notice.kind, notice.state, notice.reason)


def test_an_open_alert_is_told_and_a_later_episode_is_told_as_reopened() -> None:
    assert planned(Life().hears(OPENED)) == (NoticeKind.OPENED, NoticeState.PENDING, None)
    back = Life().hears(OPENED, finding("opened", 9, episode=2))
    assert planned(back) == (NoticeKind.REOPENED, NoticeState.PENDING, None)


def test_what_somebody_looks_after_is_not_told() -> None:
    assert planned(Life().hears(OPENED).does(Acknowledge())) is None
    assert planned(Life().hears(OPENED).does(Snooze(until=at(600)))) is None


@pytest.mark.parametrize(
    ("resolution", "state", "reason"),
    [
        (Resolution.RECOVERED, NoticeState.PENDING, None),
        (Resolution.EXPIRED, NoticeState.PENDING, None),
        (Resolution.SUPERSEDED, NoticeState.SKIPPED, Reason.SUPERSEDED),
    ],
)
def test_an_end_is_told_unless_another_alert_speaks(
    resolution: Resolution, state: NoticeState, reason: Reason | None
) -> None:
    over = Life().hears(OPENED, finding("resolved", 5, resolution=resolution))
    assert planned(over) == (NoticeKind.RESOLVED, state, reason)


def test_what_was_wrong_before_the_installation_waits_for_the_one_message() -> None:
    old = finding("opened", 1, began=-31 * 24 * 60, starts=None)
    assert planned(Life().hears(old)) == (NoticeKind.OPENED, NoticeState.HELD, None)
    text = baseline_text({Rule.ORPHANED_LOCAL: 3, Rule.STATUS_DRIFT: 1})
    assert text == (
        "📋 Found at installation: 4 older faults · In your database, missing in Cal.com: 3 · Statuses differ: 1"
    )


def test_a_first_message_reads_as_people_expect() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    text = notice_text(NoticeKind.OPENED, Life(berlin).hears(OPENED).alert, audience(berlin), at(8))
    assert text == (
        "🔴 Booked in Cal.com, missing in your database. Starts in 52 min (P1, company 3)"
        " · Cal.com: accepted, Thu 14:00 CET · database: no row"
        " · Proved 13:01:00: Cal.com 200, database 0 rows for 4fQ (waited 4 s)"
        " · booking 4fQ · <https://app.cal.com/booking/4fQ|Open booking>"
        " · Runbook: docs/runbooks/orphaned_calcom.md · orphaned_calcom"
    )


def test_a_resolved_message_says_why_and_for_how_long() -> None:
    over = Life().hears(OPENED, finding("resolved", 11, proved=1)).alert
    text = notice_text(NoticeKind.RESOLVED, over, audience(), at(12))
    assert text.startswith(
        "✅ Recovered: Booked in Cal.com, missing in your database (company 3) · stood for 12 min · booking 4fQ"
    )


def test_a_reopened_message_counts_the_episode() -> None:
    back = Life().hears(OPENED, finding("opened", 9, episode=2)).alert
    assert "again (episode 2)" in notice_text(NoticeKind.REOPENED, back, audience(), at(10))


def test_text_from_outside_cannot_mention_or_link() -> None:
    nasty = finding("opened", 1, subject="<!channel>&<http://x|y>", calcom=Side(status="<@U1>"))
    text = notice_text(NoticeKind.OPENED, Life().hears(nasty).alert, audience(), at(2))
    assert "<!" not in text
    assert "<@" not in text
    assert "booking &lt;!channel&gt;&amp;&lt;http://x|y&gt;" in text


@pytest.mark.parametrize(
    ("kind", "subject", "expected"),
    [
        (SubjectKind.SOURCE, "calcom:harbor", (Rule.SOURCE_STALLED, "calcom")),
        (SubjectKind.SOURCE, "webhooks:harbor", (Rule.SOURCE_STALLED, "webhooks")),
        (SubjectKind.SOURCE, "database", None),  # there is one of it
        (SubjectKind.BOOKING, "a:b", None),
    ],
)
def test_what_every_account_may_have_at_once_is_told_together(
    kind: SubjectKind, subject: str, expected: tuple[str, str] | None
) -> None:
    told = replace(finding("opened", 1, rule=Rule.SOURCE_STALLED), subject=Subject(kind=kind, id=subject))
    assert gathered_by(Life().hears(told).alert) == expected


def test_a_message_about_many_names_each_up_to_a_bound() -> None:
    alert = Life().hears(OPENED).alert
    few = notice_text(NoticeKind.OPENED, alert, audience(), at(2), [alert, alert])
    assert "the same of booking 4fQ (company 3), booking 4fQ (company 3) ·" in few
    assert " and 5 more" in notice_text(NoticeKind.OPENED, alert, audience(), at(2), [alert] * 25)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(40_000, "40 s"), (52 * 60_000, "52 min"), (185 * 60_000, "3 h 5 min"), (52 * 3_600_000, "2 d 4 h")],
)
def test_spans_read_as_people_say_them(milliseconds: int, text: str) -> None:
    assert span_text(milliseconds) == text


def test_a_channel_that_is_down_is_asked_less_and_less_often() -> None:
    assert [back_off_seconds(attempt) for attempt in (1, 2, 3, 4, 9, 99)] == [1, 2, 4, 8, 30, 30]
