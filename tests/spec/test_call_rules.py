"""The rules about calls: flags that contradict, appointments that are not there, links that are missing."""

import pytest

from tests.words import World


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"session_outcome": "appointment_booked", "appointment_made": False}, ["opened phantom_booking call 5"]),
        ({"session_outcome": "appointment_booked", "appointment_made": None}, []),
        ({"session_outcome": "no_interest", "appointment_made": False}, []),
        ({"direction": None}, ["opened missing_direction call 5"]),
        ({"direction": ""}, ["opened missing_direction call 5"]),
        ({"direction": "outbound"}, []),
    ],
)
def test_the_flags_of_a_call(columns: dict[str, object], told: list[str]) -> None:
    world = World()
    world.calls("5", **columns)
    world.until(10)
    assert world.told() == told
    assert all(when <= 3.2 for when, _ in world.findings)


def test_made_but_another_outcome_is_a_mismatch() -> None:
    world = World()
    world.calls("5", appointment_made=True, session_outcome="no_interest")
    world.writes("17", call_id=5)
    assert world.until(10).told() == ["opened appointment_made_mismatch call 5"]


def test_a_flag_mended_within_its_grace_is_none_and_later_it_resolves() -> None:
    world = World()
    world.calls("5", direction=None)
    world.until(1.5).calls("5", direction="inbound")
    assert world.until(20).told() == []
    world.calls("6", direction=None)
    world.until(30).calls("6", direction="inbound")
    world.until(31)
    assert world.told() == [
        "opened missing_direction call 6",
        "resolved missing_direction call 6 (recovered)",
    ]


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


def test_a_call_that_names_a_booking_nobody_holds_is_told_within_eight_seconds() -> None:
    """The 404 is first learnt early, so that its grace is over in time (design §4a, "Proof")."""
    for ref in ("gone1", "424242"):
        world = World()
        world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id=ref)
        world.until(15)
        assert world.told() == ["opened missing_appointment call 5"]
        assert world.told_at("missing_appointment") <= 8
