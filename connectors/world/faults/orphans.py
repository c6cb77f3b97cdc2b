"""Ways to an orphan: a booking without a row, a row without a booking, a call without an appointment."""

from msgspec.structs import replace

from connectors.world.app.calcom_api import Booked, CalcomFailed
from connectors.world.app.desk import Desk
from connectors.world.app.visit import Visit
from connectors.world.calcom.booking import FIRST_ID, new_uid
from connectors.world.faults.way import Planted, Way, about
from connectors.world.instants import MINUTE, now
from connectors.world.knobs import Fate

FORGET = Fate(write="forget")


# A booking without a row --------------------------------------------------------------------------------------


def _orphan(desk: Desk, visit: Visit, at: int, *, oldest: str | None = None) -> Planted:
    """Mended by the row that was missing, or by giving the booking up."""

    async def repair() -> int:
        # A call that promised the appointment would miss it, were the booking given up.
        if visit.call or desk.rng.random() < 0.5:
            await desk.row(replace(visit, row=None))
            return now()
        return await desk.cancel(visit)

    uid = visit.booked.uid
    return Planted(
        subject=about("booking", oldest or uid), complete_at=at, repair=repair, booking_uid=uid, call_id=visit.call
    )


async def row_never_written(desk: Desk) -> Planted:
    visit = await desk.book()
    return _orphan(desk, visit, visit.booked.changed_at)


async def request_never_written(desk: Desk) -> Planted:
    visit = await desk.book("confirmed")
    return _orphan(desk, visit, visit.booked.changed_at)


async def row_deleted(desk: Desk) -> Planted:
    visit = await desk.visit(call=False)
    await desk.pause(4, 7)
    return _orphan(desk, visit, await desk.drop(visit))


async def row_deleted_under_its_call(desk: Desk) -> Planted:
    """The call misses its appointment too; the orphan says it for both."""
    visit = await desk.phone_visit()
    await desk.pause(4, 7)
    return _orphan(desk, visit, await desk.drop(visit))


async def moved_then_row_deleted(desk: Desk) -> Planted:
    """The subject is the chain's oldest uid."""
    visit = await desk.visit(call=False)
    await desk.pause(3, 5)
    moved = await desk.reschedule(visit)
    await desk.repoint(moved)
    await desk.pause(4, 6)
    return _orphan(desk, moved, await desk.drop(moved), oldest=visit.booked.uid)


async def row_pointed_elsewhere(desk: Desk) -> Planted:
    """The row left for another booking, which it fits; the first one is alone."""
    visit = await desk.visit(call=False)
    await desk.pause(4, 6)
    other = await desk.book()
    moved = replace(other, row=visit.row)
    at = await desk.repoint(moved, customer_id=other.customer, idempotency_key=other.key("website"))
    return _orphan(desk, replace(visit, row=None), at)


async def timed_out_but_booked(desk: Desk) -> Planted:
    """The application saw a timeout and gave up; only the attendee's address tells which booking it was."""
    start = desk.slot()
    visit = await timed_out(desk, start)
    return _orphan(desk, visit, visit.booked.changed_at)


