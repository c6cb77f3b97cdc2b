"""What each verdict says, whole: about whom, under which names, for which reason, and after what suspicion."""

from typing import Any

import pytest

from streams.model.records import Difference, Subject, Verdict
from streams.model.rule import SubjectKind
from tests.plain_worlds import drifted, lonely_booking, twins
from tests.words import HOUR, World, clock, pair

NAMES = ("4fQx", "900001")


def verdict(seconds: float, kind: str, subject: str, word: Any, reason: str, **fields: Any) -> Verdict:
    said = {"as_of": clock(seconds), "compared_through": clock(seconds)}
    return Verdict(
        tenant="1", subject=Subject(kind=SubjectKind(kind), id=subject), verdict=word, reason=reason, **said, **fields
    )


def booking(seconds: float, word: str, reason: str, **fields: Any) -> Verdict:
    return verdict(seconds, "booking", "4fQx", word, reason, **({"aliases": NAMES} | fields))


def told(world: World) -> list[Verdict]:
    return [each for _, each in world.verdicts]


def lonely() -> World:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    return world


def test_a_pair_is_unread_and_then_in_sync_and_that_is_all() -> None:
    assert told(pair().until(60)) == [booking(0.2, "unknown", "unread"), booking(3.8, "agree", "in_sync")]


def test_a_fault_is_suspected_proved_with_its_differences_and_over() -> None:
    world = drifted().until(20)
    world.writes("17", start=HOUR)
    start = Difference(field="start", local=clock(2 * HOUR), calcom=clock(HOUR))
    assert told(world.until(40)) == [
        booking(0.2, "unknown", "suspected:start_time_drift"),
        booking(4.2, "differ", "start_time_drift", differences=(start,)),
        booking(20.2, "agree", "in_sync"),
    ]


def test_while_it_is_being_read_it_is_still_suspected() -> None:
    world = World(answer_after=20)
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    assert told(world.until(15)) == [booking(0.2, "unknown", "suspected:orphaned_calcom")]


def test_a_suspicion_that_came_to_nothing_says_how_long_it_stood() -> None:
    world = lonely().until(0.4)
    world.polled("4fQx")
    world.until(2).writes("17", booking="4fQx")
    assert told(world.until(20)) == [
        booking(0.2, "unknown", "suspected:orphaned_calcom"),
        booking(2.2, "agree", "cleared:orphaned_calcom", suspected_for_ms=2_000),
    ]


def test_what_agrees_is_told_once_though_it_agrees_for_another_reason_by_now() -> None:
    world = lonely().until(0.4)
    world.polled("4fQx")
    world.until(2).writes("17", booking="4fQx")
    before = told(world.until(20))
    world.polled("4fQx")
    world.writes("17", customer_id=8)
    assert told(world.until(40)) == before


def test_a_suspicion_about_the_row_of_a_booking_is_told_with_the_booking_only() -> None:
    world = pair(start=2 * HOUR).until(0.4)
    world.polled("4fQx")
    world.until(1).writes("17", start=HOUR)
    assert told(world.until(20)) == [
        booking(0.2, "unknown", "suspected:start_time_drift"),
        booking(1.2, "agree", "cleared:start_time_drift", suspected_for_ms=1_000),
    ]


def test_what_agreed_before_and_was_suspected_since_says_so_though_it_agrees_again() -> None:
    world = pair().until(20)
    world.writes("17", start=2 * HOUR)
    world.until(21).writes("17", start=HOUR)
    assert told(world.until(40))[1:] == [
        booking(3.8, "agree", "in_sync"),
        booking(20.2, "unknown", "suspected:start_time_drift"),
        booking(21.2, "agree", "cleared:start_time_drift", suspected_for_ms=1_000),
    ]


def test_a_suspicion_about_a_call_that_came_to_nothing_is_a_verdict_of_its_own() -> None:
    world = World()
    world.calls("5", direction=None)
    world.until(1).calls("5", direction="inbound")
    cleared = verdict(1.2, "call", "5", "agree", "cleared:missing_direction", suspected_for_ms=1_000)
    assert told(world.until(10)) == [cleared]


