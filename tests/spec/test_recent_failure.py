"""recent_failure: a call says that making its appointment failed, within the last 24 hours."""

import pytest

from streams.rules.recent_failure import RECENT_MS
from tests.words import World, clock

DAY = RECENT_MS / 1000


@pytest.mark.parametrize("column", ["session_outcome", "appointment_link_status"])
def test_either_column_tells_of_it_at_once_and_nothing_is_read(column: str) -> None:
    world = World()
    world.calls("5", **{column: "creation_failed"})
    world.until(0.2)
    assert world.told() == ["opened recent_failure call 5"]
    assert world.finding("recent_failure").severity == "warning"
    assert world.asked == []


def test_both_columns_are_one_alert_that_shows_both() -> None:
    world = World()
    world.calls("5", session_outcome="creation_failed", appointment_link_status="creation_failed")
    assert world.until(1).told() == ["opened recent_failure call 5"]
    shown = world.finding("recent_failure").differences
    assert [difference.field for difference in shown] == ["session_outcome", "appointment_link_status"]


def test_other_words_say_nothing_of_a_failure() -> None:
    world = World()
    world.calls("5", session_outcome="appointment_booked", appointment_made=True, appointment_link_status="linked")
    world.writes("17", call_id=5)
    assert world.until(10).told() == []


def test_a_day_after_the_call_it_is_no_longer_recent() -> None:
    world = World()
    world.calls("5", session_outcome="creation_failed")
    world.until(DAY - 60, every=30).until(DAY + 60, every=30)
    assert world.told() == ["opened recent_failure call 5", "resolved recent_failure call 5 (expired)"]


def test_an_old_call_seen_first_today_is_not_told() -> None:
    """A first run reads calls of years (design §5)."""
    world = World()
    world.calls("5", session_outcome="creation_failed", created_at=clock(-DAY - 1))
    assert world.until(10).told() == []


def test_a_call_without_its_time_counts_from_the_change() -> None:
    world = World()
    world.calls("5", session_outcome="creation_failed", created_at=None)
    world.until(DAY + 60, every=60)
    assert world.told() == ["opened recent_failure call 5", "resolved recent_failure call 5 (expired)"]


def test_a_second_try_that_succeeds_ends_it() -> None:
    world = World()
    world.calls("5", session_outcome="creation_failed", appointment_link_status="creation_failed")
    world.until(5).calls(
        "5", session_outcome="appointment_booked", appointment_link_status="linked", appointment_made=True
    )
    world.writes("17", call_id=5)
    assert world.until(10).told()[-1] == "resolved recent_failure call 5 (recovered)"
