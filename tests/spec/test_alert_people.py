"""What people say about an alert: it holds against the machine as far as it is meant to, and no further."""

import pytest

from streams.alerts.actions import (
    SNOOZE_DAYS_MAX,
    Acknowledge,
    ActionRefused,
    Assign,
    PersonsAction,
    Recheck,
    Remark,
    Reopen,
    Resolve,
    Snooze,
    SnoozeUntilChanged,
    SnoozeUntilResolved,
    Unacknowledge,
)
from streams.model.rule import Resolution, Severity
from tests.alert_words import Life, at, clock, drifted, finding

OPENED, RESOLVED = finding("opened", 1), finding("resolved", 5, proved=1)
BACK = finding("opened", 9, episode=2)
DAY = 24 * 60
SNOOZES: list[PersonsAction] = [Snooze(until=at(560)), SnoozeUntilChanged(), SnoozeUntilResolved()]


# Whose it is -------------------------------------------------------------------------


def test_an_acknowledgement_survives_what_the_machine_finds() -> None:
    life = Life().hears(OPENED).does(Acknowledge()).does(Assign(assignee="ben")).hears(drifted(3, "x"))
    assert (life.stands, life.alert.acknowledged_by, life.alert.assignee) == ("acknowledged", "ana", "ben")
    assert life.does(Unacknowledge()).stands == "open"


def test_the_machine_resolves_what_a_person_acknowledged() -> None:
    life = Life().hears(OPENED).does(Acknowledge()).hears(RESOLVED)
    assert (life.stands, life.alert.acknowledged_by) == ("resolved recovered", "ana")


def test_the_next_episode_is_nobodys_yet_but_keeps_its_assignee() -> None:
    life = Life().hears(OPENED).does(Assign(assignee="ben")).does(Acknowledge()).hears(BACK)
    assert (life.stands, life.alert.acknowledged_by, life.alert.assignee) == ("open", None, "ben")


def test_what_is_over_is_not_acknowledged() -> None:
    with pytest.raises(ActionRefused):
        Life().hears(OPENED, RESOLVED).does(Acknowledge())


def test_an_acknowledgement_expires_and_the_alert_is_nobodys_again() -> None:
    life = Life().hears(OPENED).does(Assign(assignee="ben")).does(Acknowledge(), minutes=500)
    assert life.is_forgotten_at(559, hours=1).stands == "acknowledged"
    assert life.is_forgotten_at(560, hours=1).stands == "open"
    assert (life.alert.acknowledged_by, life.alert.acknowledged_at, life.alert.assignee) == (None, None, "ben")
    last = life.history[-1]
    assert (last.action, last.actor, last.note) == (
        "acknowledgement_expired",
        "plumbline",
        "was acknowledged by ana",
    )


def test_an_acknowledgement_may_last_for_ever() -> None:
    life = Life().hears(OPENED).does(Acknowledge(), minutes=500)
    assert life.is_forgotten_at(500 + 365 * DAY, hours=0).stands == "acknowledged"


def test_what_sleeps_or_is_over_keeps_its_acknowledgement() -> None:
    asleep = Life().hears(OPENED).does(Acknowledge()).does(Snooze(until=at(700))).is_forgotten_at(600)
    assert (asleep.stands, asleep.alert.acknowledged_by) == ("snoozed", "ana")
    assert asleep.wakes_at(700).stands == "acknowledged"
    over = Life().hears(OPENED).does(Acknowledge()).hears(RESOLVED).is_forgotten_at(600)
    assert (over.stands, over.alert.acknowledged_by) == ("resolved recovered", "ana")


# When it is over ---------------------------------------------------------------------


def test_a_person_takes_a_resolution_back() -> None:
    assert Life().hears(OPENED).does(Resolve(resolution=Resolution.MANUAL)).does(Reopen()).stands == "open"
    reopened = Life().hears(OPENED, RESOLVED).does(Reopen())
    assert reopened.stands == "open"
    assert reopened.does(Resolve(resolution=Resolution.MANUAL)).stands == "resolved manual"


