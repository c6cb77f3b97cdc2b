"""Notices: what is worth telling."""

from typing import Any

import pytest
from msgspec.structs import replace

from connectors.notify.dispatch import back_off_seconds
from streams.alerts.actions import Acknowledge, Snooze
from streams.alerts.notice import NoticeKind, NoticeState, Reason, gathered_by, notice_of
from streams.model.records import Subject
from streams.model.rule import Resolution, Rule, SubjectKind
from tests.alert_words import Life, at, finding

OPENED = finding("opened", 1)


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


def test_a_channel_that_is_down_is_asked_less_and_less_often() -> None:
    assert [back_off_seconds(attempt) for attempt in (1, 2, 3, 4, 9, 99)] == [1, 2, 4, 8, 30, 30]
