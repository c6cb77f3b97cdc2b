"""start_time_drift, end_time_drift, status_drift: both sides hold the appointment, and differ."""

import pytest

from tests.words import HOUR, World


def pair(*, start: float = HOUR, minutes: int = 30, status: str = "confirmed", booked: str = "accepted") -> World:
    """A booking at `HOUR` for 30 minutes and its row as given, both just made."""
    world = World()
    world.booking("4fQx", status=booked)
    world.hears("BOOKING_CREATED" if booked == "accepted" else "BOOKING_REQUESTED", "4fQx")
    world.writes("17", booking="4fQx", start=start, minutes=minutes, status=status)
    return world


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


def test_another_end_alone_is_end_time_drift() -> None:
    assert pair(minutes=45).until(20).told() == ["opened end_time_drift appointment 17"]


def test_another_start_speaks_for_the_end_too() -> None:
    assert pair(start=HOUR * 2, minutes=60).until(20).told() == ["opened start_time_drift appointment 17"]


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


@pytest.mark.parametrize(
    ("row", "booked", "told"),
    [
        ("confirmed", "accepted", []),
        ("scheduled", "accepted", []),
        ("scheduled", "pending", []),
        ("pending", "pending", []),
        ("pending", "accepted", ["opened status_drift appointment 17"]),
        ("confirmed", "pending", ["opened status_drift appointment 17"]),
        ("cancelled", "accepted", ["opened status_drift appointment 17"]),
        ("moved_to_mars", "accepted", []),  # a word in neither map gives no judgement
    ],
)
def test_the_map_of_statuses(row: str, booked: str, told: list[str]) -> None:
    assert pair(status=row, booked=booked).until(20).told() == told


@pytest.mark.parametrize(("trigger", "status"), [("BOOKING_CANCELLED", "cancelled"), ("BOOKING_REJECTED", "rejected")])
def test_cancelled_or_rejected_there_and_active_here(trigger: str, status: str) -> None:
    world = pair()
    world.until(10).change("4fQx", status=status)
    world.hears(trigger, "4fQx")
    world.until(25)
    assert world.told() == ["opened status_drift appointment 17"]
    assert world.told_at("status_drift") - 10 <= 5


def test_a_cancellation_announced_early_and_never_done_is_no_finding() -> None:
    """Older senders announce before they commit: the API is the referee (facts/calcom.md §1.5)."""
    world = pair()
    world.until(10).hears("BOOKING_CANCELLED", "4fQx")
    assert world.until(40).told() == []


def test_a_silent_cancellation_is_found_by_the_poll() -> None:
    world = pair()
    world.until(10).change("4fQx", status="cancelled")
    world.polled("4fQx")
    assert world.until(25).told() == ["opened status_drift appointment 17"]


def test_status_speaks_before_time() -> None:
    assert pair(start=HOUR * 2, status="cancelled").until(20).told() == ["opened status_drift appointment 17"]