@pytest.mark.parametrize("resolution", sorted(set(Resolution) - {"manual", "expected", "false_positive"}))
def test_a_person_cannot_speak_for_the_machine(resolution: Resolution) -> None:
    with pytest.raises(ActionRefused):
        Life().hears(OPENED).does(Resolve(resolution=resolution))


@pytest.mark.parametrize("resolution", [Resolution.EXPECTED, Resolution.FALSE_POSITIVE])
def test_what_a_person_judged_holds_for_the_episode_and_not_beyond(resolution: Resolution) -> None:
    life = Life().hears(OPENED).does(Resolve(resolution=resolution), minutes=2).hears(drifted(3, "x"))
    assert life.stands == f"resolved {resolution}"
    assert life.hears(finding("resolved", 5, proved=1)).stands == f"resolved {resolution}"
    assert life.hears(BACK).stands == "open"


def test_what_a_person_mended_and_is_found_later_is_open_again() -> None:
    life = Life().hears(OPENED).does(Resolve(resolution=Resolution.MANUAL), minutes=2).hears(drifted(3, "x"))
    assert (life.stands, life.story[-1]) == ("open", "reopened")
    assert life.history[-1].note == "found after it was resolved as manual"
    assert life.hears(finding("resolved", 5, proved=1)).stands == "resolved recovered"


def test_what_was_found_before_the_person_spoke_takes_nothing_back() -> None:
    mended = Life().hears(OPENED).does(Resolve(resolution=Resolution.MANUAL), minutes=4)
    assert mended.hears(drifted(3, "x")).stands == "resolved manual"
    assert mended.alert.differences[0].calcom == "x"


def test_the_cure_of_what_a_person_mended_leaves_the_persons_word() -> None:
    life = Life().hears(OPENED).does(Resolve(resolution=Resolution.MANUAL), minutes=2).hears(RESOLVED)
    assert life.stands == "resolved manual"


def test_an_older_finding_counts_against_the_person_also_when_it_arrives_after_the_cure() -> None:
    word, found = Resolve(resolution=Resolution.MANUAL), drifted(3, "x")
    in_order = Life().hears(OPENED).does(word, minutes=2).hears(found, RESOLVED)
    assert in_order.stands == "resolved recovered"
    assert Life().hears(OPENED).does(word, minutes=2).hears(RESOLVED, found).stands == in_order.stands


def test_a_restatement_takes_no_word_back() -> None:
    life = Life().hears(OPENED).does(Resolve(resolution=Resolution.MANUAL), minutes=2).is_restated_at(10)
    assert life.stands == "resolved manual"


def test_who_speaks_has_seen_what_was_heard_though_clocks_differ() -> None:
    ahead = finding("opened", 10)
    life = Life().hears(ahead).does(Resolve(resolution=Resolution.MANUAL), minutes=9)
    assert (life.stands, life.alert.resolved_at) == ("resolved manual", clock(10))


def test_what_a_person_reopened_is_over_again_by_news_that_is_newer() -> None:
    life = Life().hears(OPENED, RESOLVED).does(Reopen(), minutes=6)
    assert life.hears(finding("resolved", 5.5, proved=1)).stands == "open"
    assert life.hears(finding("resolved", 7, proved=1)).stands == "resolved recovered"


# Silence -----------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [500, 499, 500 + 91 * 24 * 60])
def test_a_snooze_ends_in_the_future_and_within_90_days(minutes: float) -> None:
    with pytest.raises(ActionRefused):
        Life().hears(OPENED).does(Snooze(until=at(minutes)), minutes=500)


@pytest.mark.parametrize("snooze", SNOOZES)
def test_a_snooze_always_ends(snooze: PersonsAction) -> None:
    life = Life().hears(OPENED).does(snooze, minutes=500)
    assert life.wakes_at(559).stands == "snoozed"
    assert life.wakes_at(500 + SNOOZE_DAYS_MAX * DAY).stands == "open"
    assert (life.story[-1], life.alert.snoozed_until) == ("snooze_ended", None)


