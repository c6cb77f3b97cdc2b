"""Ways to two of what should be one: two rows for one appointment, two bookings for one hour of one host."""

from msgspec.structs import replace

from connectors.world.app.desk import Desk
from connectors.world.app.visit import Visit
from connectors.world.faults.way import Planted, Repair, Way, about
from connectors.world.instants import MINUTE, now


def _giving_up(desk: Desk, visit: Visit) -> Repair:
    """The later one is cancelled, on both sides if both have it."""

    async def repair() -> int:
        at = await desk.cancel(visit, replace(desk.fate, early_seconds=0))
        return await desk.change(visit, status="cancelled") if visit.row else at

    return repair


# duplicate_appointment: the subject is the row with the greater id -------------------------------------------------


def _twin(twin: Visit, repair: Repair) -> Planted:
    return Planted(
        subject=about("appointment", twin.row), complete_at=now(), repair=repair, booking_uid=twin.booked.uid,
        appointment_id=twin.row,
    )  # fmt: skip


def _dropping(desk: Desk, twin: Visit) -> Repair:
    # Cancelled it would contradict the booking that the first row keeps.
    async def repair() -> int:
        return await desk.drop(twin)

    return repair


async def saved_twice(desk: Desk) -> Planted:
    """The form was sent twice: one booking, one customer, one key, two rows."""
    visit = await desk.visit(call=False)
    await desk.pause(0.5, 3)
    twin = await desk.row(visit)
    return _twin(twin, _dropping(desk, twin))


async def saved_under_both_names(desk: Desk) -> Planted:
    """One row names the booking by uid, one by number, for two customers: only the alias tells."""
    visit = await desk.visit(call=False)
    await desk.pause(2, 4)
    other = replace(desk.wish("plain", visit.booked.start), booked=visit.booked)
    twin = await desk.row(other, calcom_v2_booking_id=desk.other_ref(visit.booked))
    return _twin(twin, _dropping(desk, twin))


async def key_used_twice(desk: Desk) -> Planted:
    """Two customers, two bookings, and one idempotency key: the second row was meant to be the first."""
    first = await desk.row(await desk.book(), source="website")
    twin = await desk.row(await desk.book(), source="website", idempotency_key=first.key("website"))

    async def repair() -> int:
        return await desk.change(twin, idempotency_key=twin.key("website"))

    return _twin(twin, repair)


async def booked_again_minutes_later(desk: Desk) -> Planted:
    """The customer was not sure that it worked, and took the same service three minutes later once more."""
    first = await desk.visit(call=False)
    await desk.pause(0.5, 3)
    twin = await desk.row(await desk.book(start=first.booked.start + 3 * MINUTE, again=first))
    return _twin(twin, _giving_up(desk, twin))


# duplicate_booking: the subject is the booking made later ----------------------------------------------------------


def _clash(desk: Desk, later: Visit, at: int) -> Planted:
    return Planted(
        subject=about("booking", later.booked.uid), complete_at=at, repair=_giving_up(desk, later),
        booking_uid=later.booked.uid,
    )  # fmt: skip


async def two_at_one_start(desk: Desk) -> Planted:
    """A race of two customers (calcom.md §6.16); each has a row."""
    first = await desk.visit(call=False)
    later = await desk.row(await desk.book(start=first.booked.start))
    return _clash(desk, later, now())


async def two_confirmed(desk: Desk) -> Planted:
    """Both asked for the hour, and the host said yes twice (calcom.md §6.16, §6.17)."""
    first = await desk.visit("confirmed", call=False)
    later = await desk.row(await desk.book("confirmed", start=first.booked.start))
    await desk.pause(2, 4)
    for visit in (first, later):
        await desk.confirm(visit)
        at = await desk.change(visit, status="confirmed")
    return _clash(desk, later, at)


async def clash_without_a_row(desk: Desk) -> Planted:
    """The later booking has no row either; the clash says it for both."""
    first = await desk.visit(call=False)
    later = await desk.book(start=first.booked.start)
    return _clash(desk, later, later.booked.changed_at)


async def moved_onto_another(desk: Desk) -> Planted:
    """The later made is the new link, whose uid is nobody's oldest."""
    first, second = await desk.visit(call=False), await desk.visit(call=False)
    await desk.pause(4, 6)
    moved = await desk.reschedule(second, start=first.booked.start)
    return _clash(desk, moved, await desk.repoint(moved))


WAYS = (
    Way(rule="duplicate_appointment", name="saved_twice", story=saved_twice),
    Way(rule="duplicate_appointment", name="saved_under_both_names", story=saved_under_both_names),
    Way(rule="duplicate_appointment", name="key_used_twice", story=key_used_twice),
    Way(rule="duplicate_appointment", name="booked_again_minutes_later", story=booked_again_minutes_later),
    Way(rule="duplicate_booking", name="two_at_one_start", story=two_at_one_start),
    Way(rule="duplicate_booking", name="two_confirmed", story=two_confirmed),
    Way(rule="duplicate_booking", name="clash_without_a_row", story=clash_without_a_row),
    Way(rule="duplicate_booking", name="moved_onto_another", story=moved_onto_another),
)
