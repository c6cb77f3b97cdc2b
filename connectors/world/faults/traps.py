"""Traps: what looks like a fault and is none. Each ends with both sides in order, before any grace is over,
or rests on something that Cal.com only seems to say."""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec.structs import replace

from connectors.world.app.practice import Desk, Visit
from connectors.world.faults.orphans import timed_out
from connectors.world.instants import HOUR, moment, now
from connectors.world.knobs import Fate
from connectors.world.ledger import Subject

SURE = Fate(webhook="sure")


class Sprung(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, in words for people, and whom an unjust alert would be about."""

    text: str
    subjects: tuple[Subject, ...]


TrapStory = Callable[[Desk], Awaitable[Sprung]]


def _sprung(text: str, *visits: Visit) -> Sprung:
    subjects: list[Subject] = []
    for visit in visits:
        subjects.append(Subject(kind="booking", id=visit.booked.uid))
        if visit.row:
            subjects.append(Subject(kind="appointment", id=visit.row))
        if visit.call:
            subjects.append(Subject(kind="call", id=visit.call))
    return Sprung(text=text, subjects=tuple(subjects))


def short(visit: Visit) -> str:
    return visit.booked.uid[:3]


# Webhooks out of order, late, repeated ------------------------------------------------------------------------


async def webhooks_swapped(desk: Desk) -> Sprung:
    """The reschedule is heard of before the booking."""
    visit = await desk.row(await desk.book(fate=Fate(delay_seconds=2.5)))
    await desk.pause(0.4, 0.8)
    moved = await desk.reschedule(visit, Fate(delay_seconds=0.05))
    await desk.repoint(moved)
    return _sprung(f"reschedule {short(visit)}→{short(moved)}, webhooks swapped", visit, moved)


async def moved_twice_backwards(desk: Desk) -> Sprung:
    visit = await desk.visit()
    second = await desk.reschedule(visit, Fate(delay_seconds=2.0))
    await desk.repoint(second)
    third = await desk.reschedule(second, Fate(delay_seconds=0.05))
    await desk.repoint(third)
    return _sprung(f"reschedules {short(visit)}→{short(second)}→{short(third)}, told backwards", visit, second, third)


async def stale_repeat(desk: Desk) -> Sprung:
    """The first webhook comes once more after the booking went on."""
    visit = await desk.row(await desk.book(fate=Fate(webhook="sure", repeat_after_seconds=3.0)))
    await desk.pause(0.5, 1.0)
    moved = await desk.reschedule(visit)
    await desk.repoint(moved)
    return _sprung(f"reschedule {short(visit)}→{short(moved)}, the old webhook repeated", visit, moved)


async def alias_late(desk: Desk) -> Sprung:
    """The row holds the numeric id long before a webhook says whose it is."""
    visit = await desk.book(fate=Fate(delay_seconds=3.0))
    visit = await desk.row(visit, calcom_v2_booking_id=str(visit.booked.id))
    return _sprung(f"numeric id {visit.booked.id}, its webhook 3 s late", visit)


async def alias_never_told(desk: Desk) -> Sprung:
    visit = await desk.book(fate=Fate(webhook="lose"))
    visit = await desk.row(visit, calcom_v2_booking_id=str(visit.booked.id))
    return _sprung(f"numeric id {visit.booked.id}, its webhook lost", visit)


async def cancellation_early(desk: Desk) -> Sprung:
    """Announced a second before it is done."""
    visit = await desk.visit()
    await desk.pause(3, 5)
    await desk.cancel(visit, Fate(delay_seconds=0.02, early_seconds=1.0))
    await desk.change(visit, status="cancelled")
    return _sprung(f"cancellation of {short(visit)} announced 1 s early", visit)


async def cancellation_never_done(desk: Desk) -> Sprung:
    """Announced, never done, and the row rightly stays."""
    visit = await desk.visit()
    await desk.pause(3, 5)
    await desk.cancel(visit, Fate(webhook="sure", write="forget"))
    return _sprung(f"cancellation of {short(visit)} announced and never done, row kept", visit)


async def cancellation_first_here(desk: Desk) -> Sprung:
    visit = await desk.visit()
    await desk.pause(3, 5)
    await desk.change(visit, status="cancelled")
    await desk.pause(0.2, 0.4)
    await desk.cancel(visit, Fate(webhook="sure", early_seconds=0))
    return _sprung(f"cancellation of {short(visit)}, row first", visit)


# Rows late, and put right -------------------------------------------------------------------------------------


async def row_late(desk: Desk) -> Sprung:
    visit = await desk.book()
    await desk.pause(1.5, 1.5)
    visit = await desk.row(visit)
    return _sprung(f"row for {short(visit)} 1.5 s late", visit)


async def repointed_late(desk: Desk) -> Sprung:
    visit = await desk.visit()
    await desk.pause(3, 5)
    moved = await desk.reschedule(visit)
    await desk.pause(1.5, 1.5)
    await desk.repoint(moved)
    return _sprung(f"reschedule {short(visit)}→{short(moved)}, row 1.5 s late", visit, moved)


async def moved_and_back(desk: Desk) -> Sprung:
    visit = await desk.visit()
    await desk.pause(3, 5)
    booked = visit.booked
    await desk.change(visit, starts_at=moment(booked.start + HOUR), ends_at=moment(booked.end + HOUR))
    await desk.pause(0.8, 1.2)
    await desk.repoint(visit)
    return _sprung(f"appointment {visit.row} moved by mistake and back within a second", visit)


async def timed_out_and_found(desk: Desk) -> Sprung:
    """The application asked again after a timeout, and found its booking."""
    visit = await desk.row(await timed_out(desk, desk.slot()))
    return _sprung(f"{short(visit)} timed out, booked all the same, found by the retry", visit)


async def touched_often(desk: Desk) -> Sprung:
    visit = await desk.visit()
    for attempt in range(1, 16):
        await desk.change(visit, sync_verified_at=moment(now()), sync_attempt_count=attempt % 3)
        await desk.pause(0.2, 0.4)
    return _sprung(f"appointment {visit.row} touched 15 times", visit)


async def written_again(desk: Desk) -> Sprung:
    visit = await desk.visit()
    for _ in range(5):
        await desk.repoint(visit)
    return _sprung(f"appointment {visit.row} written five times alike", visit)


async def flags_in_two_steps(desk: Desk) -> Sprung:
    """The call's row grows: direction and flags come after the outcome."""
    visit = await desk.book()
    call = await desk.ring(direction=None, session_outcome="appointment_booked", appointment_made=False)
    visit = await desk.row(replace(visit, call=call))
    await desk.pause(0.5, 0.9)
    await desk.note(call, **desk.made(visit), direction="inbound")
    return _sprung(f"call {call} written in two steps", visit)


# Peculiar bookings --------------------------------------------------------------------------------------------


async def seat_taken_and_given_back(desk: Desk) -> Sprung:
    """CREATED and CANCELLED for a uid that stays accepted all along."""
    visit = await desk.visit("seated", call=False)
    await desk.pause(1, 2)
    second = await desk.book("seated", start=visit.booked.start)
    await desk.pause(1, 2)
    desk.changes += 1
    await desk.practice.api.cancel(visit.booked.uid, SURE, seat=second.booked.seat)
    return _sprung(f"a seat of {short(visit)} taken and given back", visit)


async def pinged(desk: Desk) -> Sprung:
    desk.changes += 1
    await desk.practice.api.ping(desk.practice.account.name)
    return Sprung(text="test button pressed", subjects=())


async def never_paid(desk: Desk) -> Sprung:
    """A payment was asked for; nobody paid, nobody wrote a row."""
    visit = await desk.book("paid")
    return _sprung(f"payment for {short(visit)} asked for and never made", visit)


async def paid_later(desk: Desk) -> Sprung:
    visit = await desk.book("paid")
    await desk.pause(5, 8)
    desk.changes += 1
    visit = replace(visit, booked=await desk.practice.api.pay(visit.booked.uid, SURE))
    visit = await desk.row(visit)
    return _sprung(f"{short(visit)} booked only once it was paid", visit)


async def asked_move_granted(desk: Desk) -> Sprung:
    visit, asked = await _asked_move(desk)
    await desk.confirm(asked)
    await desk.pause(0.2, 0.8)
    await desk.repoint(asked, status="confirmed")
    return _sprung(f"asked to move {short(visit)}→{short(asked)}, granted", visit, asked)


async def asked_move_refused(desk: Desk) -> Sprung:
    visit, asked = await _asked_move(desk)
    await desk.decline(asked)
    await desk.pause(0.2, 0.8)
    await desk.change(visit, status="cancelled")
    return _sprung(f"asked to move {short(visit)}→{short(asked)}, refused", visit, asked)


async def _asked_move(desk: Desk) -> tuple[Visit, Visit]:
    """A confirmed appointment, and the pending booking that is to replace it."""
    visit = await desk.visit("confirmed")
    visit = await desk.confirm(visit)
    await desk.change(visit, status="confirmed")
    await desk.pause(3, 5)
    asked = await desk.reschedule(visit, host=False)
    await desk.pause(5, 7)
    return visit, asked


TRAPS: tuple[TrapStory, ...] = (
    webhooks_swapped, row_late, cancellation_early, stale_repeat, alias_late, seat_taken_and_given_back, never_paid,
    asked_move_granted, moved_and_back, touched_often, moved_twice_backwards, timed_out_and_found, repointed_late,
    cancellation_never_done, pinged, alias_never_told, paid_later, asked_move_refused, cancellation_first_here,
    written_again, flags_in_two_steps,
)  # fmt: skip
