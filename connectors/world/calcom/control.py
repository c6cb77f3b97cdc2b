"""The knobs and logs of the simulated Cal.com, under /_control: for tests and for whoever plants faults."""

import msgspec
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.world.calcom.deliveries import Subscription
from connectors.world.calcom.state import CalcomState
from connectors.world.knobs import FATE_HEADER, changed, fate_of


def control_routes(state: CalcomState) -> list[Route]:
    """GET/POST knobs · PUT/GET webhooks/{id} · POST ping/{account} · GET deliveries, requests."""

    async def knobs(request: Request) -> Response:
        if request.method == "POST":
            try:
                state.knobs = changed(state.knobs, msgspec.json.decode(await request.body(), type=dict[str, object]))
            except msgspec.MsgspecError as error:
                return JSONResponse({"error": str(error)}, status_code=422)
        return JSONResponse(asdict(state.knobs))

    async def subscription(request: Request) -> Response:
        try:
            told = msgspec.json.decode(await request.body(), type=dict[str, object])
            new = msgspec.convert({**told, "id": request.path_params["id"]}, Subscription)
        except msgspec.MsgspecError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        state.subscriptions[new.id] = new
        return JSONResponse(msgspec.to_builtins(new))

    async def subscriptions(_: Request) -> Response:
        return JSONResponse(msgspec.to_builtins(list(state.subscriptions.values())))

    async def ping(request: Request) -> Response:
        state.ping(request.path_params["account"], fate_of(request.headers.get(FATE_HEADER)))
        return JSONResponse({"sent": True})

    async def deliveries(request: Request) -> Response:
        """Newest last; `uid` and `account` narrow it."""
        uid, account = request.query_params.get("uid"), request.query_params.get("account")
        lines = [
            each
            for each in state.deliveries.log
            if (uid is None or each.uid == uid) and (account is None or each.account == account)
        ]
        return JSONResponse({"items": msgspec.to_builtins(lines), "delivered": state.deliveries.delivered_count})

    async def requests(_: Request) -> Response:
        return JSONResponse(dict(state.requests))

    return [
        Route("/_control/knobs", knobs, methods=["GET", "POST"]),
        Route("/_control/webhooks", subscriptions),
        Route("/_control/webhooks/{id}", subscription, methods=["PUT"]),
        Route("/_control/ping/{account}", ping, methods=["POST"]),
        Route("/_control/deliveries", deliveries),
        Route("/_control/requests", requests),
    ]
