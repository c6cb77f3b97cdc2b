"""An alert's life: one fault is one alert for ever; what the machine finds and what people say stay apart."""

from typing import Any

import msgspec
import pytest

from streams.alerts.actions import Acknowledge
from streams.alerts.alert import Alert, for_tenants_own_eyes
from streams.alerts.priority import priority
from streams.alerts.texts import TITLES
from streams.model.ids import Instant
from streams.model.records import Evidence, Side, Subject
from streams.model.rule import Resolution, Rule, Severity, SubjectKind
from tests.alert_words import Life, at, clock, drifted, finding

OPENED, RESOLVED = finding("opened", 1), finding("resolved", 5, proved=1)
BACK = finding("opened", 9, episode=2)

FIELDS_OF_DESIGN_6 = """
id tenant rule severity priority status title summary subject booking_uid appointment_id call_id local calcom
differences opened_at detected_at updated_at resolved_at resolution episode verification evidence
acknowledged_by acknowledged_at snoozed_until assignee baseline runbook_url links schema version
"""


# What the machine finds --------------------------------------------------------------


def test_a_finding_opens_an_alert_and_its_end_resolves_it() -> None:
    life = Life().hears(OPENED)
    assert life.stands == "open"
    life.hears(RESOLVED)
    assert life.stands == "resolved recovered"
    assert life.alert.resolved_at == clock(5)
    assert life.story == ["opened", "resolved"]


def test_a_finding_heard_twice_changes_nothing() -> None:
    life = Life().hears(OPENED, OPENED, RESOLVED, RESOLVED, OPENED)
    assert life.story == ["opened", "resolved"]
    assert life.alert.version == 2


def test_an_older_finding_that_arrives_late_is_ignored() -> None:
    life = Life().hears(drifted(4, "new"), drifted(2, "old"))
    assert life.alert.differences[0].calcom == "new"


def test_a_resolution_that_arrives_before_its_opening_stays_a_resolution() -> None:
    assert Life().hears(RESOLVED, OPENED).stands == "resolved recovered"


def test_the_fault_comes_back_as_the_next_episode_of_the_same_alert() -> None:
    life = Life().hears(OPENED, RESOLVED, BACK)
    assert (life.stands, life.alert.episode, life.story[-1]) == ("open", 2, "reopened")
    assert life.alert.resolved_at is None
    assert life.alert.detected_at == clock(9)


def test_an_end_of_an_earlier_episode_does_not_close_the_later_one() -> None:
    assert Life().hears(OPENED, BACK, RESOLVED).stands == "open"


def test_a_cure_older_than_the_detection_is_late() -> None:
    cure = finding("resolved", 0.5, proved=1)
    assert Life().hears(OPENED, cure).stands == "resolved late"


@pytest.mark.parametrize("resolution", [Resolution.LATE, Resolution.EXPIRED, Resolution.SUPERSEDED])
def test_the_machine_says_why_it_is_over(resolution: Resolution) -> None:
    life = Life().hears(OPENED, finding("resolved", 5, proved=1, resolution=resolution))
    assert life.alert.resolution is resolution


def test_an_update_that_changes_nothing_people_see_is_no_change() -> None:
    life = Life().hears(drifted(2, "x"), drifted(3, "x"))
    assert life.story == ["opened"]


# What is no longer restated ----------------------------------------------------------


def test_what_two_restatements_in_a_row_lack_is_superseded() -> None:
    life = Life().hears(OPENED).is_missed_at(10)
    assert life.stands == "open"
    assert life.is_missed_at(15).stands == "resolved superseded"


def test_a_restatement_that_contains_it_forgives_the_one_that_did_not() -> None:
    life = Life().hears(OPENED).is_missed_at(10).is_restated_at(15).is_missed_at(20)
    assert life.stands == "open"


def test_a_restatement_older_than_the_finding_says_nothing_about_it() -> None:
    assert Life().hears(OPENED).is_missed_at(0).is_missed_at(0.5).stands == "open"


def test_what_was_closed_for_its_absence_stands_again_when_restated() -> None:
    life = Life().hears(OPENED).is_missed_at(10).is_missed_at(15).is_restated_at(20)
    assert (life.stands, life.story[-1]) == ("open", "reopened")


def test_what_is_being_checked_is_not_missed() -> None:
    life = Life().hears(OPENED).is_listed(10, checking=True).is_listed(15, checking=True)
    assert life.stands == "open"


# A new worker begins with an empty state ----------------------------------------------


def new_worker(change: str, minutes: float, *, episode: int = 1) -> Any:
    return finding(change, minutes, proved=minutes, episode=episode, generation=2)


def test_a_fault_that_still_stands_is_the_same_episode_and_no_second_alert() -> None:
    third = finding("opened", 1, episode=3)
    life = Life().hears(third).does(Acknowledge()).hears(new_worker("opened", 20))
    assert (life.stands, life.alert.episode, life.story[-1]) == ("acknowledged", 3, "updated")


