"""The Cal.com server as an ASGI application."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from connectors.world.calcom import gate, hosts, reads, writes
from connectors.world.calcom.control import control_routes
from connectors.world.calcom.state import CalcomState


def calcom_app(state: CalcomState, more_routes: Sequence[BaseRoute] = ()) -> Starlette:
    """API v2 and /_control on one port."""

    def of(path: str, route: gate.Route, method: str = "GET", *, key_needed: bool = True) -> Route:
        return Route(path, gate.gated(state, route, key_needed=key_needed), methods=[method])

    return Starlette(
        routes=[
            of("/v2/bookings", reads.list_bookings),
            of("/v2/bookings", writes.create, "POST", key_needed=False),
            of("/v2/bookings/{uid}", reads.get_booking, key_needed=False),
            of("/v2/bookings/{uid}/reschedule", writes.reschedule, "POST", key_needed=False),
            of("/v2/bookings/{uid}/cancel", writes.cancel, "POST", key_needed=False),
            of("/v2/bookings/{uid}/confirm", hosts.confirm, "POST"),
            of("/v2/bookings/{uid}/decline", hosts.decline, "POST"),
            of("/v2/bookings/{uid}/request-reschedule", hosts.request_reschedule, "POST"),
            of("/v2/bookings/{uid}/mark-absent", hosts.mark_absent, "POST"),
            of("/v2/bookings/{uid}/pay", hosts.pay, "POST"),
            of("/v2/me", reads.me),
            of("/v2/event-types", reads.event_types),
            of("/v2/webhooks", reads.webhooks),
            *control_routes(state),
            *more_routes,
        ]
    )
