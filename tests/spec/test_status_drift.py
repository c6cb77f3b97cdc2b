"""status_drift: the mapped status of row and booking differs."""

import pytest

from tests.words import HOUR, World, pair


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


@pytest.mark.parametrize("word", ["completed", "no_show"])
def test_words_for_what_has_happened_agree_with_an_accepted_booking(word: str) -> None:
    """No-show is an attendee's mark, never a status of the booking (facts/calcom.md §5)."""
    assert pair(status=word).until(20).told() == []


def test_a_word_that_cal_com_may_leak_gives_no_judgement() -> None:
    """`awaiting_host` is in the database's enum and in no document (facts/calcom.md §5)."""
    world = pair()
    world.until(10).change("4fQx", status="awaiting_host")
    world.polled("4fQx")
    assert world.until(30).told() == []


def test_a_cancelled_row_beside_the_active_one_of_its_booking_is_history() -> None:
    world = pair()
    world.writes("16", booking="4fQx", status="cancelled")
    assert world.until(30).told() == []


def test_a_pending_booking_that_is_accepted_and_a_row_that_follows() -> None:
    """BOOKING_CREATED after acceptance, without reschedule fields (facts/calcom.md §1.5)."""
    world = pair(status="pending", booked="pending")
    world.until(10).change("4fQx", status="accepted")
    world.hears("BOOKING_CREATED", "4fQx")
    world.until(11.5).writes("17", status="confirmed")
    assert world.until(30).told() == []


def test_it_ends_when_the_row_is_cancelled_too() -> None:
    world = pair()
    world.until(10).change("4fQx", status="cancelled")
    world.hears("BOOKING_CANCELLED", "4fQx")
    world.until(30).writes("17", status="cancelled")
    world.until(35)
    assert world.told() == [
        "opened status_drift appointment 17",
        "resolved status_drift appointment 17 (recovered)",
    ]


def test_the_old_row_of_a_chain_whose_newest_link_is_cancelled() -> None:
    world = World()
    world.booking("oldA")
    world.hears("BOOKING_CREATED", "oldA")
    world.writes("17", booking="oldA")
    world.until(10).reschedule("oldA", "newB", start=HOUR * 3)
    world.hears("BOOKING_RESCHEDULED", "newB")
    world.change("newB", status="cancelled")
    world.hears("BOOKING_CANCELLED", "newB")
    assert world.until(40).told() == ["opened status_drift appointment 17"]


def test_a_poll_that_hears_of_a_move_before_its_webhook_starts_a_new_grace() -> None:
    """The page shows the old link cancelled, and nobody has read the new one yet (found by simulation, seed 54)."""
    world = pair()
    world.until(30).reschedule("4fQx", "newB", start=HOUR * 3)
    world.polled("4fQx")
    world.until(31.5).writes("17", booking="newB", start=HOUR * 3)
    world.until(32).hears("BOOKING_RESCHEDULED", "newB")
    assert world.until(60).told() == []


def test_where_the_newest_link_answers_404_twice_the_row_is_compared_with_the_link_it_names() -> None:
    world = pair()
    world.until(30).reschedule("4fQx", "newB", start=HOUR * 3)
    world.hears("BOOKING_RESCHEDULED", "newB")
    del world.bookings["newB"]
    world.until(60)
    assert world.told() == ["opened status_drift appointment 17"]
    reads = [q for q in world.asked if getattr(q, "uid", None) == "newB"]
    assert len({q.request_id for q in reads}) >= 2
