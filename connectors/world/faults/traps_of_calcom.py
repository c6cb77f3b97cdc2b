"""Traps of Cal.com: bookings that are told of in ways of their own (facts/calcom.md, the sections named below)."""

from msgspec.structs import replace

from connectors.world.app.desk import Desk
from connectors.world.app.visit import Visit
from connectors.world.faults.trap import Sprung, TrapStory, short, sprung
from connectors.world.knobs import Fate

SURE = Fate(webhook="sure")


async def seat_taken_and_given_back(desk: Desk) -> Sprung:
    """CREATED and CANCELLED for a uid that stays accepted all along."""
    visit = await desk.visit("seated", call=False)
    await desk.pause(1, 2)
    second = await desk.book("seated", start=visit.booked.start)
    await desk.pause(1, 2)
    desk.changes += 1
    await desk.practice.api.cancel(visit.booked.uid, SURE, seat=second.booked.seat)
    return sprung(f"a seat of {short(visit)} taken and given back", visit)


async def pinged(desk: Desk) -> Sprung:
    desk.changes += 1
    await desk.practice.api.ping(desk.practice.account.name)
    return Sprung(text="test button pressed", subjects=())


async def never_paid(desk: Desk) -> Sprung:
    """A payment was asked for; nobody paid, nobody wrote a row."""
    visit = await desk.book("paid")
    return sprung(f"payment for {short(visit)} asked for and never made", visit)


async def paid_later(desk: Desk) -> Sprung:
    visit = await desk.book("paid")
    await desk.pause(5, 8)
    desk.changes += 1
    visit = replace(visit, booked=await desk.practice.api.pay(visit.booked.uid, SURE))
    visit = await desk.row(visit)
    return sprung(f"{short(visit)} booked only once it was paid", visit)


async def asked_move_granted(desk: Desk) -> Sprung:
    visit, asked = await _asked_move(desk)
    await desk.confirm(asked)
    await desk.pause(0.2, 0.8)
    await desk.repoint(asked, status="confirmed")
    return sprung(f"asked to move {short(visit)}→{short(asked)}, granted", visit, asked)


async def asked_move_refused(desk: Desk) -> Sprung:
    visit, asked = await _asked_move(desk)
    await desk.decline(asked)
    await desk.pause(0.2, 0.8)
    await desk.change(visit, status="cancelled")
    return sprung(f"asked to move {short(visit)}→{short(asked)}, refused", visit, asked)


async def _asked_move(desk: Desk) -> tuple[Visit, Visit]:
    """A confirmed appointment, and the pending booking that is to replace it."""
    visit = await desk.visit("confirmed")
    visit = await desk.confirm(visit)
    await desk.change(visit, status="confirmed")
    await desk.pause(3, 5)
    asked = await desk.reschedule(visit, host=False)
    await desk.pause(5, 7)
    return visit, asked


# Seats and series -------------------------------------------------------------------------------------------------


async def class_filled(desk: Desk) -> Sprung:
    """§1.7: "Each new seat -> BOOKING_CREATED with the SAME uid"; one given back: "the booking stays ACCEPTED".

    Each customer has a row of their own.
    """
    first = await desk.visit("seated", call=False)
    taken = [first]
    for _ in range(2):
        await desk.pause(0.5, 1.5)
        taken.append(await desk.row(await desk.book("seated", start=first.booked.start)))
    await desk.pause(1, 3)
    desk.changes += 1
    await desk.practice.api.cancel(first.booked.uid, SURE, seat=taken[-1].booked.seat)
    await desk.drop(taken[-1])
    return sprung(f"class {short(first)} filled by three, one given back", *taken)


async def class_moved_by_its_host(desk: Desk) -> Sprung:
    """§1.7: "By owner ... start/end changed in place, same id and uid"; §1.5: "uid == rescheduleUid"."""
    visit = await desk.visit("seated", call=False)
    await desk.pause(3, 5)
    moved = await desk.reschedule(visit)
    await desk.pause(0.2, 0.8)
    await desk.repoint(moved)
    return sprung(f"class {short(visit)} moved in place by its host", visit)


async def class_beside_a_visit(desk: Desk) -> Sprung:
    """§1.7: a class is "one booking row, many attendees"; a visit during it is no second booking."""
    visit = await desk.visit("seated", call=False)
    await desk.pause(1, 3)
    beside = await desk.row(await desk.book(start=visit.booked.start))
    return sprung(f"class {short(visit)} and visit {short(beside)} at one start", visit, beside)


async def series_broken_off(desk: Desk) -> Sprung:
    """§1.7: "many rows become CANCELLED in one update, one BOOKING_CANCELLED for the requested uid"."""
    weeks = [await desk.row(each) for each in await desk.book_series("series", 4)]
    await desk.pause(5, 8)
    desk.changes += 1
    await desk.practice.api.cancel_remaining(weeks[1].booked.uid, Fate(webhook="sure", early_seconds=0.2))
    for week in weeks[1:]:
        await desk.change(week, status="cancelled")
    return sprung(f"series from {short(weeks[0])} broken off after its first week, told of one", *weeks)


