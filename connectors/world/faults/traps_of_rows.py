"""Traps of the application: rows late, in steps, or twice alike, and put right; and what only looks doubled."""

from msgspec.structs import replace

from connectors.world.app.desk import Desk
from connectors.world.app.visit import UNSYNCED, synced
from connectors.world.faults.orphans import timed_out
from connectors.world.faults.syncs import UNHEARD_OF
from connectors.world.faults.trap import Sprung, TrapStory, short, sprung
from connectors.world.instants import HOUR, moment, now
from connectors.world.knobs import Fate

#: Rows of this source have no booking and need none: the demo's scope leaves it out.
WALK_IN = "walk_in"


async def row_late(desk: Desk) -> Sprung:
    visit = await desk.book()
    await desk.pause(1.5, 1.5)
    visit = await desk.row(visit)
    return sprung(f"row for {short(visit)} 1.5 s late", visit)


async def repointed_late(desk: Desk) -> Sprung:
    visit = await desk.visit()
    await desk.pause(3, 5)
    moved = await desk.reschedule(visit)
    await desk.pause(1.5, 1.5)
    await desk.repoint(moved)
    return sprung(f"reschedule {short(visit)}→{short(moved)}, row 1.5 s late", visit, moved)


async def moved_and_back(desk: Desk) -> Sprung:
    visit = await desk.visit()
    await desk.pause(3, 5)
    booked = visit.booked
    await desk.change(visit, starts_at=moment(booked.start + HOUR), ends_at=moment(booked.end + HOUR))
    await desk.pause(0.8, 1.2)
    await desk.repoint(visit)
    return sprung(f"appointment {visit.row} moved by mistake and back within a second", visit)


async def timed_out_and_found(desk: Desk) -> Sprung:
    """The application asked again after a timeout, and found its booking."""
    visit = await desk.row(await timed_out(desk, desk.slot()))
    return sprung(f"{short(visit)} timed out, booked all the same, found by the retry", visit)


async def touched_often(desk: Desk) -> Sprung:
    visit = await desk.visit()
    for attempt in range(1, 16):
        await desk.change(visit, sync_verified_at=moment(now()), sync_attempt_count=attempt % 3)
        await desk.pause(0.2, 0.4)
    return sprung(f"appointment {visit.row} touched 15 times", visit)


async def written_again(desk: Desk) -> Sprung:
    visit = await desk.visit()
    for _ in range(5):
        await desk.repoint(visit)
    return sprung(f"appointment {visit.row} written five times alike", visit)


async def flags_in_two_steps(desk: Desk) -> Sprung:
    """The call's row grows: direction and flags come after the outcome."""
    visit = await desk.book()
    call = await desk.ring(direction=None, session_outcome="appointment_booked", appointment_made=False)
    visit = await desk.row(replace(visit, call=call))
    await desk.pause(0.5, 0.9)
    await desk.note(call, **desk.made(visit), direction="inbound")
    return sprung(f"call {call} written in two steps", visit)


async def synced_in_a_while(desk: Desk) -> Sprung:
    """Pending for seconds, tried twice, then synced: within the grace of a sync."""
    visit = await desk.row(await desk.book(), **UNSYNCED)
    await desk.pause(2, 4)
    await desk.change(visit, sync_attempt_count=1, last_sync_attempt_at=moment(now()))
    await desk.pause(2, 4)
    await desk.change(visit, **synced(2))
    return sprung(f"appointment {visit.row} pending for some seconds, then synced", visit)


async def twice_a_day(desk: Desk) -> Sprung:
    """One customer, one service, twice a day at other hours."""
    first = await desk.visit(call=False)
    hours_later = desk.practice.slot_from(first.booked.start + desk.rng.randint(2, 4) * HOUR)
    later = await desk.row(await desk.book(start=hours_later, again=first))
    return sprung(f"{short(first)} and {short(later)}: one customer twice a day", first, later)


async def booked_again_after_cancelling(desk: Desk) -> Sprung:
    """The same wish a second time, with the same key; the first is cancelled."""
    first = await desk.row(await desk.book(), source="website")
    await desk.pause(3, 5)
    await desk.cancel(first, Fate(webhook="sure", early_seconds=0))
    await desk.change(first, status="cancelled")
    await desk.pause(0.5, 2)
    again = await desk.row(await desk.book(start=first.booked.start, again=first), source="website")
    return sprung(f"{short(first)} cancelled and booked again as {short(again)}", first, again)


async def walked_in(desk: Desk) -> Sprung:
    """Nobody booked: the customer stood in the door. The source is out of scope."""
    visit = await desk.row(desk.wish("plain", desk.slot()), **(UNHEARD_OF | {"source": WALK_IN}))
    return sprung(f"appointment {visit.row} walked in, no booking", visit)


async def call_keeps_the_number(desk: Desk) -> Sprung:
    """Call and appointment name one booking by its two names."""
    visit = await desk.phone_visit()
    assert visit.call is not None
    await desk.pause(3, 5)
    await desk.note(visit.call, booking_id=desk.other_ref(visit.booked))
    return sprung(f"call {visit.call} and appointment {visit.row} name one booking in two ways", visit)


TRAPS: tuple[TrapStory, ...] = (
    row_late, moved_and_back, touched_often, timed_out_and_found, repointed_late, written_again, flags_in_two_steps,
    synced_in_a_while, twice_a_day, booked_again_after_cancelling, walked_in, call_keeps_the_number,
)  # fmt: skip
