"""start_time_drift: both sides live, their starts differ by more than the tolerance."""

import pytest

from streams.model.judgement import Judgement
from tests.words import HOUR, World, pair


def test_agreeing_sides_are_silent() -> None:
    assert pair().until(90).told() == []


@pytest.mark.parametrize("apart", [60, -60, 30])
def test_a_minute_is_tolerated(apart: float) -> None:
    assert pair(start=HOUR + apart).until(20).told() == []


def test_another_start_is_told_within_five_seconds() -> None:
    world = pair(start=HOUR + 61)
    world.until(20)
    assert world.told() == ["opened start_time_drift appointment 17"]
    assert world.told_at("start_time_drift") <= 5
    [difference] = world.finding("start_time_drift").differences
    assert difference.field == "start"


def test_it_resolves_on_the_rows_change_at_once() -> None:
    world = pair(start=HOUR * 2)
    world.until(10).writes("17", start=HOUR)
    world.until(11)
    assert world.told()[-1] == "resolved start_time_drift appointment 17 (recovered)"


def test_it_resolves_on_a_webhooks_claim_only_after_a_read() -> None:
    world = pair(start=HOUR * 2)
    world.until(10)
    world.change("4fQx", start=world.rows[("appointments", "17")]["starts_at"])
    world.change("4fQx", end=world.rows[("appointments", "17")]["ends_at"])
    world.hears("BOOKING_RESCHEDULED", "4fQx")
    world.until(11)
    assert len(world.told()) == 1
    world.until(16)
    assert world.told()[-1] == "resolved start_time_drift appointment 17 (recovered)"


def test_the_tolerance_is_a_tenants_own() -> None:
    wide = Judgement(tenants={"1": Judgement(tolerance_ms=600_000)})
    assert pair(start=HOUR + 300, judgement=wide).until(20).told() == []
    other = Judgement(tenants={"2": Judgement(tolerance_ms=600_000)})
    assert pair(start=HOUR + 300, judgement=other).until(20).told() == ["opened start_time_drift appointment 17"]


def test_instants_are_compared_and_never_their_texts() -> None:
    """Three styles of one instant (facts/calcom.md §1.4)."""
    for text in ("2027-01-15T09:00:00Z", "2027-01-15T10:00:00+01:00", "2027-01-15T09:00:00.000Z"):
        world = World()
        world.booking("4fQx")
        world.posts("BOOKING_CREATED", "4fQx", startTime=text)
        world.writes("17", booking="4fQx")
        assert world.until(20).told() == []


def test_a_row_moved_to_another_start_and_back_within_the_grace_is_none() -> None:
    world = pair()
    world.until(10).writes("17", start=HOUR * 2)
    world.until(11.5).writes("17", start=HOUR)
    assert world.until(40).told() == []


def test_another_difference_of_the_same_fault_is_an_update_and_no_new_episode() -> None:
    world = pair(start=HOUR * 2)
    world.until(10).writes("17", start=HOUR * 3)
    world.until(20)
    assert world.told() == ["opened start_time_drift appointment 17"]
    updated = world.finding("start_time_drift", "updated")
    assert updated.episode == 1
    assert updated.differences[0].local == "2027-01-15T11:00:00.000Z"


def test_of_a_booking_and_a_row_that_are_over_nothing_is_said() -> None:
    world = World()
    world.booking("4fQx", start=-HOUR)
    world.hears("BOOKING_CREATED", "4fQx")
    world.writes("17", booking="4fQx", start=-2 * HOUR)
    assert world.until(20).told() == []
