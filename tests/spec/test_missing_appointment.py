"""missing_appointment: the call made an appointment, and no appointment has this call."""

from tests.words import World


def test_a_call_that_made_an_appointment_nobody_has() -> None:
    world = World()
    world.calls("5", appointment_made=True, session_outcome="appointment_booked")
    world.until(12)
    assert world.told() == ["opened missing_appointment call 5"]
    assert 4 <= world.told_at("missing_appointment") <= 5.2


def test_an_appointment_not_captured_yet_is_found_by_the_select() -> None:
    world = World()
    world.appointment("17", call_id=5)
    world.calls("5", appointment_made=True, session_outcome="appointment_booked")
    assert world.until(12).told() == []


def test_an_orphaned_booking_speaks_for_the_missing_appointment_of_its_call() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id="4fQx")
    world.until(30)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]
    assert world.finding("orphaned_calcom").call_id == "5"


def test_a_cancelled_booking_does_not_excuse_the_missing_appointment() -> None:
    world = World()
    world.booking("4fQx", status="cancelled")
    world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id="4fQx")
    assert world.until(30).told() == ["opened missing_appointment call 5"]


def test_a_call_that_names_a_booking_nobody_holds_is_told_within_eight_seconds() -> None:
    """The 404 is first learnt early, so that its grace is over in time (design §4a, "Proof")."""
    for ref in ("gone1", "424242"):
        world = World()
        world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id=ref)
        world.until(15)
        assert world.told() == ["opened missing_appointment call 5"]
        assert world.told_at("missing_appointment") <= 8


def test_an_appointment_that_leaves_its_call_is_missed_after_a_new_grace() -> None:
    world = World()
    world.calls("5", appointment_made=True, session_outcome="appointment_booked")
    world.writes("17", call_id=5)
    world.until(20).writes("17", call_id=6)
    world.until(40)
    assert world.told() == ["opened missing_appointment call 5"]
    assert world.told_at("missing_appointment") >= 24


def test_a_cancelled_appointment_is_the_calls_all_the_same() -> None:
    world = World()
    world.calls("5", appointment_made=True, session_outcome="appointment_booked")
    world.writes("17", call_id=5, status="cancelled")
    assert world.until(20).told() == []


def test_an_appointment_that_comes_late_ends_it() -> None:
    world = World()
    world.calls("5", appointment_made=True, session_outcome="appointment_booked")
    world.until(10).writes("17", call_id=5)
    world.until(12)
    assert world.told()[-1] == "resolved missing_appointment call 5 (recovered)"
