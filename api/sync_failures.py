"""`GET /v1/sync-failures`: the ledger of failed syncs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.bodies import Time, Word
from api.coverage import visible_tenants
from api.cursor import cursor_of, instant_of, not_a_cursor, parts_of
from api.keys import Caller
from api.responses import answers, json_response
from api.review_answers import SyncFailurePage
from api.services import Services
from connectors.store.sync_failures import PAGE_MAX, FailureFilter, FailurePlace, SyncFailures
from streams.alerts.sync_failure import FailureType, ResolutionStatus
from streams.model.ids import parse_iso
from streams.settings import Settings

PAGE_DEFAULT = 50
FILTER_VALUES_MAX = 100
NUMBER_MAX = 2**63

Several = Query(default_factory=list, max_length=FILTER_VALUES_MAX)


def build_router(services: Services) -> APIRouter:
    """One route; a tenant's key sees its orphans and the trouble of the accounts that hold its bookings."""
    router = APIRouter(tags=["review"])
    viewer = services.keys.at_least("viewer")
    ledger = SyncFailures(services.database)

    @router.get(
        "/v1/sync-failures",
        summary="Failed syncs, newest first",
        description="Orphans, as long as their alerts stand, and requests to Cal.com that failed: one line a minute, "
        "account and sort, with how often. Every filter may be repeated.",
        responses=answers(SyncFailurePage, "One page."),
        response_model=None,
    )
    async def list_failures(
        caller: Annotated[Caller, Depends(viewer)],
        failure_type: Annotated[list[FailureType], Several],
        resolution: Annotated[list[ResolutionStatus], Several],
        tenant: Annotated[list[Word], Several],
        account: Annotated[list[Word], Several],
        since: Annotated[Time | None, Query(description="detected at or after")] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        tenants, accounts = _seen(services.settings, caller, tenant, account)
        wanted = FailureFilter(
            tenants=tenants,
            accounts=accounts,
            types=tuple(failure_type),
            statuses=tuple(resolution),
            since=parse_iso(since),
        )
        after = None if cursor is None else _place(cursor)
        found = await ledger.page(wanted, limit=limit + 1, after=after)  # one more tells whether there is a next page
        page = found[:limit]
        last = page[-1] if len(found) > limit else None
        next_cursor = None if last is None else cursor_of(last.detected_at, last.id)
        return json_response(SyncFailurePage(items=page, next_cursor=next_cursor))

    return router


def _seen(
    settings: Settings, caller: Caller, tenants: list[str], accounts: list[str]
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Whose orphans, and which accounts' trouble; None, None is everything."""
    seen = visible_tenants(caller, tenants)
    if seen is None:
        return (None, None) if not accounts else ((), tuple(accounts))
    theirs = {account.name for tenant in seen for account in settings.accounts_of(tenant)}
    if accounts:
        return (), tuple(sorted(theirs & set(accounts)))
    return seen, tuple(sorted(theirs))


def _place(cursor: str) -> FailurePlace:
    detected_at, number = parts_of(cursor, 2)
    try:
        place = FailurePlace(detected_at=instant_of(detected_at), id=int(number))
    except (ValueError, OverflowError):
        raise not_a_cursor(cursor) from None
    if not 0 < place.id < NUMBER_MAX:
        raise not_a_cursor(cursor)
    return place
