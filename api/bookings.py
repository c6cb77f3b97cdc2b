"""`GET /v1/bookings/{uid}/consistency`: does this booking agree on both sides, and as of when."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.bodies import Word
from api.coverage import visible_tenants
from api.keys import Caller
from api.problems import not_found
from api.responses import answers, json_response
from api.services import Services
from connectors.store.verdicts import Consistency, consistency_of

FILTER_VALUES_MAX = 100


def build_router(services: Services) -> APIRouter:
    """One route; 404 only for a booking that no side has ever named."""
    router = APIRouter(tags=["bookings"])
    viewer = services.keys.at_least("viewer")

    @router.get(
        "/v1/bookings/{uid}/consistency",
        summary="Whether both sides agree about a booking",
        description="`uid` is any uid of the booking's reschedule chain, or its numeric id. Where several tenants name "
        "it, the worst verdict is told, with the alerts of all; `tenant` asks for one. 404 only for a booking that no "
        "side has ever named.",
        responses=answers(Consistency, "agree, differ or unknown; `alerts` are ids of those not resolved."),
        response_model=None,
    )
    async def consistency(
        uid: Word,
        caller: Annotated[Caller, Depends(viewer)],
        tenant: Annotated[list[Word], Query(default_factory=list, max_length=FILTER_VALUES_MAX)],
    ) -> Response:
        found = await consistency_of(services.database, uid, visible_tenants(caller, tenant))
        if found is None:
            raise not_found("booking")
        return json_response(found)

    return router
