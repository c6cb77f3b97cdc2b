"""`GET /v1/stats/webhooks`: how many webhooks came, came late, were lost or turned away, by account and trigger."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.keys import Caller
from api.responses import answers, json_response
from api.services import Services
from connectors.store.webhook_stats import DAYS_MAX, WebhookStats, webhook_stats
from streams.settings_sections import AccountSettings

DAYS_DEFAULT = 7


def build_router(services: Services) -> APIRouter:
    """One route; a key sees the bookings of its own tenants, and the refusals of accounts that are theirs alone."""
    router = APIRouter(tags=["statistics"])
    viewer = services.keys.at_least("viewer")

    @router.get(
        "/v1/stats/webhooks",
        summary="How reliable webhooks are",
        description=(
            "For each state of a booking that a list of Cal.com showed: whether its webhook came. `lost` and `refused` "
            "are changes that only the poll or a pass has found."
        ),
        responses=answers(WebhookStats, "By account and trigger."),
        response_model=None,
    )
    async def stats(
        caller: Annotated[Caller, Depends(viewer)],
        days: Annotated[int, Query(ge=1, le=DAYS_MAX, description="how far back")] = DAYS_DEFAULT,
    ) -> Response:
        accounts = [one.name for one in services.settings.accounts if _is_whole(one, caller)]
        found = await webhook_stats(
            services.database, days, caller.tenants, None if caller.tenants is None else accounts
        )
        return json_response(found)

    return router


def _is_whole(account: AccountSettings, caller: Caller) -> bool:
    """Whether all of the account is the caller's: of a refused body nobody knows whose it was."""
    return caller.tenants is None or account.tenants <= set(caller.tenants)
