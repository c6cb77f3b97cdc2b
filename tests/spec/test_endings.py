"""What ends a finding, and what begins another, in the orders that the simulation found first."""

from tests.words import HOUR, World, pair


def drifted() -> World:
    """A start that differs, told at about 5 s."""
    return pair(start=2 * HOUR).until(10)


def test_an_announced_cancellation_that_is_not_done_ends_no_finding() -> None:
    """The read that the claim asks for begins before it would count where it contradicts (3 s)."""
    world = drifted()
    world.hears("BOOKING_CANCELLED", "4fQx")
    world.until(60)
    assert world.told() == ["opened start_time_drift appointment 17"]


def test_an_announced_cancellation_of_what_the_row_names_by_now_ends_no_finding() -> None:
    """What was told was of another booking, and this one has not been read yet (seed 1177 of the simulation)."""
    world = drifted()
    world.booking("newB", start=HOUR)
    world.hears("BOOKING_CREATED", "newB")
    world.writes("17", booking="newB", start=2 * HOUR)
    world.until(11).hears("BOOKING_CANCELLED", "newB")
    world.until(60)
    assert not [line for line in world.told() if line.startswith("resolved start_time_drift")]


def test_an_orphan_whose_newest_link_nobody_knows_yet_stays_open() -> None:
    """A read of the old link names the new one before its webhook comes."""
    world = World()
    world.booking("oldA")
    world.hears("BOOKING_CREATED", "oldA")
    world.until(20)
    world.reschedule("oldA", "newB", start=HOUR)
    world.polled("oldA")
    world.until(60)
    assert not [line for line in world.told() if line.startswith("resolved")]


def test_an_orphan_whose_newest_link_answers_404_once_stays_open() -> None:
    """The replica does not have the new link yet."""
    world = World()
    world.booking("oldA")
    world.hears("BOOKING_CREATED", "oldA")
    world.until(20)
    world.reschedule("oldA", "newB", start=HOUR)
    world.polled("oldA")
    world.shown = lambda uid: None if uid == "newB" and world.now < 21.5 else world.bookings.get(uid)
    world.until(60)
    assert not [line for line in world.told() if line.startswith("resolved")]


def test_a_row_that_goes_to_an_unknown_numeric_id_ends_no_missing_link() -> None:
    """Whose id it is, nobody has told yet: the call may name the same booking."""
    world = World()
    world.booking("oldA", id=800_001)
    world.hears("BOOKING_CREATED", "oldA")
    world.writes("17", booking="oldA")
    world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id="oldA")
    world.until(20)
    world.reschedule("oldA", "newB", start=HOUR)
    world.writes("17", booking=str(world.bookings["newB"]["id"]))
    world.until(60)
    assert world.told() == ["opened missing_call_link appointment 17"]


def test_closing_the_row_on_an_old_link_is_news_for_the_chain() -> None:
    """Cancelled here first, there a second later: the reads that proved the row left behind prove no orphan."""
    world = pair()
    world.until(5)
    world.reschedule("4fQx", "newB", start=3 * HOUR)
    world.hears("BOOKING_RESCHEDULED", "newB")
    world.until(20)
    world.writes("17", status="cancelled")
    world.until(21)
    world.change("newB", status="cancelled")
    world.hears("BOOKING_CANCELLED", "newB")
    world.until(60)
    assert [line for line in world.told() if "orphaned" in line] == []


def test_a_cancellation_done_long_after_it_was_announced_is_first_learnt_then() -> None:
    """The old claim was denied by a read since; the application has its grace to follow."""
    world = pair()
    world.hears("BOOKING_CANCELLED", "4fQx")
    world.until(40)
    world.change("4fQx", status="cancelled")
    world.polled("4fQx")
    world.until(41.5)
    world.writes("17", status="cancelled")
    world.until(80)
    assert world.told() == []


def test_a_404_alone_settles_no_webhook() -> None:
    """A replica that lags by five seconds does not hide an orphan until the next poll."""
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.shown = lambda uid: None if world.now < 5 else world.bookings.get(uid)
    world.until(40)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]


def test_a_row_that_takes_over_the_newest_link_is_news_for_the_one_left_behind() -> None:
    """The application follows a reschedule with a new row, and closes the old one a second later."""
    world = pair().until(10)
    world.reschedule("4fQx", "newB", start=3 * HOUR, status="pending")
    world.hears("BOOKING_REQUESTED", "newB")
    world.until(40)
    world.writes("18", booking="newB", start=3 * HOUR, status="pending")
    world.until(41)
    world.writes("17", status="cancelled")
    world.until(80)
    assert world.told() == []


def test_a_higher_finding_speaks_until_it_is_resolved() -> None:
    """A claim that may be none ends its predicate, and lets no lower one speak meanwhile."""
    world = pair().until(10)
    world.writes("18", booking="4fQx")
    world.until(20)
    world.reschedule("4fQx", "newB", start=3 * HOUR)
    world.hears("BOOKING_RESCHEDULED", "newB")
    world.until(40)
    before = world.told()
    assert before[-1] == "resolved duplicate_appointment appointment 18 (superseded)"
    world.hears("BOOKING_CANCELLED", "newB")
    world.until(80)
    assert world.told() == before


def test_what_a_mere_claim_sets_free_has_a_grace_of_its_own() -> None:
    """Two bookings of one host and start, one of them unheld; a cancellation is announced as the proof comes in."""
    world = World()
    for uid in ("oldA", "twin"):
        world.booking(uid, hosts=[{"id": 8}])
        world.hears("BOOKING_CREATED", uid)
    world.writes("17", booking="oldA")
    world.until(4.6)
    world.hears("BOOKING_CANCELLED", "oldA")
    world.until(60)
    assert world.told() == ["opened duplicate_booking booking twin"]


def test_what_needs_no_booking_ends_though_the_booking_is_anothers() -> None:
    """Another account's booking is never shown to us: nothing that has been put right may wait for it."""
    world = World()
    world.writes("17", booking=None, start=600)
    world.until(400)
    assert world.told() == ["opened never_synced appointment 17"]
    world.calcom_says = "elsewhere"
    world.writes("17", booking="4fQx", start=600)
    assert world.until(410).told()[1:] == ["resolved never_synced appointment 17 (recovered)"]


def test_an_orphan_ends_when_its_row_names_another_accounts_booking() -> None:
    """It is there, though nothing of it may be told here (seed 371 of the simulation)."""
    world = World()
    world.writes("17", booking="gone1")
    world.until(20).calcom_says = "elsewhere"
    world.writes("17", booking="theirs1")
    world.until(60)
    assert world.told() == [
        "opened orphaned_local appointment 17",
        "resolved orphaned_local appointment 17 (recovered)",
    ]


def test_an_orphan_ends_though_a_replica_had_not_got_the_other_accounts_booking_yet() -> None:
    """The 404 came first, then the word that it is another account's (seed 610 of the simulation)."""
    world = World()
    world.writes("17", booking="gone1")
    world.until(20)
    world.writes("17", booking="theirs1")
    world.until(30).calcom_says = "elsewhere"
    assert world.until(120).told()[-1] == "resolved orphaned_local appointment 17 (recovered)"
