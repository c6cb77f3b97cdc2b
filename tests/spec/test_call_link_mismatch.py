"""call_link_mismatch: call and appointment name different partners."""

import pytest

from streams.model.records import NumericQuestion
from tests.words import HOUR, World


def booked(*uids: str) -> World:
    """Bookings at two, three, … o'clock, heard of and read."""
    world = World()
    for number, uid in enumerate(uids):
        world.booking(uid, start=HOUR * (2 + number), id=900 + number)
        world.hears("BOOKING_CREATED", uid)
    return world


def made(world: World, call: str, booking: str | None) -> None:
    world.calls(call, appointment_made=True, session_outcome="appointment_booked", booking_id=booking)


def crossed() -> World:
    """Call 5 names booking A; its appointment names B. Another appointment holds A, so that nothing is orphaned."""
    world = booked("uidA", "uidB")
    made(world, "5", "uidA")
    made(world, "6", None)
    world.writes("17", booking="uidB", start=HOUR * 3, call_id=5)
    world.writes("18", booking="uidA", start=HOUR * 2, call_id=6)
    return world


def test_a_call_and_its_appointment_that_name_different_bookings() -> None:
    world = crossed().until(15)
    assert world.told() == ["opened call_link_mismatch call 5"]
    finding = world.finding("call_link_mismatch")
    assert (finding.call_id, finding.appointment_id, finding.booking_uid) == ("5", "17", "uidA")
    assert [(d.field, d.local, d.calcom) for d in finding.differences] == [("booking", "uidB", "uidA")]
    assert 4 <= world.told_at("call_link_mismatch") <= 7


def test_one_of_several_appointments_that_names_the_calls_booking_is_enough() -> None:
    """A call may make two appointments; it has room for one booking."""
    world = booked("uidA", "uidB")
    made(world, "5", "uidA")
    world.writes("17", booking="uidA", start=HOUR * 2, call_id=5)
    world.writes("18", booking="uidB", start=HOUR * 3, call_id=5)
    assert world.until(30).told() == []


def test_an_appointment_without_a_booking_names_no_other_partner() -> None:
    world = World()
    made(world, "5", "uidA")
    world.booking("uidA", status="cancelled")
    world.writes("17", start=HOUR * 2, call_id=5)
    assert world.until(30).told() == []


def test_a_cancelled_appointment_misleads_nobody() -> None:
    world = booked("uidA")
    made(world, "5", "uidA")
    world.booking("uidB", status="cancelled")
    world.writes("17", booking="uidB", call_id=5, status="cancelled")
    world.writes("18", booking="uidA", start=HOUR * 2)
    assert "opened call_link_mismatch call 5" not in world.until(30).told()


def test_links_of_one_chain_are_one_partner() -> None:
    """A reschedule leaves the call with the first link (facts/calcom.md §3)."""
    world = booked("uidA")
    made(world, "5", "uidA")
    world.writes("17", booking="uidA", start=HOUR * 2, call_id=5)
    world.until(10).reschedule("uidA", "uidB", start=HOUR * 3)
    world.hears("BOOKING_RESCHEDULED", "uidB")
    world.writes("17", booking="uidB", start=HOUR * 3)
    assert world.until(40).told() == []


@pytest.mark.parametrize("steps", [1, 3])
def test_a_chain_that_no_webhook_told_of_is_read_back_first(steps: int) -> None:
    """The reschedules' webhooks were lost; each link names the one before (facts/calcom.md §4)."""
    world = booked("uid0")
    made(world, "5", "uid0")
    world.writes("17", booking="uid0", start=HOUR * 2, call_id=5)
    world.until(10)
    for step in range(steps):
        world.reschedule(f"uid{step}", f"uid{step + 1}", start=HOUR * 3)
    world.writes("17", booking=f"uid{steps}", start=HOUR * 3)
    assert world.until(60).told() == []


def test_a_numeric_id_may_be_the_very_booking_and_is_looked_for_first() -> None:
    world = World()
    world.booking("uidA", id=900)
    made(world, "5", "900")
    world.writes("17", booking="uidA", call_id=5)
    assert world.until(30).told() == []
    assert [q for q in world.asked if isinstance(q, NumericQuestion) and q.numeric_id == "900"]


def test_a_numeric_id_of_another_booking_is_a_mismatch() -> None:
    world = World()
    world.booking("uidA", id=900)
    world.booking("uidB", id=901)
    made(world, "5", "900")
    made(world, "6", None)
    world.writes("17", booking="901", call_id=5)
    world.writes("18", booking="uidA", call_id=6)
    assert world.until(30).told() == ["opened call_link_mismatch call 5"]


def test_while_cal_com_does_not_answer_nothing_is_told_of_bookings_nobody_read() -> None:
    world = World()
    world.calcom_down = True
    made(world, "5", "uidA")
    world.writes("17", booking="uidB", call_id=5)
    assert world.until(60).told() == []


def test_the_booking_of_a_call_that_made_it_belongs_to_another_call() -> None:
    """Not missing_appointment: the appointment is there, under a wrong call."""
    world = booked("uidA")
    made(world, "5", "uidA")
    made(world, "6", None)
    world.writes("17", booking="uidA", start=HOUR * 2, call_id=6)
    world.until(15)
    assert world.told() == ["opened call_link_mismatch call 5"]
    finding = world.finding("call_link_mismatch")
    assert [(d.field, d.local) for d in finding.differences] == [("call", "6")]
    assert (finding.appointment_id, finding.booking_uid) == ("17", "uidA")


def test_a_call_that_only_asked_about_a_booking_may_name_anothers() -> None:
    world = booked("uidA")
    world.calls("5", appointment_made=False, session_outcome="question_answered", booking_id="uidA")
    made(world, "6", "uidA")
    world.writes("17", booking="uidA", start=HOUR * 2, call_id=6)
    assert world.until(20).told() == []


def test_an_appointment_without_any_call_stays_a_missing_link() -> None:
    world = booked("uidA")
    made(world, "5", "uidA")
    world.writes("17", booking="uidA", start=HOUR * 2)
    assert world.until(20).told() == ["opened missing_call_link appointment 17"]


def test_the_rows_are_read_before_it_is_told() -> None:
    """The change that put it right was lost on the way."""
    world = crossed()
    world.until(1).call("5", booking_id="uidB")
    assert world.until(30).told() == []


def test_the_right_appointment_that_was_never_captured_is_found_by_the_select() -> None:
    world = booked("uidA", "uidB")
    made(world, "5", "uidA")
    world.writes("17", booking="uidB", start=HOUR * 3, call_id=5)
    world.appointment("18", booking="uidA", start=HOUR * 2, call_id=5)
    assert world.until(30).told() == []


def test_a_call_that_is_given_its_right_booking_resolves_it() -> None:
    world = crossed().until(15)
    world.calls("5", booking_id="uidB")
    world.calls("6", booking_id="uidA")
    assert world.until(25).told()[-1] == "resolved call_link_mismatch call 5 (recovered)"


def test_it_is_over_with_the_appointment() -> None:
    world = crossed().until(HOUR * 3 + 1800 + 60, every=5)
    assert "resolved call_link_mismatch call 5 (expired)" in world.told()
