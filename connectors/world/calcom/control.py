"""The knobs and logs of the simulated Cal.com, under /_control: for tests and for whoever plants faults."""

import msgspec
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.world.calcom.bookings import NoSuchBooking
from connectors.world.calcom.deliveries import Subscription
from connectors.world.calcom.state import CalcomState
from connectors.world.knobs import FATE_HEADER, changed, fate_of


class Telling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One webhook that says nothing of a booking's state."""

    trigger: str
    status: str | None = None


def control_routes(state: CalcomState) -> list[Route]:
    """GET/POST knobs · PUT/DELETE webhooks/{id} · POST ping/{account}, tell/{uid} · GET the logs."""
    control = _Control(state)
    return [
        Route("/_control/knobs", control.knobs, methods=["GET", "POST"]),
        Route("/_control/webhooks", control.subscriptions),
        Route("/_control/webhooks/{id}", control.subscription, methods=["PUT", "DELETE"]),
        Route("/_control/ping/{account}", control.ping, methods=["POST"]),
        Route("/_control/tell/{uid}", control.tell, methods=["POST"]),
        Route("/_control/deliveries", control.deliveries),
        Route("/_control/requests", control.requests),
    ]


class _Control:
    def __init__(self, state: CalcomState) -> None:
        self._state = state

    async def knobs(self, request: Request) -> Response:
        """GET tells them all; POST turns those that the body names."""
        if request.method == "POST":
            try:
                turned = msgspec.json.decode(await request.body(), type=dict[str, object])
                self._state.knobs = changed(self._state.knobs, turned)
            except msgspec.MsgspecError as error:
                return JSONResponse({"error": str(error)}, status_code=422)
        return JSONResponse(asdict(self._state.knobs))

    async def subscription(self, request: Request) -> Response:
        """Makes or replaces one webhook of an account, or takes it out."""
        if request.method == "DELETE":
            self._state.subscriptions.pop(request.path_params["id"], None)
            return JSONResponse({"deleted": True})
        try:
            told = msgspec.json.decode(await request.body(), type=dict[str, object])
            new = msgspec.convert({**told, "id": request.path_params["id"]}, Subscription)
        except msgspec.MsgspecError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        self._state.subscriptions[new.id] = new
        return JSONResponse(msgspec.to_builtins(new))

    async def subscriptions(self, _: Request) -> Response:
        return JSONResponse(msgspec.to_builtins(list(self._state.subscriptions.values())))

    async def ping(self, request: Request) -> Response:
        self._state.ping(request.path_params["account"], fate_of(request.headers.get(FATE_HEADER)))
        return JSONResponse({"sent": True})

    async def tell(self, request: Request) -> Response:
        """Sends a webhook that Cal.com's clock or a person causes: `trigger`, and what it says as `status`."""
        try:
            telling = msgspec.json.decode(await request.body(), type=Telling)
            booking = self._state.bookings.current(request.path_params["uid"])
        except msgspec.MsgspecError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        except NoSuchBooking:
            return JSONResponse({"error": "no such booking"}, status_code=404)
        fate = fate_of(request.headers.get(FATE_HEADER))
        self._state.tell_aside(telling.trigger, booking, fate, telling.status)
        return JSONResponse({"sent": True})

    async def deliveries(self, request: Request) -> Response:
        """Newest last; `uid` and `account` narrow it."""
        log = self._state.deliveries.log
        uid, account = request.query_params.get("uid"), request.query_params.get("account")
        lines = [each for each in log if uid in (None, each.uid) and account in (None, each.account)]
        delivered = self._state.deliveries.delivered_count
        return JSONResponse({"items": msgspec.to_builtins(lines), "delivered": delivered})

    async def requests(self, _: Request) -> Response:
        """How many each key has asked: by account name, `<account>:app` for the application's key."""
        return JSONResponse(dict(self._state.requests))
