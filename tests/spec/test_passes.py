"""After a complete pass over one side: what it should have shown and did not is asked for (design §4, issue 4)."""

from tests.words import HOUR, World, pair


def test_a_booking_that_vanished_without_a_trace_is_found() -> None:
    world = pair().until(30)
    del world.bookings["4fQx"]
    world.until(60).passes("calcom")
    world.until(90)
    assert world.told() == ["opened orphaned_local appointment 17"]


def test_a_booking_that_the_pass_showed_is_not_asked_for() -> None:
    world = pair().until(60)
    world.polled("4fQx")
    asked = len(world.asked)
    world.until(60.5).passes("calcom")
    world.until(90)
    assert len(world.asked) == asked


def test_absence_from_a_pass_alone_says_nothing() -> None:
    """A list may skip a row; the read by uid is what counts."""
    world = pair().until(60)
    world.passes("calcom")
    world.until(90)
    assert world.told() == []


def test_a_row_that_vanished_without_an_event_is_found() -> None:
    world = pair().until(30)
    world.rows.clear()
    world.until(60).passes("database")
    world.until(90)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]


def test_a_webhook_younger_than_the_pass_is_not_expected_in_it() -> None:
    world = World()
    world.until(30)
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.writes("17", booking="4fQx")
    world.passes("calcom", seconds=5)
    world.until(30.4)
    assert [question for question in world.asked if question.purpose == "settle"] == []


def test_what_lies_outside_of_the_window_is_not_expected() -> None:
    far = 100 * 24 * HOUR
    world = World()
    world.booking("4fQx", start=far)
    world.hears("BOOKING_CREATED", "4fQx")
    world.writes("17", booking="4fQx", start=far)
    world.until(30)
    asked = len(world.asked)
    world.passes("calcom")
    world.passes("database")
    world.until(60)
    assert len(world.asked) == asked


def test_a_link_that_was_rescheduled_is_not_expected() -> None:
    world = pair().until(30)
    world.reschedule("4fQx", "5gRy", start=2 * HOUR)
    world.hears("BOOKING_RESCHEDULED", "5gRy")
    world.writes("17", booking="5gRy", start=2 * HOUR)
    world.until(60).polled("5gRy")
    asked = len(world.asked)
    world.until(60.5).passes("calcom")
    world.until(90)
    assert len(world.asked) == asked
