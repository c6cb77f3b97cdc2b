"""Notices: which changes of an alert people hear of."""

import pytest

from connectors.notify.speaker import back_off_seconds
from streams.alerts.actions import Acknowledge, Assign, Reopen, Resolve, Snooze
from streams.alerts.notice import NoticeKind, NoticeState, Reason
from streams.model.ids import Instant
from streams.model.rule import AlertStatus, Resolution
from streams.notices.due import next_digest_at, overtaken
from streams.notices.planning import Heard, decide_again
from streams.notices.silences import Matchers, Silence
from tests.alert_words import Life, at, clock, drifted, finding
from tests.log_words import ChannelLog, around, way

OPENED = finding("opened", 1)
OVER = finding("resolved", 5, proved=1)
SUPERSEDED = finding("resolved", 5, proved=1, resolution=Resolution.SUPERSEDED)
BACK = finding("opened", 9, episode=2)
OLD = finding("opened", 1, began=-31 * 24 * 60, starts=None)
ALL_SILENT = Silence(id="s", matchers=Matchers(), starts_at=at(-60), ends_at=at(60))


def told(*, edits: bool = True) -> tuple[Life, ChannelLog]:
    """An alert whose beginning went out."""
    life, log = Life().hears(OPENED), ChannelLog(way(edits=edits))
    log.hears(life.alert, "opened")
    return life, log.sends()


def test_an_open_alert_is_told_once_however_often_it_is_heard_of() -> None:
    life, log = Life().hears(OPENED), ChannelLog()
    assert log.hears(life.alert, "opened") == ["opened pending"]
    assert log.hears(life.alert, "opened") == []


def test_an_end_is_told_where_its_beginning_was() -> None:
    life, log = told()
    assert log.hears(life.hears(OVER).alert, "resolved") == ["resolved pending"]


def test_a_later_episode_is_told_as_reopened() -> None:
    life, log = told()
    log.hears(life.hears(OVER).alert, "resolved")
    log.sends()
    assert log.hears(life.hears(BACK).alert, "reopened") == ["reopened pending"]


def test_news_of_an_older_episode_is_no_news() -> None:
    life, log = told()
    before = life.hears(OVER).alert
    log.hears(life.hears(BACK).alert, "reopened")
    assert log.hears(before, "resolved") == []


def test_a_person_who_takes_a_resolution_back_is_heard_and_so_is_the_second_end() -> None:
    life, log = told()
    log.hears(life.does(Resolve(resolution=Resolution.MANUAL)).alert, "resolved")
    log.sends()
    assert log.hears(life.does(Reopen()).alert, "reopened") == ["reopened pending"]
    log.sends()
    assert log.hears(life.does(Resolve(resolution=Resolution.MANUAL)).alert, "resolved") == ["resolved pending"]


def test_what_somebody_looks_after_before_it_was_heard_of_is_not_told() -> None:
    assert ChannelLog().hears(Life().hears(OPENED).does(Acknowledge()).alert) == ["opened skipped somebody_knows"]
    assert ChannelLog().hears(Life().hears(OPENED).does(Snooze(until=at(600))).alert) == [
        "opened skipped somebody_knows"
    ]


def test_what_is_known_and_then_left_alone_is_a_reminder_told_once() -> None:
    life, log = Life().hears(OPENED).does(Snooze(until=at(600))), ChannelLog()
    log.hears(life.alert, "snoozed")
    assert log.hears(life.wakes_at(601).alert, "snooze_ended") == ["reminder pending"]
    log.sends()
    assert log.hears(life.does(Assign(assignee="ana")).alert, "assigned") == ["changed pending"]


def test_an_acknowledgement_that_ends_is_a_reminder() -> None:
    life, log = told()
    assert log.hears(life.does(Snooze(until=at(600))).alert, "snoozed") == ["changed pending"]
    log.sends()
    assert log.hears(life.wakes_at(601).alert, "snooze_ended") == ["reminder pending"]


def test_an_edit_is_for_channels_that_can_and_only_of_what_they_said() -> None:
    life, log = told()
    assert log.hears(life.does(Acknowledge()).alert, "acknowledged") == ["changed pending"]
    assert log.hears(life.does(Assign(assignee="ana")).alert, "assigned") == [], "the one that waits says it too"
    life, log = told(edits=False)
    assert log.hears(life.does(Acknowledge()).alert, "acknowledged") == []
    life, log = Life().hears(OPENED), ChannelLog()
    log.hears(life.alert, "opened")
    assert log.hears(life.hears(drifted(2, "x")).alert, "updated") == [], "it will be told as it stands then"


def test_what_another_alert_speaks_for_is_edited_and_not_told_as_recovered() -> None:
    life, log = told()
    assert log.hears(life.hears(SUPERSEDED).alert, "resolved") == ["resolved skipped superseded", "changed pending"]
    life, log = told(edits=False)
    assert log.hears(life.hears(SUPERSEDED).alert, "resolved") == ["resolved skipped superseded"]


