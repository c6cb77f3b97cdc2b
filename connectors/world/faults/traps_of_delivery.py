"""Traps of delivery: webhooks late, repeated and out of order, and cancellations announced before they are done.

facts/calcom.md §2: "No ordering between triggers. Duplicates possible"; §1.5: "Legacy BOOKING_CANCELLED is sent
BEFORE the row is updated".
"""

from connectors.world.app.desk import Desk
from connectors.world.faults.trap import Sprung, TrapStory, short, sprung
from connectors.world.knobs import Fate


async def webhooks_swapped(desk: Desk) -> Sprung:
    """The reschedule is heard of before the booking."""
    visit = await desk.row(await desk.book(fate=Fate(delay_seconds=2.5)))
    await desk.pause(0.4, 0.8)
    moved = await desk.reschedule(visit, Fate(delay_seconds=0.05))
    await desk.repoint(moved)
    return sprung(f"reschedule {short(visit)}→{short(moved)}, webhooks swapped", visit, moved)


async def moved_twice_backwards(desk: Desk) -> Sprung:
    visit = await desk.visit()
    second = await desk.reschedule(visit, Fate(delay_seconds=2.0))
    await desk.repoint(second)
    third = await desk.reschedule(second, Fate(delay_seconds=0.05))
    await desk.repoint(third)
    return sprung(f"reschedules {short(visit)}→{short(second)}→{short(third)}, told backwards", visit, second, third)


async def stale_repeat(desk: Desk) -> Sprung:
    """The first webhook comes once more after the booking went on."""
    visit = await desk.row(await desk.book(fate=Fate(webhook="sure", repeat_after_seconds=3.0)))
    await desk.pause(0.5, 1.0)
    moved = await desk.reschedule(visit)
    await desk.repoint(moved)
    return sprung(f"reschedule {short(visit)}→{short(moved)}, the old webhook repeated", visit, moved)


async def alias_late(desk: Desk) -> Sprung:
    """The row holds the numeric id long before a webhook says whose it is."""
    visit = await desk.book(fate=Fate(delay_seconds=3.0))
    visit = await desk.row(visit, calcom_v2_booking_id=str(visit.booked.id))
    return sprung(f"numeric id {visit.booked.id}, its webhook 3 s late", visit)


async def alias_never_told(desk: Desk) -> Sprung:
    visit = await desk.book(fate=Fate(webhook="lose"))
    visit = await desk.row(visit, calcom_v2_booking_id=str(visit.booked.id))
    return sprung(f"numeric id {visit.booked.id}, its webhook lost", visit)


async def cancellation_early(desk: Desk) -> Sprung:
    """Announced a second before it is done."""
    visit = await desk.visit()
    await desk.pause(3, 5)
    await desk.cancel(visit, Fate(delay_seconds=0.02, early_seconds=1.0))
    await desk.change(visit, status="cancelled")
    return sprung(f"cancellation of {short(visit)} announced 1 s early", visit)


async def cancellation_never_done(desk: Desk) -> Sprung:
    """Announced, never done, and the row rightly stays."""
    visit = await desk.visit()
    await desk.pause(3, 5)
    await desk.cancel(visit, Fate(webhook="sure", write="forget"))
    return sprung(f"cancellation of {short(visit)} announced and never done, row kept", visit)


async def cancellation_first_here(desk: Desk) -> Sprung:
    visit = await desk.visit()
    await desk.pause(3, 5)
    await desk.change(visit, status="cancelled")
    await desk.pause(0.2, 0.4)
    await desk.cancel(visit, Fate(webhook="sure", early_seconds=0))
    return sprung(f"cancellation of {short(visit)}, row first", visit)


async def created_again_after_the_end(desk: Desk) -> Sprung:
    """The first webhook's retry comes when the booking is long cancelled; its bytes are the same."""
    visit = await desk.row(await desk.book(fate=Fate(webhook="sure", repeat_after_seconds=8.0)))
    await desk.pause(2, 3)
    await desk.cancel(visit, Fate(webhook="sure", early_seconds=0))
    await desk.change(visit, status="cancelled")
    return sprung(f"{short(visit)} cancelled, then its first webhook repeated", visit)


TRAPS: tuple[TrapStory, ...] = (
    webhooks_swapped, cancellation_early, stale_repeat, alias_late, moved_twice_backwards, cancellation_never_done,
    alias_never_told, cancellation_first_here, created_again_after_the_end,
)  # fmt: skip
