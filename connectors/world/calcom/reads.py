"""What can be read of Cal.com: one booking, the list, the owner, event types, webhooks (calcom.md §4)."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.world.calcom.booking import Booking
from connectors.world.calcom.gate import VERSION, ApiError, not_found, success
from connectors.world.calcom.listing import TAKE_MAX, chosen, page_of
from connectors.world.calcom.shapes import Json, booking_shape, host_email, older_shape, pagination
from connectors.world.calcom.state import TRIGGERS, CalcomState, Caller
from connectors.world.instants import now


async def get_booking(state: CalcomState, request: Request, _: Caller | None) -> Response:
    """By uid, whoever asks; the uid of a series answers with a list. A numeric id is never found."""
    uid = request.path_params["uid"]
    if uid in state.knobs.forbidden_uids:
        raise ApiError(401, "UnauthorizedException", "Invalid API Key")
    at = state.seen_until()
    booking = state.bookings.as_of(uid, at)
    if booking is not None:
        return success(_shape(state, request, booking))
    series = state.bookings.series_as_of(uid, at)
    if not series:
        raise not_found(uid)
    return success([_shape(state, request, each) for each in series])


async def list_bookings(state: CalcomState, request: Request, caller: Caller | None) -> Response:
    """The key owner's bookings as one replica shows them."""
    account = _owner(caller).account.name
    own = list(state.bookings.all_as_of(state.seen_until(), account))
    if request.headers.get("cal-api-version") != VERSION:
        # The older endpoint knows none of the filters.
        return success({"bookings": [older_shape(each) for each in own], "recurringInfo": [], "nextCursor": None})
    query = dict(request.query_params)
    found = chosen(own, {} if state.knobs.filters_ignored else query, now())
    skip, take = page_of(query)
    page = found[skip : skip + take]
    data = [_shape(state, request, each) for each in page]
    return success(data, pagination=pagination(len(found), skip, take, len(page)))


async def me(_: CalcomState, _request: Request, caller: Caller | None) -> Response:
    account = _owner(caller).account
    return success(
        {
            "id": account.user_id,
            "username": account.host.lower().replace(" ", "-"),
            "email": host_email(account),
            "name": account.host,
            "timeZone": "Europe/Lisbon",
        }
    )


async def event_types(state: CalcomState, _: Request, caller: Caller | None) -> Response:
    account = _owner(caller).account
    return success(
        [
            {
                "id": kind.id,
                "ownerId": account.user_id,
                "title": kind.title,
                "slug": kind.slug,
                "lengthInMinutes": kind.length,
                "price": kind.price,
            }
            for kind in state.event_types[account.name].values()
        ]
    )


async def webhooks(state: CalcomState, request: Request, caller: Caller | None) -> Response:
    """The owner's own, without those of event types and teams. The secret is not told: it cannot be relied on."""
    account = _owner(caller).account
    skip, take = page_of(dict(request.query_params), take_default=TAKE_MAX)
    rows: list[Json] = [
        {
            "id": each.id,
            "userId": account.user_id,
            "subscriberUrl": each.url,
            "triggers": list(each.triggers or TRIGGERS),
            "active": each.active,
            "payloadTemplate": each.template,
        }
        for each in state.subscriptions.values()
        if each.account == account.name and each.listed
    ]
    return JSONResponse({"status": "success", "data": rows[skip : skip + take]})


def _shape(state: CalcomState, request: Request, booking: Booking) -> Json:
    if request.headers.get("cal-api-version") != VERSION:
        return older_shape(booking)
    return booking_shape(booking, state.accounts[booking.account])


def _owner(caller: Caller | None) -> Caller:
    if caller is None:
        raise ApiError(401, "UnauthorizedException", "No authentication method was provided")
    return caller
