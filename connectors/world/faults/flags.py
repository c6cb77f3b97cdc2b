"""Ways in which a call's flags contradict each other, or call and appointment do not know one another."""

from msgspec.structs import replace

from connectors.world.app.calcom_api import CalcomFailed
from connectors.world.app.desk import Desk
from connectors.world.app.visit import Visit
from connectors.world.faults.way import Planted, Repair, Way, about
from connectors.world.instants import now
from connectors.world.knobs import Fate


def _flag(desk: Desk, call: str, at: int, *, visit: Visit | None = None, **right: object) -> Planted:
    """Mended by the columns that should have been there."""

    async def repair() -> int:
        return await desk.note(call, **right)

    return Planted(
        subject=about("call", call), complete_at=at, repair=repair, call_id=call,
        appointment_id=visit.row if visit else None, booking_uid=visit.booked.uid if visit else None,
    )  # fmt: skip


# phantom_booking: said to be booked, and the flag says no ------------------------------------------------------


async def booked_by_word_only(desk: Desk) -> Planted:
    """No appointment either: the agent said so and did nothing."""
    call = await desk.ring(session_outcome="appointment_booked", appointment_made=False)
    return _flag(desk, call, now(), session_outcome="information_only")


async def flag_never_set(desk: Desk) -> Planted:
    """Everything was done, the flag was forgotten."""
    visit = await desk.phone_visit(appointment_made=False)
    assert visit.call is not None
    return _flag(desk, visit.call, now(), visit=visit, appointment_made=True)


async def flag_cleared(desk: Desk) -> Planted:
    visit = await desk.phone_visit()
    assert visit.call is not None
    await desk.pause(3, 6)
    at = await desk.note(visit.call, appointment_made=False)
    return _flag(desk, visit.call, at, visit=visit, appointment_made=True)


# appointment_made_mismatch: made, and the outcome says something else ------------------------------------------


async def outcome_wrong_from_the_first(desk: Desk) -> Planted:
    visit = await desk.phone_visit(session_outcome="information_only")
    assert visit.call is not None
    return _flag(desk, visit.call, now(), visit=visit, session_outcome="appointment_booked")


async def outcome_overwritten(desk: Desk) -> Planted:
    visit = await desk.phone_visit()
    assert visit.call is not None
    await desk.pause(3, 6)
    at = await desk.note(visit.call, session_outcome=desk.rng.choice(("callback_requested", "hung_up")))
    return _flag(desk, visit.call, at, visit=visit, session_outcome="appointment_booked")


# missing_direction --------------------------------------------------------------------------------------------


async def written_without_direction(desk: Desk) -> Planted:
    call = await desk.ring(direction=None, session_outcome="information_only", appointment_made=False)
    return _flag(desk, call, now(), direction="inbound")


async def direction_cleared(desk: Desk) -> Planted:
    call = await desk.ring(session_outcome="hung_up", appointment_made=False)
    await desk.pause(3, 5)
    return _flag(desk, call, await desk.note(call, direction=None), direction="inbound")


async def booked_without_direction(desk: Desk) -> Planted:
    """The fault begins with the call's row; the visit that follows is in order."""
    visit = await desk.book()
    call = await desk.ring(direction=None)
    at = now()
    visit = await desk.row(replace(visit, call=call))
    await desk.note(call, **desk.made(visit))
    return _flag(desk, call, at, visit=visit, direction="inbound")


# recent_failure: the call says that making the appointment failed ------------------------------------------------


async def failed_by_word(desk: Desk) -> Planted:
    call = await desk.ring(session_outcome="creation_failed", appointment_made=False)
    return _flag(desk, call, now(), session_outcome="information_only")


async def refused_by_calcom(desk: Desk) -> Planted:
    """Cal.com said no, and the agent wrote down that it failed."""
    call = await desk.ring()
    try:
        await desk.book(fate=Fate(write="refuse"))
    except CalcomFailed as failed:
        if failed.status != 400:
            raise
    at = await desk.note(call, session_outcome="creation_failed", appointment_made=False)
    return _flag(desk, call, at, session_outcome="callback_requested")


async def link_failed(desk: Desk) -> Planted:
    """The appointment stands; a later step gave up on tying it to its call."""
    visit = await desk.phone_visit()
    assert visit.call is not None
    await desk.pause(3, 6)
    at = await desk.note(visit.call, appointment_link_status="creation_failed")
    return _flag(desk, visit.call, at, visit=visit, appointment_link_status="linked")


# call_link_mismatch: call and appointment point at different partners --------------------------------------------


