"""missing_call_link: an appointment made by a call does not name it."""

import pytest

from tests.words import HOUR, World


def test_an_appointment_of_the_phone_agent_without_its_call() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.writes("17", booking="4fQx", source="retell_webhook")
    assert world.until(12).told() == ["opened missing_call_link appointment 17"]


def test_a_call_that_names_the_booking_of_an_unlinked_appointment() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.writes("17", booking="4fQx")
    world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id="4fQx")
    world.until(15)
    assert world.told() == ["opened missing_call_link appointment 17"]
    assert world.finding("missing_call_link").call_id == "5"


def test_a_link_written_in_time_is_none() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.writes("17", booking="4fQx", source="retell_webhook")
    world.until(2).writes("17", call_id=5)
    assert world.until(15).told() == []


@pytest.mark.parametrize("status", ["cancelled", "completed", "no_show"])
def test_an_appointment_that_is_closed_needs_no_link(status: str) -> None:
    world = World()
    world.writes("17", source="retell_webhook", status=status)
    assert world.until(15).told() == []


def test_an_appointment_that_is_over_needs_no_link() -> None:
    world = World()
    world.writes("17", source="retell_webhook", start=-HOUR)
    assert world.until(15).told() == []


def test_a_call_that_another_appointment_has_makes_no_claim() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id="4fQx")
    world.writes("17", booking="4fQx", call_id=5)
    world.writes("18", booking="4fQx", status="pending_review")
    assert world.until(20).told() == []


def test_another_source_without_a_call_is_none() -> None:
    world = World()
    world.writes("17", source="walk_in")
    assert world.until(15).told() == []
