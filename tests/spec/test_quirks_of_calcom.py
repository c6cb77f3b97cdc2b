"""What Cal.com really does (facts/calcom.md), and why none of it is a fault: seats, series, payments, odd webhooks."""

import pytest

from tests.words import HOUR, World, pair


def seated() -> World:
    """A booking with two seats and one row for each, all settled."""
    world = World()
    world.booking("4fQx", seated=True)
    world.posts("BOOKING_CREATED", "4fQx", seatsPerTimeSlot=4)
    world.writes("17", booking="4fQx", customer_id=1)
    world.until(5).posts("BOOKING_CREATED", "4fQx", seatsPerTimeSlot=4)
    world.writes("18", booking="4fQx", customer_id=2)
    return world.until(20)


# Seats -------------------------------------------------------------------------------


def test_each_new_seat_is_created_under_the_same_uid() -> None:
    """§1.7: BOOKING_CREATED again, same uid and id; not unique per uid (§1.5)."""
    assert seated().until(90).told() == []


def test_a_seat_cancelled_says_cancelled_while_the_booking_lives() -> None:
    """§1.7: BOOKING_CANCELLED with status CANCELLED for one seat; the API still says accepted."""
    world = seated()
    world.posts("BOOKING_CANCELLED", "4fQx", seatsPerTimeSlot=4)
    world.until(21).writes("18", status="cancelled")
    assert world.until(60).told() == []


def test_the_last_seat_cancelled_cancels_the_booking() -> None:
    """§1.7: fewer than two attendees: the whole booking is cancelled."""
    world = seated()
    world.change("4fQx", status="cancelled")
    world.posts("BOOKING_CANCELLED", "4fQx", seatsPerTimeSlot=4)
    world.until(21).writes("18", status="cancelled")
    world.until(60)
    assert world.told() == ["opened status_drift appointment 17"]


def test_a_seated_booking_moved_by_its_owner_keeps_its_uid() -> None:
    """§1.5 and §1.7: start and end change in place, uid == rescheduleUid; no chain, no successor."""
    world = seated()
    world.move("4fQx", start=HOUR * 3)
    world.posts("BOOKING_RESCHEDULED", "4fQx", seatsPerTimeSlot=4, rescheduleUid="4fQx")
    for row in ("17", "18"):
        world.writes(row, start=HOUR * 3)
    assert world.until(60).told() == []


def test_rows_that_stay_behind_an_owners_move_drift() -> None:
    """§1.7, and nothing is a missed reschedule: there is one link only."""
    world = seated()
    world.move("4fQx", start=HOUR * 3)
    world.posts("BOOKING_RESCHEDULED", "4fQx", seatsPerTimeSlot=4, rescheduleUid="4fQx")
    world.writes("17", start=HOUR * 3)
    assert world.until(60).told() == ["opened start_time_drift appointment 18"]


def test_a_seat_that_moves_to_another_booking_leaves_the_old_one_alive() -> None:
    """§1.7: by the attendee; the old row stays ACCEPTED, so the two are no chain."""
    world = seated()
    world.booking("9cTx", start=HOUR * 3, seated=True, rescheduledFromUid="4fQx")
    world.posts("BOOKING_RESCHEDULED", "9cTx", seatsPerTimeSlot=4, rescheduleUid="4fQx")
    world.writes("18", booking="9cTx", start=HOUR * 3)
    assert world.until(60).told() == []


# Reschedules -------------------------------------------------------------------------


def moved_unconfirmed() -> World:
    """A pair whose booking was rescheduled where the host must confirm; the row follows as pending."""
    world = pair().until(10)
    world.reschedule("4fQx", "9cTx", start=HOUR * 3, status="pending")
    world.posts("BOOKING_REQUESTED", "9cTx", rescheduleUid="4fQx")
    world.until(11).writes("17", booking="9cTx", start=HOUR * 3, status="pending")
    return world.until(30)


def test_an_unconfirmed_reschedule_that_is_accepted() -> None:
    """§3: old is cancelled at once, new is pending; then CREATED without reschedule fields (§1.5)."""
    world = moved_unconfirmed()
    world.change("9cTx", status="accepted")
    world.posts("BOOKING_CREATED", "9cTx")
    world.until(31).writes("17", status="confirmed")
    assert world.until(70).told() == []