async def timed_out(desk: Desk, start: int) -> Visit:
    """A booking that was made behind a gateway timeout, found by its attendee's address.

    Raises CalcomFailed if it is not to be found.
    """
    kind = desk.practice.kinds["plain"]
    email = f"timeout{start}.{desk.practice.tenant}@mail.example"
    desk.changes += 1
    try:
        booked: Booked | None = await desk.practice.api.create(
            start, kind.id, "Marta Moss", email, replace(desk.fate, write="time_out")
        )
    except CalcomFailed as failed:
        if failed.status != 524:
            raise
        booked = await desk.find(email)
    if booked is None:
        raise CalcomFailed(0, "no booking after a timeout")
    return Visit(booked=booked, kind=kind, customer=start // MINUTE, email=email, name="Marta Moss")


# A row without a booking --------------------------------------------------------------------------------------


def _nowhere(desk: Desk, visit: Visit, ref: str) -> Planted:
    """Mended by closing the row, or by a booking for it."""

    async def repair() -> int:
        if desk.rng.random() < 0.5:
            return await desk.change(visit, status="cancelled")
        found = await desk.book(start=visit.booked.start)
        at = await desk.change(visit, calcom_v2_booking_id=desk.ref(found.booked))
        if visit.call:
            await desk.note(visit.call, booking_id=desk.ref(found.booked))
        return at

    return Planted(
        subject=about("appointment", visit.row), complete_at=now(), repair=repair, booking_uid=ref,
        appointment_id=visit.row, call_id=visit.call,
    )  # fmt: skip


async def accepted_but_forgotten(desk: Desk) -> Planted:
    """201, and the booking never was."""
    visit = await desk.book(fate=FORGET)
    await desk.pause(0.05, 0.3)
    visit = await desk.row(visit, calcom_v2_booking_id=visit.booked.uid)
    return _nowhere(desk, visit, visit.booked.uid)


async def call_booked_but_forgotten(desk: Desk) -> Planted:
    """As above, out of a call whose flags are in order."""
    visit = replace(await desk.book(fate=FORGET), call=await desk.ring())
    uid = visit.booked.uid
    visit = await desk.row(visit, calcom_v2_booking_id=uid)
    at = now()
    assert visit.call is not None
    await desk.note(visit.call, **{**desk.made(visit), "booking_id": uid})
    return replace(_nowhere(desk, visit, uid), complete_at=at)


async def written_though_refused(desk: Desk) -> Planted:
    """Cal.com said no; the row was saved all the same, with a uid of somebody's making."""
    start = desk.slot()
    try:
        await desk.book(fate=Fate(write="refuse"), start=start)
    except CalcomFailed as failed:
        if failed.status != 400:
            raise
    wish, uid = desk.wish("plain", start), new_uid(desk.rng)
    return _nowhere(desk, await desk.row(wish, calcom_v2_booking_id=uid), uid)


async def numeric_id_nowhere(desk: Desk) -> Planted:
    """A number that Cal.com never gave: only full lists can show that it is nowhere."""
    visit = await desk.book(fate=FORGET)
    number = str(desk.rng.randint(100_000, FIRST_ID - 1))
    visit = await desk.row(visit, calcom_v2_booking_id=number)
    return _nowhere(desk, visit, number)


# A call without its appointment -------------------------------------------------------------------------------


def _promise(desk: Desk, call: str, at: int, uid: str | None = None) -> Planted:
    """Mended by admitting that no appointment was made."""

    async def repair() -> int:
        return await desk.note(call, appointment_made=False, session_outcome="information_only")

    return Planted(subject=about("call", call), complete_at=at, repair=repair, call_id=call, booking_uid=uid)


_PROMISED = {"session_outcome": "appointment_booked", "appointment_made": True}


async def promised_and_never_booked(desk: Desk) -> Planted:
    call = await desk.ring(**_PROMISED)
    return _promise(desk, call, now())


async def flag_set_late(desk: Desk) -> Planted:
    """A second look at an old call finds a promise."""
    call = await desk.ring(session_outcome="information_only", appointment_made=False)
    await desk.pause(3, 6)
    return _promise(desk, call, await desk.note(call, **_PROMISED))


async def booking_and_row_forgotten(desk: Desk) -> Planted:
    """The call names a booking that Cal.com never made, and no row either."""
    visit = await desk.book(fate=FORGET)
    uid = visit.booked.uid
    call = await desk.ring(**_PROMISED, booking_id=uid, customer_id=visit.customer)
    return _promise(desk, call, now(), uid)


async def given_up_and_deleted(desk: Desk) -> Planted:
    """Cancelled on both sides, as it should be; then somebody tidied the row away."""
    visit = await desk.phone_visit()
    await desk.pause(3, 5)
    await desk.cancel(visit)
    await desk.change(visit, status="cancelled")
    await desk.pause(4, 6)
    at = await desk.drop(visit)
    assert visit.call is not None
    return _promise(desk, visit.call, at, visit.booked.uid)


WAYS = (
    Way(rule="orphaned_calcom", name="row_never_written", story=row_never_written),
    Way(rule="orphaned_calcom", name="request_never_written", story=request_never_written),
    Way(rule="orphaned_calcom", name="row_deleted", story=row_deleted),
    Way(rule="orphaned_calcom", name="row_deleted_under_its_call", story=row_deleted_under_its_call),
    Way(rule="orphaned_calcom", name="moved_then_row_deleted", story=moved_then_row_deleted),
    Way(rule="orphaned_calcom", name="row_pointed_elsewhere", story=row_pointed_elsewhere),
    Way(rule="orphaned_calcom", name="timed_out_but_booked", story=timed_out_but_booked),
    Way(rule="orphaned_local", name="accepted_but_forgotten", story=accepted_but_forgotten),
    Way(rule="orphaned_local", name="call_booked_but_forgotten", story=call_booked_but_forgotten),
    Way(rule="orphaned_local", name="written_though_refused", story=written_though_refused),
    Way(rule="orphaned_local", name="numeric_id_nowhere", story=numeric_id_nowhere, bound="list_bound"),
    Way(rule="missing_appointment", name="promised_and_never_booked", story=promised_and_never_booked),
    Way(rule="missing_appointment", name="flag_set_late", story=flag_set_late),
    Way(rule="missing_appointment", name="booking_and_row_forgotten", story=booking_and_row_forgotten),
    Way(rule="missing_appointment", name="given_up_and_deleted", story=given_up_and_deleted),
)
