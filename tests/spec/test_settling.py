"""Settling: a webhook that no read has confirmed is settled by one read 3.5 s after it came (design §4a)."""

import pytest

from streams.model.records import ReadResult
from tests.words import HOUR, World, pair


def settling(world: World) -> list[float]:
    return [when for when, q in zip(world.asked_at, world.asked, strict=True) if q.purpose == "settle"]


def test_one_read_three_and_a_half_seconds_after() -> None:
    world = pair().until(120)
    [asked] = settling(world)
    assert 3.5 <= asked <= 3.8


def test_none_when_a_page_of_the_poll_showed_it() -> None:
    world = pair().until(1)
    world.polled("4fQx")
    assert settling(world.until(60)) == []


def test_a_page_that_contradicts_it_too_early_settles_nothing() -> None:
    """A read that contradicts counts if it began 3 s or more after the webhook."""
    world = pair().until(10)
    world.hears("BOOKING_CANCELLED", "4fQx")
    world.until(11).polled("4fQx")
    # The creation's at 3.5 s, and the cancellation's two: it is denied.
    assert len(settling(world.until(60))) == 3


def test_each_new_body_is_settled_anew() -> None:
    world = pair().until(20)
    world.move("4fQx", start=HOUR * 2)
    world.hears("BOOKING_RESCHEDULED", "4fQx")
    world.writes("17", start=HOUR * 2)
    assert [round(when) for when in settling(world.until(60))] == [4, 24]


def test_a_trigger_without_a_status_asks_for_a_read_too() -> None:
    world = pair().until(20)
    world.posts("BOOKING_CANCELLED", "4fQx", status=None)
    assert len(settling(world.until(60))) == 2


def test_a_booking_that_is_over_needs_none() -> None:
    world = World()
    world.booking("4fQx", start=-2 * HOUR)
    world.hears("BOOKING_CREATED", "4fQx")
    assert settling(world.until(30)) == []


def test_a_claim_that_both_sides_seem_to_agree_on_may_never_have_happened() -> None:
    """Without settling: M 2, wrong rule 5."""
    world = pair().until(10)
    world.hears("BOOKING_CANCELLED", "4fQx")
    world.writes("17", status="cancelled")
    world.until(30)
    assert world.told() == ["opened status_drift appointment 17"]


@pytest.mark.parametrize("said", ["unavailable", "unusable", "elsewhere"])
def test_an_answer_that_shows_nothing_says_nothing(said: ReadResult) -> None:
    """Neither found nor missing: the question stays open, the answer is unknown (design §5, §9)."""
    world = World()
    world.calcom_says = said
    world.writes("17", booking="gone1")
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    assert world.until(60).told() == []
    world.calcom_says = None
    assert sorted(world.until(90).told()) == [
        "opened orphaned_calcom booking 4fQx",
        "opened orphaned_local appointment 17",
    ]


def test_a_denial_is_looked_at_twice() -> None:
    """An early announcement and a lagging replica add up to more than the wait (seed 485 of the simulation)."""
    world = pair().until(10)
    world.hears("BOOKING_CANCELLED", "4fQx")
    world.until(14.5)
    world.change("4fQx", status="cancelled")
    assert world.until(40).told() == ["opened status_drift appointment 17"]