def test_an_unconfirmed_reschedule_that_is_rejected_leaves_neither() -> None:
    """§3: the attendee has neither; a row that stays pending is a drift, one cancelled in time is none."""
    world = moved_unconfirmed()
    world.change("9cTx", status="rejected")
    world.posts("BOOKING_REJECTED", "9cTx")
    world.until(31).writes("17", status="cancelled")
    assert world.until(70).told() == []
    world = moved_unconfirmed()
    world.change("9cTx", status="rejected")
    world.posts("BOOKING_REJECTED", "9cTx")
    assert world.until(70).told() == ["opened status_drift appointment 17"]


def test_a_host_who_asks_to_reschedule_cancels_without_a_successor() -> None:
    """§3: BOOKING_CANCELLED, no new row until the attendee books again; then a chain."""
    world = pair().until(10)
    world.change("4fQx", status="cancelled")
    world.posts("BOOKING_CANCELLED", "4fQx", requestReschedule=True)
    world.until(11).writes("17", status="cancelled")
    world.until(40).booking("9cTx", start=HOUR * 3, rescheduledFromUid="4fQx")
    world.change("4fQx", rescheduledToUid="9cTx")
    world.posts("BOOKING_RESCHEDULED", "9cTx", rescheduleUid="4fQx")
    world.until(41).writes("18", booking="9cTx", start=HOUR * 3)
    assert world.until(90).told() == []


def test_a_request_to_reschedule_of_older_senders_carries_no_status() -> None:
    """§1.5: before January 2026 without status, event type and id: it claims nothing and asks for a read."""
    world = pair().until(10)
    world.change("4fQx", status="cancelled")
    world.posts("BOOKING_CANCELLED", "4fQx", status=None, eventTypeId=None, bookingId=None)
    world.until(30)
    assert world.told() == ["opened status_drift appointment 17"]


# Payments ----------------------------------------------------------------------------


def test_a_payment_initiated_and_then_paid() -> None:
    """§1.5: INITIATED says ACCEPTED while the row is pending; PAID and CREATED come together."""
    world = World()
    world.booking("4fQx", status="pending")
    world.posts("BOOKING_PAYMENT_INITIATED", "4fQx")
    assert world.until(40).told() == []
    world.change("4fQx", status="accepted")
    world.posts("BOOKING_PAID", "4fQx")
    world.posts("BOOKING_CREATED", "4fQx")
    world.until(41).writes("17", booking="4fQx")
    assert world.until(80).told() == []


def test_a_booking_paid_that_nobody_wrote_down_is_an_orphan_from_then_on() -> None:
    """§1.5: not live until PAID or CREATED."""
    world = World()
    world.booking("4fQx", status="pending")
    world.posts("BOOKING_PAYMENT_INITIATED", "4fQx")
    world.until(40).change("4fQx", status="accepted")
    world.posts("BOOKING_PAID", "4fQx")
    world.until(60)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]
    assert world.told_at("orphaned_calcom") >= 43


def test_a_row_scheduled_while_payment_is_awaited_is_no_drift() -> None:
    """§1.5: the claim ACCEPTED of PAYMENT_INITIATED is no state."""
    world = World()
    world.booking("4fQx", status="pending")
    world.posts("BOOKING_PAYMENT_INITIATED", "4fQx")
    world.writes("17", booking="4fQx", status="confirmed")
    assert world.until(40).told() == []


# Webhooks ----------------------------------------------------------------------------


def test_a_cancellation_without_a_start() -> None:
    """§1.4: `startTime` may be "" on older cancellations; the read says what is."""
    world = pair().until(10)
    world.change("4fQx", status="cancelled")
    world.posts("BOOKING_CANCELLED", "4fQx", startTime="", endTime="")
    world.until(11).writes("17", status="cancelled")
    assert world.until(40).told() == []
    world = pair().until(10)
    world.change("4fQx", status="cancelled")
    world.posts("BOOKING_CANCELLED", "4fQx", startTime="", endTime="")
    assert world.until(40).told() == ["opened status_drift appointment 17"]


