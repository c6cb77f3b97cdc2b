"""What a host does with a booking through the API, and the payment provider (calcom.md §3, §4)."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from connectors.world.calcom.forms import fate_for, form_of
from connectors.world.calcom.gate import success
from connectors.world.calcom.payloads import Occasion, Trigger
from connectors.world.calcom.shapes import booking_shape, host_email
from connectors.world.calcom.state import CalcomState, Caller
from connectors.world.instants import now


class DeclineForm(msgspec.Struct, kw_only=True):
    reason: str | None = None


class MoveForm(msgspec.Struct, kw_only=True):
    rescheduleReason: str | None = None


async def confirm(state: CalcomState, request: Request, _: Caller | None) -> Response:
    """Of a series all are confirmed, and one webhook tells of the one that was named (§1.7)."""
    booking = state.bookings.confirm(request.path_params["uid"], now())
    occasion = Occasion(trigger="BOOKING_CREATED", at=now(), after_confirmation=True)
    state.announce(occasion, booking, fate_for(state, request))
    return success(booking_shape(booking, state.accounts[booking.account]))


async def decline(state: CalcomState, request: Request, _: Caller | None) -> Response:
    form = await form_of(request, DeclineForm)
    booking = state.bookings.decline(request.path_params["uid"], form.reason, now())
    state.announce(Occasion(trigger="BOOKING_REJECTED", at=now()), booking, fate_for(state, request))
    return success(booking_shape(booking, state.accounts[booking.account]))


async def request_reschedule(state: CalcomState, request: Request, _: Caller | None) -> Response:
    """The host asks for another time. It looks like a cancellation, and no new booking says that it is none (§3)."""
    form = await form_of(request, MoveForm)
    uid = request.path_params["uid"]
    account = state.accounts[state.bookings.current(uid).account]
    # Before there was a flag the reason's first words told it.
    reason = f"Please reschedule. {form.rescheduleReason or ''}".rstrip()
    booking = state.bookings.request_move(uid, reason, host_email(account), now())
    occasion = Occasion(trigger="BOOKING_CANCELLED", at=now(), move_requested=True)
    state.announce(occasion, booking, fate_for(state, request))
    return success(booking_shape(booking, account))


async def mark_absent(state: CalcomState, request: Request, _: Caller | None) -> Response:
    booking = state.bookings.mark_absent(request.path_params["uid"], now())
    state.tell_aside("BOOKING_NO_SHOW_UPDATED", booking, fate_for(state, request))
    return success(booking_shape(booking, state.accounts[booking.account]))


async def pay(state: CalcomState, request: Request, _: Caller | None) -> Response:
    """No endpoint of Cal.com: what its payment provider does. CREATED and PAID are sent together."""
    booking = state.bookings.pay(request.path_params["uid"], now())
    triggers: tuple[Trigger, ...] = ("BOOKING_PAID", "BOOKING_CREATED")
    for trigger in triggers:
        state.announce(Occasion(trigger=trigger, at=now()), booking, fate_for(state, request))
    return success(booking_shape(booking, state.accounts[booking.account]))
