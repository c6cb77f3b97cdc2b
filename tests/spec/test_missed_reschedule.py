"""missed_reschedule: the appointment still names an old link of its chain."""

from tests.words import HOUR, World


def rescheduled(*, status: str = "accepted", trigger: str = "BOOKING_RESCHEDULED") -> World:
    """A settled pair whose booking was moved at 10 s, told by the one webhook there is."""
    world = World()
    world.booking("oldA")
    world.hears("BOOKING_CREATED", "oldA")
    world.writes("17", booking="oldA")
    world.until(10).reschedule("oldA", "newB", start=HOUR * 3, status=status)
    world.hears(trigger, "newB")
    return world


def test_a_row_that_stays_behind_is_told() -> None:
    world = rescheduled()
    world.until(30)
    assert world.told() == ["opened missed_reschedule appointment 17"]
    assert world.finding("missed_reschedule").booking_uid == "newB"
    assert world.told_at("missed_reschedule") - 10 <= 8


def test_a_row_that_follows_in_time_is_none() -> None:
    world = rescheduled()
    world.until(11.5).writes("17", booking="newB", start=HOUR * 3)
    assert world.until(40).told() == []


def test_a_pending_newest_link_is_waited_for_and_its_rejection_is_a_status_drift() -> None:
    world = rescheduled(status="pending", trigger="BOOKING_REQUESTED")
    assert world.until(30).told() == []
    world.change("newB", status="rejected")
    world.hears("BOOKING_REJECTED", "newB")
    assert world.until(45).told() == ["opened status_drift appointment 17"]


def test_where_another_active_row_holds_the_newest_link_the_old_row_is_a_status_drift() -> None:
    world = rescheduled()
    world.writes("18", booking="newB", start=HOUR * 3)
    assert world.until(30).told() == ["opened status_drift appointment 17"]


def test_webhooks_swapped_make_no_finding() -> None:
    world = World()
    world.booking("oldA")
    created = world.webhook("BOOKING_CREATED", "oldA")
    world.appointment("17", booking="oldA")
    world.until(1).reschedule("oldA", "newB", start=HOUR * 3)
    moved = world.appointment("17", booking="newB", start=HOUR * 3)
    world.hears("BOOKING_RESCHEDULED", "newB")
    world.until(2).captured(moved)
    world.until(3).heard(created)
    assert world.until(40).told() == []


def test_a_chain_told_as_orphan_keeps_its_name_when_it_is_rescheduled() -> None:
    world = World()
    world.booking("oldA")
    world.hears("BOOKING_CREATED", "oldA")
    world.until(10).reschedule("oldA", "newB", start=HOUR * 3)
    world.hears("BOOKING_RESCHEDULED", "newB")
    world.until(40)
    assert world.told() == ["opened orphaned_calcom booking oldA"]


def test_an_unknown_predecessor_is_read_back_to_the_root_before_an_orphan_is_told() -> None:
    """The row names the root by its numeric id, and only the read of the chain knows it (F 3 in 24 223)."""
    world = World()
    world.booking("rootA", id=555)
    world.reschedule("rootA", "midB", start=HOUR * 2)
    world.reschedule("midB", "newC", start=HOUR * 3)
    world.appointment("17", booking="555")
    world.hears("BOOKING_RESCHEDULED", "newC")
    told = world.until(40).told()
    assert told == ["opened missed_reschedule appointment 17"]


def test_it_ends_when_the_row_follows() -> None:
    world = rescheduled()
    world.until(25).writes("17", booking="newB", start=HOUR * 3)
    world.until(40)
    assert world.told()[-1] == "resolved missed_reschedule appointment 17 (recovered)"
    assert len(world.told()) == 2
