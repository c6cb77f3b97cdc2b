"""stuck_pending: the sync of an appointment is pending and does not get on."""

import msgspec
import pytest

from streams.model.observation import RowChanged
from tests.words import HOUR, World, clock, pair


def pending(**columns: object) -> World:
    """A booking and its row; 10 s later its sync becomes pending."""
    world = pair(start=HOUR)
    world.until(10).writes("17", calcom_sync_status="pending", **columns)
    return world


def test_five_minutes_after_the_change_to_pending_it_is_told() -> None:
    world = pending()
    world.until(309, every=1)
    assert world.told() == []
    world.until(315)
    assert world.told() == ["opened stuck_pending appointment 17"]
    assert world.finding("stuck_pending").severity == "warning"
    assert world.finding("stuck_pending").opened_at == clock(10)


def test_attempts_that_count_up_do_not_begin_it_anew() -> None:
    """Far more changes than a row's history holds."""
    world = pending()
    for change in range(1, 100):
        world.writes("17", sync_attempt_count=change % 3)
        world.until(10 + change * 3, every=1)
    world.until(315)
    assert world.told() == ["opened stuck_pending appointment 17"]


def test_another_change_of_the_row_does_not_begin_it_anew() -> None:
    world = pending()
    world.until(200, every=1).writes("17", status="scheduled")
    assert world.until(315, every=1).told() == ["opened stuck_pending appointment 17"]


def test_a_sync_that_gets_on_in_time_is_none() -> None:
    world = pending()
    world.until(300, every=1).writes("17", calcom_sync_status="synced")
    assert world.until(700, every=1).told() == []


def test_a_second_pending_begins_it_anew() -> None:
    world = pending()
    world.until(200, every=1).writes("17", calcom_sync_status="synced")
    world.until(250, every=1).writes("17", calcom_sync_status="pending")
    world.until(545, every=1)
    assert world.told() == []
    assert world.until(556).told() == ["opened stuck_pending appointment 17"]


def snapshot(change: RowChanged) -> RowChanged:
    version = msgspec.structs.replace(change.version, snapshot_row=True)
    return msgspec.structs.replace(change, version=version)


@pytest.mark.parametrize(("made_at", "by"), [(-HOUR, 2.0), (-280.0, 22.0)])
def test_where_nobody_saw_the_change_it_counts_since_the_row_was_made(made_at: float, by: float) -> None:
    world = World()
    world.booking("4fQx")
    row = world.appointment("17", booking="4fQx", calcom_sync_status="pending", created_at=clock(made_at))
    world.captured(snapshot(row))
    assert world.until(by, every=1).told() == ["opened stuck_pending appointment 17"]


def test_a_row_without_its_time_counts_since_it_was_heard_of() -> None:
    world = World()
    world.booking("4fQx")
    world.captured(snapshot(world.appointment("17", booking="4fQx", calcom_sync_status="pending", created_at=None)))
    assert world.until(299, every=1).told() == []
    assert world.until(305, every=1).told() == ["opened stuck_pending appointment 17"]


def test_the_row_is_read_before_it_is_told() -> None:
    """The change that ended it was lost on the way."""
    world = pending()
    world.until(100, every=1).appointment("17", calcom_sync_status="synced")
    assert world.until(400, every=1).told() == []


@pytest.mark.parametrize("status", ["completed", "no_show"])
def test_what_has_happened_needs_no_sync_any_more(status: str) -> None:
    world = World()
    world.writes("17", status=status, calcom_sync_status="pending")
    assert world.until(400, every=1).told() == []


def test_a_cancellation_that_waits_counts_too() -> None:
    world = pair(status="cancelled", booked="cancelled")
    world.writes("17", calcom_sync_status="pending")
    assert world.until(310, every=1).told() == ["opened stuck_pending appointment 17"]


def test_a_sync_that_fails_at_last_takes_over() -> None:
    world = pending()
    world.until(320, every=1).writes("17", sync_attempt_count=3)
    assert world.until(330, every=1).told()[1:] == [
        "opened sync_failed appointment 17",
        "resolved stuck_pending appointment 17 (superseded)",
    ]