def test_each_rule_about_a_call_that_came_to_nothing_is_told() -> None:
    world = World()
    world.calls("5", direction=None)
    world.until(1).calls("5", direction="inbound")
    world.until(5).calls("5", session_outcome="appointment_booked", appointment_made=False)
    world.until(6).calls("5", session_outcome="no_answer")
    world.until(10).calls("5", direction=None)
    world.until(11).calls("5", direction="inbound")
    assert [said.reason for said in told(world.until(20))] == [
        "cleared:missing_direction",
        "cleared:phantom_booking",
        "cleared:missing_direction",
    ]


def test_so_is_one_about_an_appointment_without_a_booking() -> None:
    world = World()
    world.writes("17", booking=None)
    world.until(3).writes("17", status="cancelled")
    cleared = verdict(3.2, "appointment", "17", "agree", "cleared:never_synced", suspected_for_ms=3_000)
    assert told(world.until(10)) == [cleared]


def test_once_the_appointment_has_a_booking_the_booking_speaks_for_it() -> None:
    world = World()
    world.writes("17", booking=None)
    world.until(3).booking("4fQx")
    world.writes("17", booking="4fQx")
    world.polled("4fQx")
    assert told(world.until(20)) == [booking(3.2, "agree", "cleared:never_synced", suspected_for_ms=3_000)]


def test_a_fault_of_a_call_alone_is_no_verdict_about_a_booking() -> None:
    world = World()
    world.calls("5", direction=None)
    assert told(world.until(20)) == []


def test_a_fault_of_a_call_leaves_its_booking_in_sync() -> None:
    world = pair()
    world.calls("5", direction=None, booking_id="4fQx")
    world.until(20)
    assert world.told() == ["opened missing_direction call 5"]
    assert told(world) == [booking(0.2, "unknown", "unread"), booking(3.8, "agree", "in_sync")]


@pytest.mark.parametrize("source", ["database", "calcom:a1"])
def test_what_a_silent_source_holds_back_is_unknown_for_its_sake(source: str) -> None:
    world = World()
    world.source(source, "stalled")
    if source == "database":
        world.booking("4fQx")
        world.hears("BOOKING_CREATED", "4fQx")
    else:
        world.writes("17", booking="4fQx")
    [said] = told(world.until(20))[:1]
    assert (said.verdict, said.reason) == ("unknown", f"held_back:{source}")


def test_what_could_not_be_checked_is_unknown_for_that() -> None:
    world = World()
    world.writes("17", booking="gone1")
    world.calcom_says = "unusable"

    def gone(seconds: float, reason: str) -> Verdict:
        return verdict(seconds, "booking", "gone1", "unknown", reason, aliases=("gone1",))

    assert told(world.until(390)) == [gone(0.2, "suspected:orphaned_local"), gone(365.6, "verification_failed")]


def test_a_chain_is_told_under_its_newest_link_and_all_of_its_names() -> None:
    world = pair().until(20)
    world.reschedule("4fQx", "5gRy", start=3 * HOUR)
    world.hears("BOOKING_RESCHEDULED", "5gRy")
    world.writes("17", booking="5gRy", start=3 * HOUR)
    names = ("4fQx", "5gRy", "900001", "900002")
    assert told(world.until(60))[2:] == [
        verdict(20.2, "booking", "5gRy", "unknown", "unread", aliases=names),
        verdict(23.8, "booking", "5gRy", "agree", "in_sync", aliases=names),
    ]


def test_two_rows_of_one_booking_differ_for_both() -> None:
    said = told(twins().until(20))[-1]
    assert (said.subject.id, said.verdict, said.reason) == ("4fQx", "differ", "duplicate_appointment")
    assert said.differences == twins().until(20).finding("duplicate_appointment").differences


def test_each_booking_of_a_cause_has_its_own_verdict() -> None:
    """One host's two bookings hang together; the fault is the younger one's."""
    world = pair()
    world.calls("5", booking_id="4fQx")
    world.booking("other", start=5 * HOUR)
    world.hears("BOOKING_CREATED", "other")
    world.writes("18", booking="other", start=5 * HOUR, call_id=5, customer_id=2)
    world.until(20)
    by_uid = {said.subject.id: said.verdict for said in told(world)}
    assert by_uid["4fQx"] == "agree"


def test_a_restarted_worker_tells_it_once_more() -> None:
    world = lonely_booking().until(20)
    before = told(world)[-1]
    world.restarts()
    again = told(world.until(90))[-1]
    assert (again.verdict, again.reason, again.differences) == (before.verdict, before.reason, before.differences)
    assert again.as_of > before.as_of