def test_a_snooze_until_a_time_ends_then() -> None:
    assert Life().hears(OPENED).does(Snooze(until=at(560)), minutes=500).wakes_at(560).stands == "open"


@pytest.mark.parametrize("snooze", SNOOZES)
def test_a_snoozed_alert_that_is_over_is_resolved(snooze: PersonsAction) -> None:
    assert Life().hears(OPENED).does(snooze).hears(RESOLVED).stands == "resolved recovered"


@pytest.mark.parametrize("snooze", SNOOZES)
def test_the_next_episode_ends_every_snooze(snooze: PersonsAction) -> None:
    life = Life().hears(OPENED).does(snooze).hears(BACK)
    assert (life.stands, life.alert.snoozed_until) == ("open", None)


def test_a_snooze_until_it_changes_ends_when_the_facts_are_others() -> None:
    life = Life().hears(OPENED).does(SnoozeUntilChanged(), minutes=2)
    assert life.hears(finding("updated", 3, proved=1)).stands == "snoozed"
    assert life.hears(drifted(4, "x")).stands == "open"
    assert (life.story[-1], life.history[-1].note) == ("snooze_ended", "it changed")
    worse = Life().hears(OPENED).does(SnoozeUntilChanged()).hears(
        finding("updated", 3, proved=1, severity=Severity.INFO)
    )  # fmt: skip
    assert worse.stands == "open"


@pytest.mark.parametrize("snooze", [Snooze(until=at(560)), SnoozeUntilResolved()])
def test_other_snoozes_outlast_a_change(snooze: PersonsAction) -> None:
    assert Life().hears(OPENED).does(snooze).hears(drifted(3, "x")).stands == "snoozed"


def test_a_change_ends_the_snooze_also_when_what_came_later_was_heard_before() -> None:
    there_and_back = [drifted(4, "x"), finding("updated", 5, proved=1)]
    asleep = Life().hears(OPENED).does(SnoozeUntilChanged(), minutes=2)
    assert asleep.hears(*reversed(there_and_back)).stands == "open"


def test_what_was_before_the_newest_that_was_snoozed_is_no_change() -> None:
    life = Life().hears(drifted(4, "x")).does(SnoozeUntilChanged()).hears(drifted(2, "old"))
    assert life.stands == "snoozed"


def test_who_acknowledges_is_awake() -> None:
    life = Life().hears(OPENED).does(SnoozeUntilChanged()).does(Acknowledge()).hears(drifted(3, "x"))
    assert (life.stands, life.story[-1]) == ("acknowledged", "updated")


# The history -------------------------------------------------------------------------


def test_notes_and_rechecks_are_history_and_no_new_version() -> None:
    life = Life().hears(OPENED).does(Remark(note="called the branch")).does(Recheck())
    assert (life.story, life.alert.version) == (["opened", "noted", "recheck_requested"], 1)


def test_doing_twice_is_doing_once() -> None:
    life = Life().hears(OPENED).does(Acknowledge()).does(Acknowledge(), actor="ben")
    assert (life.story, life.alert.acknowledged_by) == (["opened", "acknowledged"], "ana")


def test_a_snooze_said_twice_keeps_its_bound() -> None:
    life = Life().hears(OPENED).does(SnoozeUntilResolved(), minutes=500).does(SnoozeUntilResolved(), minutes=600)
    assert (life.story, life.history[-1].note) == (["opened", "snoozed"], "until it is resolved")


def test_the_history_says_who_and_by_what_way() -> None:
    life = Life().hears(OPENED).does(Acknowledge(), actor="ana", through="slack").does(Remark(note="mine"))
    assert [(line.actor, line.through) for line in life.history] == [
        ("plumbline", "machine"),
        ("ana", "slack"),
        ("ana", "api"),
    ]