def test_a_message_about_many_is_edited_when_one_of_them_ends() -> None:
    life, log = Life().hears(OPENED), ChannelLog()
    log.hears(life.alert, "opened")
    log.sends(Reason.GROUPED)
    assert log.hears(life.hears(OVER).alert, "resolved") == ["resolved pending", "changed pending"]


def test_what_was_wrong_before_the_installation_waits_for_the_one_message_and_ends_silently() -> None:
    life, log = Life().hears(OLD), ChannelLog()
    assert log.hears(life.alert, "opened") == ["opened held baseline"]
    over = finding("resolved", 5, proved=1, began=-31 * 24 * 60, starts=None)
    assert log.hears(life.hears(over).alert) == ["opened skipped over_before_told", "resolved skipped baseline"]
    after = ChannelLog(where=around(baseline_told=True))
    assert after.hears(Life().hears(OLD).alert) == ["opened skipped baseline"]


def test_what_is_held_back_and_over_is_never_told() -> None:
    life, log = Life().hears(OPENED), ChannelLog(where=around(silences=(ALL_SILENT,)))
    assert log.hears(life.alert, "opened") == ["opened held silenced"]
    assert log.hears(life.hears(OVER).alert) == ["opened skipped over_before_told", "resolved skipped never_told"]


def test_an_end_comes_through_a_silence_where_the_beginning_was_told() -> None:
    life, log = told()
    log.where = around(silences=(ALL_SILENT,))
    assert log.hears(life.hears(OVER).alert, "resolved") == ["resolved pending"]


def test_what_was_over_before_it_was_told_and_stands_again_is_told() -> None:
    life, log = Life().hears(OPENED), ChannelLog()
    log.hears(life.alert, "opened")
    log.skips(Reason.OVER_BEFORE_TOLD)
    log.hears(life.does(Resolve(resolution=Resolution.MANUAL)).alert, "resolved")
    assert log.hears(life.does(Reopen()).alert, "reopened") == ["opened pending"]


@pytest.mark.parametrize(
    ("kind", "told_before", "status", "episode", "reason"),
    [
        (NoticeKind.OPENED, True, AlertStatus.OPEN, 1, None),
        (NoticeKind.OPENED, True, AlertStatus.RESOLVED, 1, Reason.OVER_BEFORE_TOLD),
        (NoticeKind.OPENED, True, AlertStatus.OPEN, 2, Reason.OVER_BEFORE_TOLD),
        (NoticeKind.REPEATED, True, AlertStatus.ACKNOWLEDGED, 1, Reason.SOMEBODY_KNOWS),
        (NoticeKind.RESOLVED, True, AlertStatus.RESOLVED, 1, None),
        (NoticeKind.RESOLVED, False, AlertStatus.RESOLVED, 1, Reason.NEVER_TOLD),
        (NoticeKind.RESOLVED, True, AlertStatus.OPEN, 1, Reason.OVERTAKEN),
        (NoticeKind.RESOLVED, True, AlertStatus.OPEN, 2, None),
        (NoticeKind.CHANGED, True, AlertStatus.RESOLVED, 1, None),
    ],
)
def test_what_waited_says_the_newest_state_or_nothing(
    kind: NoticeKind, told_before: bool, status: AlertStatus, episode: int, reason: Reason | None
) -> None:
    assert overtaken(kind, 1, told_before, (status, episode), "grouped") is reason


def test_a_digest_tells_what_came_and_went_too() -> None:
    assert overtaken(NoticeKind.OPENED, 1, True, (AlertStatus.RESOLVED, 1), "digest") is None


def test_what_was_held_back_is_told_when_the_silence_ends_unless_it_is_over_or_known() -> None:
    life = Life().hears(OPENED)

    def again(where: Instant) -> tuple[NoticeState, Reason | None]:
        here = around(where, silences=(ALL_SILENT,))
        return decide_again(Heard(alert=life.alert, action=None), 1, NoticeKind.OPENED, way(), here)

    assert again(at(59)) == (NoticeState.HELD, Reason.SILENCED)
    assert again(at(60)) == (NoticeState.PENDING, None)
    life.does(Acknowledge())
    assert again(at(60)) == (NoticeState.SKIPPED, Reason.SOMEBODY_KNOWS)
    life.hears(OVER)
    assert again(at(60)) == (NoticeState.SKIPPED, Reason.OVER_BEFORE_TOLD)


@pytest.mark.parametrize(
    ("minutes", "hours", "expected"), [(0, 4, 240), (239, 4, 240), (240, 4, 480), (30, 1, 60), (30, 24, 720)]
)
def test_a_digest_goes_out_at_full_multiples_of_its_hours(minutes: float, hours: int, expected: float) -> None:
    assert clock(expected) == clock((next_digest_at(at(minutes), hours) - at(0)) / 60_000)


def test_a_channel_that_is_down_is_asked_less_and_less_often() -> None:
    assert [back_off_seconds(attempt) for attempt in (1, 2, 3, 4, 9, 99)] == [1, 2, 4, 8, 30, 30]
