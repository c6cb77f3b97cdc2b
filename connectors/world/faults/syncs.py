"""Ways in which the application's own sync with Cal.com does not get on, gives up, or never begins."""

from msgspec.structs import replace

from connectors.world.app.calcom_api import CalcomFailed
from connectors.world.app.desk import Desk
from connectors.world.app.visit import UNSYNCED, Visit, synced
from connectors.world.faults.way import Planted, Repair, Way, about
from connectors.world.instants import moment, now
from connectors.world.knobs import Fate


def _unsynced(visit: Visit, at: int, repair: Repair) -> Planted:
    return Planted(
        subject=about("appointment", visit.row), complete_at=at, repair=repair,
        booking_uid=visit.booked.uid or None, appointment_id=visit.row, call_id=visit.call,
    )  # fmt: skip


def _catching_up(desk: Desk, visit: Visit, attempts: int = 1) -> Repair:
    async def repair() -> int:
        return await desk.change(visit, **synced(attempts))

    return repair


# stuck_pending: the row knows its booking, and its sync is never told to be done ---------------------------------


async def never_answered(desk: Desk) -> Planted:
    visit = await desk.row(await desk.book(), **UNSYNCED)
    return _unsynced(visit, now(), _catching_up(desk, visit))


async def pending_again(desk: Desk) -> Planted:
    """A change was to be sent on; the job was lost. The wait begins with the change, not with the row."""
    visit = await desk.visit()
    await desk.pause(3, 6)
    at = await desk.change(visit, calcom_sync_status="pending")
    return _unsynced(visit, at, _catching_up(desk, visit))


async def tried_and_left(desk: Desk) -> Planted:
    """One try that was not answered; the next one never came. Trying does not begin the wait anew."""
    visit = await desk.row(await desk.book(), **UNSYNCED)
    at = now()
    await desk.pause(1, 2)
    await desk.change(visit, sync_attempt_count=1, last_sync_attempt_at=moment(now()))
    return _unsynced(visit, at, _catching_up(desk, visit, 2))


# sync_failed ------------------------------------------------------------------------------------------------------


def _failure(attempts: int) -> dict[str, object]:
    return {
        "calcom_sync_status": "failed", "sync_attempt_count": attempts, "last_sync_attempt_at": moment(now()),
        "sync_error_code": "HTTP_500", "sync_error_message": "Internal server error",
    }  # fmt: skip


async def written_as_failed(desk: Desk) -> Planted:
    visit = await desk.row(await desk.book(), **_failure(1))
    return _unsynced(visit, now(), _catching_up(desk, visit, 2))


async def failed_at_the_third_try(desk: Desk) -> Planted:
    visit = await desk.visit()
    await desk.pause(2, 4)
    for attempt in (1, 2):
        await desk.change(visit, calcom_sync_status="pending", sync_attempt_count=attempt)
        await desk.pause(0.5, 1.5)
    return _unsynced(visit, await desk.change(visit, **_failure(3)), _catching_up(desk, visit))


async def gave_up_without_a_word(desk: Desk) -> Planted:
    """Three tries, and no status at all."""
    visit = await desk.visit()
    await desk.pause(2, 4)
    at = await desk.change(visit, calcom_sync_status=None, sync_attempt_count=3)
    return _unsynced(visit, at, _catching_up(desk, visit))


# never_synced: an appointment to come, and no booking --------------------------------------------------------------


def _unbooked(desk: Desk, visit: Visit) -> Planted:
    """Mended by the booking, or by giving the appointment up."""

    async def repair() -> int:
        if desk.rng.random() < 0.5:
            return await desk.change(visit, status="cancelled")
        found = await desk.book(start=visit.booked.start, again=visit)
        at = await desk.change(visit, calcom_v2_booking_id=desk.ref(found.booked), **synced())
        if visit.call:
            await desk.note(visit.call, booking_id=desk.ref(found.booked))
        return at

    return _unsynced(visit, now(), repair)


#: Neither pending nor failed: that would be another rule's fault besides.
UNHEARD_OF: dict[str, object] = {**UNSYNCED, "calcom_sync_status": None, "calcom_v2_booking_id": None}


async def saved_and_never_booked(desk: Desk) -> Planted:
    visit = await desk.row(desk.wish("plain", desk.slot()), **UNHEARD_OF)
    return _unbooked(desk, visit)


async def saved_though_refused(desk: Desk) -> Planted:
    """Cal.com said no, and the row was saved without a booking."""
    start = desk.slot()
    try:
        await desk.book(fate=Fate(write="refuse"), start=start)
    except CalcomFailed as failed:
        if failed.status != 400:
            raise
    visit = await desk.row(desk.wish("plain", start), **UNHEARD_OF)
    return _unbooked(desk, visit)


async def promised_by_phone(desk: Desk) -> Planted:
    """The call has its appointment, and the appointment has no booking."""
    wish = desk.wish("plain", desk.practice.slot(desk.rng, soon=True))
    call = await desk.ring()
    visit = await desk.row(replace(wish, call=call), **UNHEARD_OF)
    planted = _unbooked(desk, visit)
    await desk.note(call, **(desk.made(visit) | {"booking_id": None}))
    return planted


WAYS = (
    Way(rule="stuck_pending", name="never_answered", story=never_answered),
    Way(rule="stuck_pending", name="pending_again", story=pending_again),
    Way(rule="stuck_pending", name="tried_and_left", story=tried_and_left),
    Way(rule="sync_failed", name="written_as_failed", story=written_as_failed),
    Way(rule="sync_failed", name="failed_at_the_third_try", story=failed_at_the_third_try),
    Way(rule="sync_failed", name="gave_up_without_a_word", story=gave_up_without_a_word),
    Way(rule="never_synced", name="saved_and_never_booked", story=saved_and_never_booked),
    Way(rule="never_synced", name="saved_though_refused", story=saved_though_refused),
    Way(rule="never_synced", name="promised_by_phone", story=promised_by_phone),
)
