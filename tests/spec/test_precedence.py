"""One cause, one alert: which rule silences which, in families, and how a silenced finding ends (design §5)."""

from typing import Any

import pytest

from streams.cases.precedence import silences
from streams.model.rule import Rule, SubjectKind
from streams.rules.violation import Violation
from tests.words import HOUR, World, pair


def violation(
    rule: Rule, *, appointment: str | None = "17", call: str | None = "5", booking: str = "4fQx"
) -> Violation:
    return Violation(
        rule=rule,
        kind=SubjectKind.APPOINTMENT,
        subject="17",
        two_sided=True,
        newest=0,
        since=0,
        needs=(),
        appointment_id=appointment,
        call_id=call,
        booking_uid=booking,
    )


LADDERS = [
    (Rule.MISSED_RESCHEDULE, Rule.DUPLICATE_APPOINTMENT, Rule.ORPHANED_LOCAL),
    (Rule.MISSED_RESCHEDULE, Rule.DUPLICATE_APPOINTMENT, Rule.STATUS_DRIFT, Rule.START_TIME_DRIFT),
    (Rule.MISSED_RESCHEDULE, Rule.DUPLICATE_APPOINTMENT, Rule.STATUS_DRIFT, Rule.END_TIME_DRIFT),
    (Rule.DUPLICATE_APPOINTMENT, Rule.NEVER_SYNCED),
    (Rule.STATUS_DRIFT, Rule.START_TIME_DRIFT, Rule.END_TIME_DRIFT),
    (Rule.PHANTOM_BOOKING, Rule.APPOINTMENT_MADE_MISMATCH),
    (Rule.TENANT_MISMATCH, Rule.ORPHANED_CALCOM),
    (Rule.DUPLICATE_BOOKING, Rule.ORPHANED_CALCOM),
    (Rule.SYNC_FAILED, Rule.STUCK_PENDING),
    (Rule.SYNC_FAILED, Rule.NEVER_SYNCED),
]
HIGHER = {(higher, lower) for ladder in LADDERS for n, higher in enumerate(ladder) for lower in ladder[n + 1 :]}


@pytest.mark.parametrize("higher", list(Rule))
@pytest.mark.parametrize("lower", list(Rule))
def test_each_family_and_nothing_else(higher: Rule, lower: Rule) -> None:
    """Families, not one ladder: with one a warning silenced a critical drift (M 35)."""
    if (higher, lower) == (Rule.ORPHANED_CALCOM, Rule.MISSING_APPOINTMENT):
        return  # by the booking: below
    assert silences(violation(higher), violation(lower)) == ((higher, lower) in HIGHER)


@pytest.mark.parametrize(("higher", "lower"), sorted(HIGHER))
def test_a_rule_silences_its_own_subject_only(higher: Rule, lower: Rule) -> None:
    assert not silences(violation(higher, appointment="18", call="6", booking="5gRy"), violation(lower))


# How a silenced finding ends ---------------------------------------------------------


def drifted() -> World:
    """A pair whose start drifted, told."""
    world = pair(start=HOUR * 2).until(10)
    assert world.told() == ["opened start_time_drift appointment 17"]
    return world


def test_an_open_finding_is_superseded_when_the_higher_is_confirmed_and_not_before() -> None:
    world = drifted()
    world.writes("17", status="pending")
    world.until(11)
    assert len(world.told()) == 1
    world.until(20)
    assert world.told()[1:] == [
        "opened status_drift appointment 17",
        "resolved start_time_drift appointment 17 (superseded)",
    ]
    superseded, higher = world.finding("start_time_drift", "resolved"), world.finding("status_drift")
    assert superseded.superseded_by == higher.alert_id


def test_what_is_still_true_when_the_higher_resolves_is_proved_again_as_the_next_episode() -> None:
    world = drifted()
    world.writes("17", status="pending")
    world.until(20).writes("17", status="confirmed")
    world.until(40)
    assert world.told()[-2:] == [
        "resolved status_drift appointment 17 (recovered)",
        "opened start_time_drift appointment 17",
    ]
    assert world.findings[-1][1].episode == 2
    assert world.findings[-1][0] >= 22


def test_a_higher_suspicion_that_comes_to_nothing_leaves_the_lower_open() -> None:
    world = drifted()
    world.writes("17", status="pending")
    world.until(11).writes("17", status="confirmed")
    assert world.until(40).told() == ["opened start_time_drift appointment 17"]


def test_the_orphan_speaks_for_the_call_that_names_the_booking_under_any_link_of_its_chain() -> None:
    world = World()
    world.booking("oldA")
    world.hears("BOOKING_CREATED", "oldA")
    world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id="oldA")
    world.reschedule("oldA", "newB", start=HOUR * 3)
    world.hears("BOOKING_RESCHEDULED", "newB")
    assert world.until(40).told() == ["opened orphaned_calcom booking oldA"]


def test_when_the_orphan_ends_the_call_speaks_for_itself() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id="4fQx")
    world.until(20).change("4fQx", status="cancelled")
    world.hears("BOOKING_CANCELLED", "4fQx")
    world.until(50)
    assert world.told() == [
        "opened orphaned_calcom booking 4fQx",
        "resolved orphaned_calcom booking 4fQx (recovered)",
        "opened missing_appointment call 5",
    ]


@pytest.mark.parametrize("columns", [{"source": "retell_webhook"}])
def test_a_missing_call_link_stands_beside_a_drift(columns: dict[str, Any]) -> None:
    """`missing_call_link` and the flag rules stand alone."""
    world = pair()
    world.writes("17", start=HOUR * 2, **columns)
    assert sorted(world.until(20).told()) == [
        "opened missing_call_link appointment 17",
        "opened start_time_drift appointment 17",
    ]


def test_a_drift_of_a_row_that_is_cancelled_is_over_and_its_status_speaks() -> None:
    """Two live sides are the predicate of a drift of time: with the row cancelled it is false, not silenced."""
    world = drifted()
    world.writes("17", status="cancelled", start=HOUR * 2)
    world.until(30)
    assert world.told()[1:] == [
        "resolved start_time_drift appointment 17 (recovered)",
        "opened status_drift appointment 17",
    ]