async def another_booking_noted(desk: Desk) -> Planted:
    visit = await desk.phone_visit()
    other = await desk.visit(call=False)
    assert visit.call is not None
    await desk.pause(4, 6)
    at = await desk.note(visit.call, booking_id=desk.ref(other.booked))
    return _flag(desk, visit.call, at, visit=visit, booking_id=desk.ref(visit.booked))


async def another_calls_booking_noted(desk: Desk) -> Planted:
    """Two calls name one booking; its appointment belongs to the other."""
    visit, other = await desk.phone_visit(), await desk.phone_visit()
    assert visit.call is not None
    await desk.pause(4, 6)
    at = await desk.note(visit.call, booking_id=desk.ref(other.booked))
    return _flag(desk, visit.call, at, visit=visit, booking_id=desk.ref(visit.booked))


async def given_to_another_call(desk: Desk) -> Planted:
    """The customer rang again, and the appointment was tied to the second call; not a missing appointment."""
    visit = await desk.phone_visit()
    second = await desk.ring(session_outcome="callback_requested", appointment_made=False)
    await desk.pause(4, 6)
    at = await desk.change(visit, call_id=int(second))
    return Planted(
        subject=about("call", visit.call), complete_at=at, repair=_linking(desk, visit, visit.call),
        booking_uid=visit.booked.uid, appointment_id=visit.row, call_id=visit.call,
    )  # fmt: skip


# missing_call_link --------------------------------------------------------------------------------------------


def _unlinked(desk: Desk, visit: Visit, call: str | None, at: int) -> Planted:
    return Planted(
        subject=about("appointment", visit.row), complete_at=at, repair=_linking(desk, visit, call),
        booking_uid=visit.booked.uid, appointment_id=visit.row, call_id=call,
    )  # fmt: skip


def _linking(desk: Desk, visit: Visit, call: str | None) -> Repair:
    async def repair() -> int:
        known = call or await desk.ring(**desk.made(visit))
        return await desk.change(visit, call_id=int(known))

    return repair


async def link_never_written(desk: Desk) -> Planted:
    call = await desk.ring()
    visit = await desk.row(await desk.book(), source="retell_webhook", call_id=None)
    at = now()
    await desk.note(call, **desk.made(visit))
    return _unlinked(desk, visit, call, at)


async def link_cleared(desk: Desk) -> Planted:
    visit = await desk.phone_visit()
    await desk.pause(4, 6)
    at = await desk.change(visit, call_id=None)
    return _unlinked(desk, replace(visit, call=None), visit.call, at)


async def phone_booking_of_no_call(desk: Desk) -> Planted:
    """The phone agent's row, and no call to be found."""
    visit = await desk.row(await desk.book(), source="retell_webhook")
    return _unlinked(desk, visit, None, now())


async def call_names_a_web_booking(desk: Desk) -> Planted:
    """Only the call tells that the appointment was made by phone."""
    visit = await desk.row(await desk.book(), source="website")
    await desk.pause(2, 4)
    call = await desk.ring(**desk.made(visit))
    return _unlinked(desk, visit, call, now())


WAYS = (
    Way(rule="phantom_booking", name="booked_by_word_only", story=booked_by_word_only),
    Way(rule="phantom_booking", name="flag_never_set", story=flag_never_set),
    Way(rule="phantom_booking", name="flag_cleared", story=flag_cleared),
    Way(rule="appointment_made_mismatch", name="outcome_wrong_from_the_first", story=outcome_wrong_from_the_first),
    Way(rule="appointment_made_mismatch", name="outcome_overwritten", story=outcome_overwritten),
    Way(rule="missing_direction", name="written_without_direction", story=written_without_direction),
    Way(rule="missing_direction", name="direction_cleared", story=direction_cleared),
    Way(rule="missing_direction", name="booked_without_direction", story=booked_without_direction),
    Way(rule="recent_failure", name="failed_by_word", story=failed_by_word),
    Way(rule="recent_failure", name="refused_by_calcom", story=refused_by_calcom),
    Way(rule="recent_failure", name="link_failed", story=link_failed),
    Way(rule="call_link_mismatch", name="another_booking_noted", story=another_booking_noted),
    Way(rule="call_link_mismatch", name="another_calls_booking_noted", story=another_calls_booking_noted),
    Way(rule="call_link_mismatch", name="given_to_another_call", story=given_to_another_call),
    Way(rule="missing_call_link", name="link_never_written", story=link_never_written),
    Way(rule="missing_call_link", name="link_cleared", story=link_cleared),
    Way(rule="missing_call_link", name="phone_booking_of_no_call", story=phone_booking_of_no_call),
    Way(rule="missing_call_link", name="call_names_a_web_booking", story=call_names_a_web_booking),
)
