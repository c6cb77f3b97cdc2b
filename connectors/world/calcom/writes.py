"""What can be written to Cal.com through its API, with the webhooks that follow (calcom.md §3, §4).

Where a write ends is marked by its answer; a fate may make the answer untrue (knobs.py).
"""

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from connectors.world.calcom.booking import DEAD, Attendee, Booking, Draft, cancelled
from connectors.world.calcom.event_types import EventType
from connectors.world.calcom.forms import fate_for, form_of
from connectors.world.calcom.gate import ApiError, success
from connectors.world.calcom.payloads import Occasion, Trigger
from connectors.world.calcom.shapes import booking_shape, host_email
from connectors.world.calcom.state import CalcomState, Caller
from connectors.world.instants import DAY, MINUTE, now, parse
from connectors.world.knobs import Fate

#: How long a request hangs before the gateway gives up on it (in life 125 s).
GATEWAY_SECONDS = 0.5
SLOT_TAKEN = "User either already has booking at this time or is not available"


class AttendeeForm(msgspec.Struct, kw_only=True):
    name: str
    email: str = ""
    timeZone: str = "Europe/Lisbon"


class CreateForm(msgspec.Struct, kw_only=True):
    start: str
    eventTypeId: int
    attendee: AttendeeForm
    lengthInMinutes: int | None = None
    metadata: dict[str, str] = {}
    recurrenceCount: int = 1
    instant: bool = False


class RescheduleForm(msgspec.Struct, kw_only=True):
    start: str
    rescheduledBy: str | None = None


class CancelForm(msgspec.Struct, kw_only=True):
    cancellationReason: str | None = None
    seatUid: str | None = None
    cancelSubsequentBookings: bool = False


async def create(state: CalcomState, request: Request, _: Caller | None) -> Response:
    """201 with the booking; a series answers with a list. A seated slot that is taken gets one more seat."""
    form = await form_of(request, CreateForm)
    fate = fate_for(state, request)
    known = state.event_type(form.eventTypeId)
    if known is None:
        raise ApiError(404, "NotFoundException", f"Event type with id {form.eventTypeId} not found")
    account, kind = known
    if fate.write == "refuse":
        raise ApiError(400, "BadRequestException", SLOT_TAKEN)
    drafts = [_draft(form, account, kind, number) for number in range(form.recurrenceCount)]
    if fate.write == "forget":
        forgotten = state.bookings.draw(drafts[0], now())
        return success(booking_shape(forgotten, state.accounts[account]), 201)
    made = [_place(state, draft, fate) for draft in drafts]
    if fate.write == "time_out":
        return await _gateway_timeout()
    shapes = [booking_shape(each, state.accounts[account]) for each in made]
    return success(shapes if form.recurrenceCount > 1 else shapes[0], 201)


async def reschedule(state: CalcomState, request: Request, _: Caller | None) -> Response:
    """Answers with the new booking. One webhook tells it, and nothing tells the end of the old one."""
    form = await form_of(request, RescheduleForm)
    fate = fate_for(state, request)
    uid = request.path_params["uid"]
    account = state.accounts[state.bookings.current(uid).account]
    host = form.rescheduledBy == host_email(account)
    by = form.rescheduledBy or state.bookings.current(uid).attendees[0].email
    if fate.write == "refuse":
        raise ApiError(400, "BadRequestException", SLOT_TAKEN)
    old, new = state.bookings.reschedule(uid, _instant(form.start), by, now(), host=host)
    trigger: Trigger = "BOOKING_REQUESTED" if new.status == "pending" else "BOOKING_RESCHEDULED"
    state.announce(Occasion(trigger=trigger, at=now(), replaced=old), new, fate)
    if fate.write == "time_out":
        return await _gateway_timeout()
    return success(booking_shape(new, account), 201)


async def cancel(state: CalcomState, request: Request, _: Caller | None) -> Response:
    """Older senders announce it before it is done; a forgotten one is announced and never done."""
    form = await form_of(request, CancelForm)
    fate = fate_for(state, request)
    uid = request.path_params["uid"]
    booking = state.bookings.current(uid)
    account = state.accounts[booking.account]
    if form.seatUid is not None:
        gone, left = state.bookings.cancel_seat(uid, form.seatUid, now())
        state.announce(Occasion(trigger="BOOKING_CANCELLED", at=now(), seat=gone), left, fate)
        return success(booking_shape(left, account))
    if fate.write == "refuse" or booking.status in DEAD:
        raise ApiError(400, "BadRequestException", f"Booking with uid={uid} cannot be cancelled")
    by = host_email(account)
    announced = cancelled(booking, form.cancellationReason, by, now())
    state.announce(Occasion(trigger="BOOKING_CANCELLED", at=now()), announced, fate)
    if fate.write == "forget":
        return success(booking_shape(announced, account))
    early = fate.early_seconds
    if early is None:
        early = state.rng.uniform(0, state.knobs.early_announcement_seconds_max)
    await asyncio.sleep(early)
    # The rest of a series ends with it, and nothing tells of them (calcom.md §1.7).
    done = state.bookings.cancel_remaining if form.cancelSubsequentBookings else state.bookings.cancel
    return success(booking_shape(done(uid, form.cancellationReason, by, now()), account))


def _place(state: CalcomState, draft: Draft, fate: Fate) -> Booking:
    attendee, seats = draft.attendee, draft.event_type.seats
    taken = _seated_at(state, draft) if seats else None
    if taken is not None:
        booking = state.bookings.add_seat(taken.uid, attendee, now())
        occasion = Occasion(trigger="BOOKING_CREATED", at=now(), seat=booking.attendees[-1])
    elif draft.instant:
        booking = state.bookings.create(draft, now())
        state.tell_aside("INSTANT_MEETING", booking, fate)
        return booking
    else:
        booking = state.bookings.create(draft, now())
        occasion = Occasion(trigger=_first_trigger(draft.event_type), at=now())
    state.announce(occasion, booking, fate)
    return booking


def _seated_at(state: CalcomState, draft: Draft) -> Booking | None:
    for each in state.bookings.all_as_of(now(), draft.account):
        if each.event_type.id == draft.event_type.id and each.start == draft.start and each.status == "accepted":
            return each
    return None


def _first_trigger(kind: EventType) -> Trigger:
    if kind.price:
        return "BOOKING_PAYMENT_INITIATED"
    return "BOOKING_REQUESTED" if kind.confirm else "BOOKING_CREATED"


def _draft(form: CreateForm, account: str, kind: EventType, number: int) -> Draft:
    start = _instant(form.start) + number * 7 * DAY
    minutes = form.lengthInMinutes or kind.length
    attendee = Attendee(
        name=form.attendee.name, email=form.attendee.email or f"{start}@phone.example", time_zone=form.attendee.timeZone
    )
    series = f"series-{form.attendee.email}-{form.start}" if form.recurrenceCount > 1 else None
    return Draft(
        account=account, event_type=kind, start=start, end=start + minutes * MINUTE, attendee=attendee,
        metadata=form.metadata, series=series, instant=form.instant,
    )  # fmt: skip


async def _gateway_timeout() -> Response:
    await asyncio.sleep(GATEWAY_SECONDS)
    return HTMLResponse("<html><body>524: A timeout occurred</body></html>", status_code=524)


def _instant(text: str) -> int:
    try:
        return parse(text)
    except ValueError as error:
        raise ApiError(400, "BadRequestException", "start must be a valid ISO 8601 date string") from error
