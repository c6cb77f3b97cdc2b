"""Ordinary life of a tenant: everything is put right within about a second and a half, less than any grace.

Each story is one customer. Nothing in here is a fault; what looks like one is over before anybody may say so.
"""

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from connectors.world.app.calcom_api import CalcomFailed
from connectors.world.app.desk import Desk
from connectors.world.app.visit import UNSYNCED, Visit, synced

Story = Callable[[Desk], Awaitable[None]]


async def booked_by_phone(desk: Desk) -> None:
    """Call, booking, row; then what becomes of it."""
    call = await desk.ring()
    await desk.pause(0.1, 1.0)
    try:
        visit = await desk.book()
    except CalcomFailed:
        await desk.note(call, session_outcome="information_only", appointment_made=False)
        raise
    await desk.pause(0.1, 0.6)
    visit = await desk.row(replace(visit, call=call))
    await desk.note(call, **desk.made(visit))
    await _afterwards(desk, visit)


async def booked_on_the_web(desk: Desk) -> None:
    """Cal.com's own page; the row follows the webhook."""
    visit = await desk.book()
    await desk.pause(0.1, 1.0)
    await _afterwards(desk, await desk.row(visit))


async def row_before_its_booking(desk: Desk) -> None:
    """The application saves first, without a reference, and fills it in once Cal.com answered."""
    start = desk.slot()
    early = await desk.row(
        desk.wish("plain", start),
        source="website",
        customer_id=None,
        calcom_v2_booking_id=None,
        idempotency_key=None,
        **UNSYNCED,
    )
    try:
        visit = replace(await desk.book(start=start), row=early.row)
    except CalcomFailed:
        await desk.change(early, status="cancelled", calcom_sync_status=None)
        raise
    await desk.pause(0.1, 0.6)
    await desk.repoint(visit, customer_id=visit.customer, idempotency_key=visit.key("website"), **synced())
    await _afterwards(desk, visit)


async def asked_for_first(desk: Desk) -> None:
    """An event type that needs confirmation: requested, then confirmed or declined."""
    visit = await desk.book("confirmed")
    await desk.pause(0.1, 0.8)
    visit = await desk.row(visit)
    await desk.pause(4, 12)
    if desk.rng.random() < 0.7:
        visit = await desk.confirm(visit)
        await desk.pause(0.1, 1.0)
        await desk.change(visit, status="confirmed")
    else:
        visit = await desk.decline(visit)
        await desk.pause(0.1, 1.0)
        await desk.change(visit, status="cancelled")


async def only_a_question(desk: Desk) -> None:
    """A call that made no appointment."""
    call = await desk.ring()
    await desk.pause(0.2, 2.0)
    outcome = desk.rng.choice(("information_only", "callback_requested", "hung_up"))
    await desk.note(call, session_outcome=outcome, appointment_made=False)


async def weekly(desk: Desk) -> None:
    """A series of three; each occurrence has a uid and a row of its own."""
    visit = await desk.book()  # the first visit, before the course begins
    await desk.pause(0.1, 0.5)
    await desk.row(visit)
    for occurrence in await desk.book_series("series", 3):
        await desk.row(occurrence)


#: How often each is met.
STORIES: tuple[tuple[Story, int], ...] = (
    (booked_by_phone, 34),
    (booked_on_the_web, 34),
    (row_before_its_booking, 8),
    (asked_for_first, 12),
    (only_a_question, 10),
    (weekly, 2),
)


async def _afterwards(desk: Desk, visit: Visit) -> None:
    """Some time later: nothing, a move, a cancellation, or only bookkeeping."""
    await desk.pause(3, 15)
    what = desk.rng.random()
    if what < 0.16:
        await _moved_by_us(desk, visit)
    elif what < 0.30:
        await _moved_by_the_customer(desk, visit)
    elif what < 0.40:
        await _cancelled_by_us(desk, visit)
    elif what < 0.48:
        await _cancelled_by_the_host(desk, visit)
    elif what < 0.60:
        await _bookkeeping(desk, visit)
    elif what < 0.68:
        await desk.change(visit, status=desk.rng.choice(("confirmed", "scheduled")))


async def _moved_by_us(desk: Desk, visit: Visit) -> None:
    moved = await desk.reschedule(visit)
    await desk.pause(0.05, 0.5)
    await desk.repoint(moved)
    if desk.rng.random() < 0.3:
        await desk.repoint(moved)  # a retry that was not needed


async def _moved_by_the_customer(desk: Desk, visit: Visit) -> None:
    moved = await desk.reschedule(visit, host=False)
    await desk.pause(0.3, 1.4)
    await desk.repoint(moved)


async def _cancelled_by_us(desk: Desk, visit: Visit) -> None:
    """Row first; taken back if Cal.com will not."""
    await desk.change(visit, status="cancelled")
    try:
        await desk.cancel(visit)
    except CalcomFailed:
        await desk.change(visit, status="confirmed")


async def _cancelled_by_the_host(desk: Desk, visit: Visit) -> None:
    await desk.cancel(visit)
    await desk.pause(0.1, 0.5)
    await desk.change(visit, status="cancelled")


async def _bookkeeping(desk: Desk, visit: Visit) -> None:
    for attempt in range(1, desk.rng.randint(2, 5)):
        await desk.change(visit, calcom_sync_status="pending")
        await desk.pause(0.1, 0.5)
        await desk.change(visit, **synced(min(attempt, 2)))
        await desk.pause(0.2, 2.0)
