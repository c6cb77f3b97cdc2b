"""sync_failed: the sync of an appointment gave up, by its own word or by the number of its attempts."""

from datetime import UTC

import pytest

from streams.alerts.texts import summary
from tests.words import HOUR, World, clock, pair


def booked(**columns: object) -> World:
    """A booking and its row, which agree but for the sync columns given."""
    world = pair()
    world.until(5).writes("17", **columns)
    return world.until(6)


def test_a_sync_that_says_failed_is_told_at_once_and_nothing_is_read_for_it() -> None:
    world = booked(calcom_sync_status="failed")
    assert world.told() == ["opened sync_failed appointment 17"]
    assert world.told_at("sync_failed") <= 5.4
    assert not [question for question in world.asked if "17" in str(getattr(question, "row_id", None))]


@pytest.mark.parametrize(
    ("status", "attempts", "told"),
    [("pending", 2, False), ("pending", 3, True), (None, 3, True), ("synced", 9, False), ("failed", 0, True)],
)
def test_three_attempts_without_success_are_a_failure_whatever_the_status_says(
    status: str | None, attempts: int, told: bool
) -> None:
    world = booked(calcom_sync_status=status, sync_attempt_count=attempts)
    assert world.told() == (["opened sync_failed appointment 17"] if told else [])


def test_a_cancellation_that_was_not_carried_over_counts_too() -> None:
    world = pair(status="cancelled", booked="cancelled")
    world.until(5).writes("17", calcom_sync_status="failed")
    assert world.until(10).told() == ["opened sync_failed appointment 17"]


@pytest.mark.parametrize("status", ["completed", "no_show"])
def test_what_has_happened_needs_no_sync_any_more(status: str) -> None:
    world = World()
    world.writes("17", status=status, calcom_sync_status="failed")
    assert world.until(10).told() == []


def test_it_is_over_with_the_appointments_end() -> None:
    world = World()
    world.writes("17", start=60, calcom_sync_status="failed", booking="4fQx")
    world.booking("4fQx", start=60)
    world.until(60 + 1800 + 10, every=1)
    assert world.told()[-1] == "resolved sync_failed appointment 17 (expired)"


def test_a_further_attempt_that_fails_is_the_same_alert() -> None:
    world = booked(calcom_sync_status="failed", sync_attempt_count=1)
    for count in range(2, 9):
        world.writes("17", sync_attempt_count=count)
        world.until(world.now + 2)
    assert world.told() == ["opened sync_failed appointment 17"]


def test_a_sync_that_succeeds_in_the_end_resolves_it() -> None:
    world = booked(calcom_sync_status="failed", sync_attempt_count=3)
    world.writes("17", calcom_sync_status="synced")
    assert world.until(10).told()[-1] == "resolved sync_failed appointment 17 (recovered)"


def test_the_sync_restarts_no_other_rules_grace() -> None:
    """A row that is retried every second is judged all the same (M 26)."""
    world = pair(start=HOUR * 2)
    for attempt in range(1, 30):
        world.writes("17", calcom_sync_status="pending", sync_attempt_count=attempt)
        world.until(attempt * 0.5)
    assert world.told_at("start_time_drift") <= 7


def test_it_speaks_for_a_sync_that_is_stuck_as_well() -> None:
    world = booked(calcom_sync_status="pending", sync_attempt_count=5)
    assert world.until(400, every=1).told() == ["opened sync_failed appointment 17"]


def test_people_read_what_the_application_said() -> None:
    world = booked(calcom_sync_status="failed", sync_attempt_count=4)
    finding = world.finding("sync_failed")
    text = summary(finding, UTC)
    assert text.startswith("calcom_sync_status failed, sync_attempt_count 4 · database: confirmed, ")
    assert "Cal.com" not in text
    assert finding.opened_at == clock(5)
