"""phantom_booking: the call's outcome says booked, its flag says that no appointment was made."""

import pytest

from tests.words import World


@pytest.mark.parametrize(
    ("outcome", "made", "told"),
    [
        ("appointment_booked", False, ["opened phantom_booking call 5"]),
        ("appointment_booked", None, []),  # null gives no judgement
        ("no_interest", False, []),
        (None, False, []),
    ],
)
def test_the_flags_of_a_call(outcome: str | None, made: object, told: list[str]) -> None:
    world = World()
    world.calls("5", session_outcome=outcome, appointment_made=made)
    world.until(10)
    assert world.told() == told
    assert all(when <= 3.2 for when, _ in world.findings)


def test_a_flag_as_a_number_of_a_database_without_booleans() -> None:
    world = World()
    world.calls("5", session_outcome="appointment_booked", appointment_made=0)
    assert world.until(10).told() == ["opened phantom_booking call 5"]


def test_it_is_proved_by_one_select_of_the_call_alone() -> None:
    world = World()
    world.calls("5", session_outcome="appointment_booked", appointment_made=False)
    world.until(10)
    assert [type(question).__name__ for question in world.asked] == ["RowsQuestion"]


def test_a_row_mended_but_not_captured_yet_is_seen_by_the_select() -> None:
    world = World()
    world.calls("5", session_outcome="appointment_booked", appointment_made=False)
    world.until(1)
    world.call("5", appointment_made=True)
    world.rows[("appointments", "17")] = {"id": 17, "company_id": 1, "call_id": 5, "status": "confirmed"}
    assert world.until(20).told() == []