def test_its_end_by_the_new_worker_ends_it() -> None:
    life = Life().hears(finding("opened", 1, episode=3), new_worker("opened", 20), new_worker("resolved", 30))
    assert (life.stands, life.alert.episode) == ("resolved recovered", 3)


def test_a_fault_that_was_over_comes_back_as_the_next_episode() -> None:
    life = Life().hears(OPENED, RESOLVED, new_worker("opened", 20))
    assert (life.stands, life.alert.episode) == ("open", 2)
    assert life.hears(new_worker("opened", 40, episode=2)).alert.episode == 3


def test_what_the_old_worker_still_says_is_not_heard() -> None:
    life = Life().hears(OPENED, new_worker("opened", 20), finding("resolved", 30))
    assert life.stands == "open"
    assert life.is_listed(40, generation=1).is_listed(45, generation=1).stands == "open"


def test_what_the_new_worker_does_not_find_is_superseded() -> None:
    life = Life().hears(OPENED).is_listed(20, generation=2).is_listed(25, generation=2)
    assert life.stands == "resolved superseded"


def test_its_restatements_count_its_own_episodes() -> None:
    life = Life().hears(finding("opened", 1, episode=3), new_worker("opened", 20))
    assert life.is_listed(30, open_=True, generation=2).is_listed(35, open_=True, generation=2).stands == "open"


# What an alert looks like ------------------------------------------------------------


def test_an_alert_has_exactly_the_fixed_fields_all_of_them_always() -> None:
    shown = msgspec.to_builtins(Life().hears(OPENED).alert)
    assert list(shown) == FIELDS_OF_DESIGN_6.split()
    assert shown["local"] == {"booking": None, "start": None, "end": None, "status": None}
    assert shown["verification"] == {"state": "verified", "read_at": clock(1), "attempts": 1}
    assert shown["runbook_url"] == "docs/runbooks/orphaned_calcom.md"
    assert shown["links"] == {"calcom": "https://app.cal.com/booking/4fQ", "app": None}
    assert msgspec.convert(shown, Alert) == Life().hears(OPENED).alert


def test_the_summary_says_both_sides_and_the_proof() -> None:
    alert = Life().hears(OPENED).alert
    assert alert.title == "Booked in Cal.com, missing in your database"
    assert alert.summary == (
        "Cal.com: accepted, Thu 13:00 UTC · database: no row"
        " · Proved 12:01:00: Cal.com 200, database 0 rows for 4fQ (waited 4 s)"
    )


def test_an_alert_about_a_call_shows_the_columns_of_its_rule() -> None:
    columns: dict[str, str | None] = {"session_outcome": "appointment_booked", "appointment_made": "false"}
    about_call = finding(
        "opened", 1, rule=Rule.PHANTOM_BOOKING, local=Side(extra=columns), calcom=Side(), call_id="7",
        booking_uid=None, subject="7", starts=None,
    )  # fmt: skip
    about_call = msgspec.structs.replace(about_call, subject=Subject(kind=SubjectKind.CALL, id="7"))
    alert = Life().hears(about_call).alert
    assert alert.local == columns
    assert alert.summary.startswith("call 7: session_outcome appointment_booked, appointment_made false · Proved")


def test_every_rule_has_a_title() -> None:
    assert set(TITLES) >= set(Rule)


@pytest.mark.parametrize(
    ("severity", "minutes_to_start", "first"),
    [
        (Severity.CRITICAL, 52, 1),
        (Severity.CRITICAL, 5 * 60, 2),
        (Severity.CRITICAL, 48 * 60, 3),
        (Severity.CRITICAL, None, 3),
        (Severity.CRITICAL, -5, 3),
        (Severity.WARNING, 52, 2),
        (Severity.WARNING, None, 4),
        (Severity.INFO, None, 5),
    ],
)
def test_what_starts_soon_comes_first(severity: Severity, minutes_to_start: float | None, first: int) -> None:
    starts: Instant | None = None if minutes_to_start is None else at(minutes_to_start)
    assert priority(severity, starts, at(0)) == first


@pytest.mark.parametrize(
    ("began_days_ago", "starts", "baseline"),
    [(1, 60, False), (31, 60, False), (31, -60, True), (31, None, True)],
)
def test_a_fault_older_than_the_installation_is_new_only_while_its_appointment_is_to_come(
    began_days_ago: float, starts: float | None, baseline: bool
) -> None:
    old = finding("opened", 1, began=-began_days_ago * 24 * 60, starts=starts)
    assert Life().hears(old).alert.baseline is baseline


def test_restricted_evidence_is_for_keys_of_all_tenants() -> None:
    facts = (Evidence(source="database", what="row of another tenant", restricted=True), Evidence(source="webhook"))
    alert = Life().hears(finding("opened", 1, evidence=facts)).alert
    assert for_tenants_own_eyes(alert).evidence == facts[1:]