def test_a_late_created_that_claims_accepted_for_a_cancelled_booking() -> None:
    """§1.5: built from the row at delivery, the status is the trigger's constant; the read is the referee."""
    world = pair().until(10)
    world.change("4fQx", status="cancelled")
    world.posts("BOOKING_CANCELLED", "4fQx")
    world.writes("17", status="cancelled")
    world.until(20).posts("BOOKING_CREATED", "4fQx")
    assert world.until(60).told() == []


@pytest.mark.parametrize("seconds", [1.0, 2.5])
def test_a_replica_that_lags_shows_the_old_state_for_a_while(seconds: float) -> None:
    """§1.5: the API reads a replica."""
    world = pair().until(10)
    before = dict(world.bookings["4fQx"])
    world.move("4fQx", start=HOUR * 2)
    world.shown = lambda uid: before if world.now < 10 + seconds else world.bookings[uid]
    world.posts("BOOKING_RESCHEDULED", "4fQx", rescheduleUid="4fQx")
    world.writes("17", start=HOUR * 2)
    assert world.until(60).told() == []


def test_one_cancellation_for_a_whole_series_is_completed_by_the_poll() -> None:
    """§1.7: cancelling the rest of a series sends one webhook; the others change without a word."""
    world = World()
    for row, uid in (("17", "occ1"), ("18", "occ2")):
        world.booking(uid)
        world.posts("BOOKING_CREATED", uid)
        world.writes(row, booking=uid)
    world.until(10)
    for uid in ("occ1", "occ2"):
        world.change(uid, status="cancelled")
    world.posts("BOOKING_CANCELLED", "occ1")
    for row in ("17", "18"):
        world.writes(row, status="cancelled")
    world.polled("occ2")
    assert world.until(60).told() == []


def test_triggers_that_are_not_about_a_bookings_state() -> None:
    """§1.5: no-show, meetings and pings are heard and change nothing."""
    world = pair().until(10)
    for trigger in ("BOOKING_NO_SHOW_UPDATED", "MEETING_ENDED", "PING", "RECORDING_READY"):
        world.posts(trigger, "4fQx")
    assert world.until(40).told() == []


def test_one_confirmation_for_a_whole_series_is_completed_by_the_poll() -> None:
    """§1.7: all pending occurrences become accepted, one BOOKING_CREATED tells of one of them."""
    world = World()
    for number in range(3):
        uid, start = f"occ{number}x", HOUR * (number + 1)
        world.booking(uid, status="pending", start=start, recurringBookingUid="ser1")
        world.hears("BOOKING_REQUESTED", uid)
        world.writes(str(17 + number), booking=uid, start=start, status="pending", customer_id=number)
    world.until(20)
    for number in range(3):
        world.change(f"occ{number}x", status="accepted")
        world.writes(str(17 + number), status="confirmed")
    world.hears("BOOKING_CREATED", "occ0x")
    world.until(21)
    for number in range(3):
        world.polled(f"occ{number}x")
    assert world.until(60).told() == []


def test_a_row_that_names_the_series_means_the_booking_that_starts_with_it() -> None:
    """§4: a series answers for its uid with all its bookings."""
    world = World()
    for number in range(3):
        uid, start = f"occ{number}x", HOUR * (number + 1)
        world.booking(uid, start=start, recurringBookingUid="ser1")
        world.hears("BOOKING_CREATED", uid)
        world.writes(str(17 + number), booking="ser1", start=start, customer_id=number)
        world.polled(uid)
    assert world.until(60).told() == []
    world.change("occ1x", status="cancelled")
    world.hears("BOOKING_CANCELLED", "occ1x")
    assert world.until(90).told() == ["opened status_drift appointment 18"]


def test_a_status_that_nobody_documented_gives_no_judgement() -> None:
    """§5: "awaiting_host" can leak although the documented enum has four."""
    world = pair(booked="accepted").until(10)
    world.change("4fQx", status="awaiting_host")
    world.polled("4fQx")
    assert world.until(60).told() == []


def test_a_booking_that_is_another_accounts_stays_unknown_and_is_asked_for_seldom() -> None:
    world = World()
    world.writes("17", booking="theirs1")
    world.calcom_says = "elsewhere"
    world.until(1000)
    assert world.told() == []
    assert len(world.asked) <= 5