async def course_confirmed_at_once(desk: Desk) -> Sprung:
    """§1.7: "all PENDING rows become ACCEPTED but (legacy) one BOOKING_CREATED with the confirmed uid"."""
    weeks = [await desk.row(each) for each in await desk.book_series("course", 3)]
    await desk.pause(5, 8)
    await desk.confirm(weeks[0])
    for week in weeks:
        await desk.change(week, status="confirmed")
    return sprung(f"course from {short(weeks[0])} confirmed, told of one week", *weeks)


# The host's hand ----------------------------------------------------------------------------------------------------


async def another_time_asked_for(desk: Desk) -> Sprung:
    """§3: "old row CANCELLED, no new row ... until the attendee rebooks"; §6.3: it looks like a plain cancellation."""
    visit = await desk.visit(call=False)
    await desk.pause(3, 5)
    await desk.request_move(visit)
    await desk.change(visit, status="cancelled")
    await desk.pause(5, 8)
    moved = await desk.reschedule(visit, host=False)
    await desk.pause(0.2, 0.8)
    await desk.repoint(moved, status="confirmed")
    return sprung(f"host asked to move {short(visit)}, customer took {short(moved)}", visit, moved)


async def moved_to_its_own_time(desk: Desk) -> Sprung:
    """§3: the old link is cancelled at once, but a replica shows both for a moment: one host, one start, one chain."""
    visit = await desk.visit()
    await desk.pause(3, 5)
    moved = await desk.reschedule(visit, start=visit.booked.start)
    await desk.repoint(moved)
    return sprung(f"{short(visit)}→{short(moved)}, rescheduled to its own time", visit, moved)


async def two_asked_one_granted(desk: Desk) -> Sprung:
    """§5: only accepted bookings take the host's hour; two requests for it are none."""
    first = await desk.visit("confirmed", call=False)
    second = await desk.row(await desk.book("confirmed", start=first.booked.start))
    await desk.pause(4, 6)
    await desk.decline(second)
    await desk.change(second, status="cancelled")
    await desk.confirm(first)
    await desk.change(first, status="confirmed")
    return sprung(f"{short(first)} and {short(second)} asked for one hour, one granted", first, second)


async def host_awaited(desk: Desk) -> Sprung:
    """§5: ""awaiting_host" can leak although the documented enum has four"."""
    visit = await desk.book(instant=True, start=desk.practice.slot(desk.rng, soon=True))
    visit = await desk.row(visit, status="pending")
    await desk.pause(6, 9)
    await desk.confirm(visit)
    await desk.change(visit, status="confirmed")
    return sprung(f"instant meeting {short(visit)} waited for its host", visit)


async def nobody_came(desk: Desk) -> Sprung:
    """§1.5: BOOKING_NO_SHOW_UPDATED has no status, "Key is bookingUid, not uid"."""
    visit = await desk.visit()
    await desk.pause(3, 5)
    desk.changes += 1
    await desk.practice.api.mark_absent(visit.booked.uid, SURE)
    return sprung(f"nobody came to {short(visit)}", visit)


# What is no booking's state -------------------------------------------------------------------------------------------


async def meeting_told(desk: Desk) -> Sprung:
    """§1.6: "one flat object ... Id key is id", "Fired by schedule, not by real presence"."""
    visit = await desk.visit()
    await desk.pause(1, 3)
    for trigger in ("MEETING_STARTED", "MEETING_ENDED"):
        desk.changes += 1
        await desk.practice.api.tell(visit.booked.uid, trigger)
    return sprung(f"meeting of {short(visit)} started and ended, says the clock", visit)


async def unheard_of_told(desk: Desk) -> Sprung:
    """Its caveat: "treat unknown triggers / extra fields / new statuses as normal, never as errors"."""
    visit = await desk.visit()
    await desk.pause(1, 3)
    for trigger, status in (("BOOKING_REASSIGNED", None), ("BOOKING_LOCATION_UPDATED", "CANCELLED")):
        desk.changes += 1
        await desk.practice.api.tell(visit.booked.uid, trigger, status)
    return sprung(f"unknown triggers about {short(visit)}", visit)


TRAPS: tuple[TrapStory, ...] = (
    seat_taken_and_given_back, never_paid, asked_move_granted, pinged, paid_later, asked_move_refused, class_filled,
    class_moved_by_its_host, class_beside_a_visit, series_broken_off, course_confirmed_at_once, another_time_asked_for,
    moved_to_its_own_time, two_asked_one_granted, host_awaited, nobody_came, meeting_told, unheard_of_told,
)  # fmt: skip
