"""appointment_made_mismatch: the flag says made, the outcome says something else."""

import pytest

from tests.words import World


def test_made_but_another_outcome_is_a_mismatch() -> None:
    world = World()
    world.calls("5", appointment_made=True, session_outcome="no_interest")
    world.writes("17", call_id=5)
    assert world.until(10).told() == ["opened appointment_made_mismatch call 5"]


@pytest.mark.parametrize("outcome", [None, "", "appointment_booked"])
def test_an_outcome_that_is_not_set_or_agrees_is_none(outcome: str | None) -> None:
    world = World()
    world.calls("5", appointment_made=True, session_outcome=outcome)
    world.writes("17", call_id=5)
    assert world.until(10).told() == []


def test_it_stands_beside_the_missing_appointment_of_the_same_call() -> None:
    """Two families: neither silences the other (design §5)."""
    world = World()
    world.calls("5", appointment_made=True, session_outcome="no_interest")
    world.until(15)
    assert sorted(world.told()) == [
        "opened appointment_made_mismatch call 5",
        "opened missing_appointment call 5",
    ]
