"""The review queue: which alerts a person must decide about, how urgent, and how an item lives."""

import msgspec
import pytest

from streams.alerts.actions import Resolve
from streams.alerts.alert import Alert
from streams.alerts.review import (
    PRIORITY,
    Decision,
    ReviewItem,
    ReviewReason,
    ReviewRefused,
    claim,
    decide,
    follow,
    reason_of,
    release,
    review_item,
)
from streams.alerts.sync_failure import FIRST_STATUS, FailureType, failure_of
from streams.model.rule import SOURCE_RULES, Resolution, Rule
from tests.alert_words import Life, at, finding


def item_of(alert: Alert) -> ReviewItem:
    item = review_item(alert)
    assert item is not None
    return item


def opened(rule: Rule = Rule.ORPHANED_CALCOM) -> Life:
    return Life().hears(finding("opened", 1, rule=rule))


@pytest.mark.parametrize(
    ("rule", "reason", "priority"),
    [
        (Rule.VERIFICATION_FAILED, "appointment_validation_failed", 1),
        (Rule.MISSING_APPOINTMENT, "appointment_validation_failed", 1),
        (Rule.ORPHANED_CALCOM, "appointment_validation_failed", 1),
        (Rule.TENANT_MISMATCH, "tenant_mismatch", 1),
        (Rule.ORPHANED_LOCAL, "calcom_booking_failed", 2),
        (Rule.SYNC_FAILED, "calcom_booking_failed", 2),
        (Rule.DUPLICATE_APPOINTMENT, "duplicate", 3),
        (Rule.DUPLICATE_BOOKING, "duplicate", 3),
        (Rule.START_TIME_DRIFT, "time_conflict", 3),
        (Rule.MISSING_TENANT, "owner_unclear", 4),
        (Rule.APPOINTMENT_MADE_MISMATCH, "flags_contradict", 5),
    ],
)
def test_each_reason_has_its_priority(rule: Rule, reason: str, priority: int) -> None:
    item = item_of(opened(rule).alert)
    assert (item.reason, item.priority, item.state) == (reason, priority, "pending")


def test_every_reason_is_some_rules_and_has_a_priority_from_1_to_5() -> None:
    assert {reason_of(rule) for rule in Rule} - {None} == set(ReviewReason)
    assert set(PRIORITY) == set(ReviewReason)
    assert set(PRIORITY.values()) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("rule", [Rule.MISSING_DIRECTION, Rule.MISSING_CALL_LINK, Rule.MISSED_RESCHEDULE])
def test_what_can_be_mended_without_asking_is_not_in_the_queue(rule: Rule) -> None:
    assert review_item(opened(rule).alert) is None


def test_sources_are_nobodys_decision() -> None:
    assert [reason_of(rule) for rule in SOURCE_RULES] == [None] * len(SOURCE_RULES)


def test_faults_older_than_the_installation_are_not_in_the_queue() -> None:
    old = Life().hears(finding("opened", 1, began=-60 * 24 * 40, starts=-60)).alert
    assert old.baseline
    assert review_item(old) is None


def test_an_item_leaves_by_itself_when_its_alert_ends_and_comes_back_with_it() -> None:
    life = opened()
    item = follow(None, life.alert)
    gone = follow(item, life.hears(finding("resolved", 5, proved=1)).alert)
    assert gone is not None
    assert (gone.state, gone.ended_at) == ("withdrawn", life.alert.updated_at)
    back = follow(gone, life.hears(finding("opened", 9, episode=2)).alert)
    assert back is not None
    assert (back.state, back.episode, back.times, back.ended_at) == ("pending", 2, 2, None)
    assert back.version > gone.version


def test_a_higher_episode_asks_again_though_the_last_one_was_decided() -> None:
    life = opened()
    decided = decide(item_of(life.alert), Decision.WAIT, "the branch knows", "ana", at(3))
    again = follow(decided, life.hears(finding("opened", 9, episode=2)).alert)
    assert again is not None
    assert (again.state, again.decision, again.decided_by, again.note) == ("pending", None, None, None)


def test_a_change_of_the_alert_leaves_people_at_what_they_are() -> None:
    life = opened()
    mine = claim(item_of(life.alert), "ana", at(2))
    assert follow(mine, life.hears(finding("updated", 4, proved=1)).alert) == mine
    decided = decide(mine, Decision.WAIT, None, "ana", at(5))
    assert follow(decided, life.hears(finding("updated", 6, proved=1)).alert) == decided


def test_a_decision_is_kept_when_its_alert_ends_and_a_reopened_alert_asks_again() -> None:
    life = opened()
    decided = decide(item_of(life.alert), Decision.EXPECTED, None, "ana", at(3))
    ended = follow(decided, life.does(Resolve(resolution=Resolution.EXPECTED)).alert)
    assert ended is not None
    assert (ended.state, ended.decision, ended.ended_at is None) == ("decided", "expected", False)
    standing = msgspec.structs.replace(life.alert, status="open", resolution=None)
    again = follow(ended, msgspec.convert(msgspec.to_builtins(standing), Alert))
    assert again is not None
    assert again.state == "pending"


def test_one_person_is_at_it_until_they_or_an_admin_release_it() -> None:
    item = item_of(opened().alert)
    mine = claim(item, "ana", at(2))
    assert (mine.state, mine.claimed_by) == ("claimed", "ana")
    assert claim(mine, "ana", at(3)) == mine
    for attempt in (
        lambda: claim(mine, "ben", at(3)),
        lambda: release(mine, "ben", at(3)),
        lambda: decide(mine, Decision.MENDED, None, "ben", at(3)),
    ):
        with pytest.raises(ReviewRefused, match="ana is at it"):
            attempt()
    assert release(mine, "ana", at(3)).state == "pending"
    assert release(mine, None, at(3)).claimed_by is None
    assert release(item, "ben", at(3)) == item


def test_what_left_the_queue_is_decided_no_more_but_saying_the_same_twice_is_no_error() -> None:
    decided = decide(item_of(opened().alert), Decision.MENDED, "by hand", "ana", at(3))
    assert (decided.state, decided.decided_by, decided.note) == ("decided", "ana", "by hand")
    assert decide(decided, Decision.MENDED, "again", "ana", at(4)) == decided
    with pytest.raises(ReviewRefused, match="is decided"):
        decide(decided, Decision.WAIT, None, "ana", at(4))
    with pytest.raises(ReviewRefused, match="is decided"):
        claim(decided, "ana", at(4))


# The sync-failure ledger -------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "status"), [(Rule.ORPHANED_CALCOM, "pending"), (Rule.ORPHANED_LOCAL, "manual_review")]
)
def test_an_orphan_is_in_the_ledger_as_long_as_its_alert(rule: Rule, status: str) -> None:
    life = opened(rule)
    failure = failure_of(life.alert)
    assert failure is not None
    assert (failure.failure_type, failure.resolution_status, failure.resolved_at) == (rule, status, None)
    over = failure_of(life.hears(finding("resolved", 5, proved=1, rule=rule)).alert)
    assert over is not None
    assert (over.resolution_status, over.resolution_notes) == ("resolved", "recovered")
    assert over.resolved_at is not None


def test_other_alerts_are_no_failed_sync_and_every_sort_has_a_first_status() -> None:
    assert failure_of(opened(Rule.START_TIME_DRIFT).alert) is None
    assert set(FIRST_STATUS) == set(FailureType)
