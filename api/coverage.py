"""`GET /v1/coverage`: through which instant each tenant is compared. `GET /v1/circuit-breakers`: who answers."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.bodies import Word
from api.coverage_answers import (
    CircuitBreakers,
    CoveragePage,
    StoreWord,
    account_names,
    breakers_of,
    coverage_of,
)
from api.keys import Caller
from api.responses import answers, json_response
from api.services import Services
from connectors.store.breakers import breakers
from connectors.store.coverage import gaps, passes, sources, unmapped
from connectors.store.database import Connection
from connectors.store.planning import queued, quotas
from connectors.store.standings import standings_of
from streams.settings import Settings

TENANTS_MAX = 200
TENANTS_DEFAULT = 50
FILTER_VALUES_MAX = 100


def build_router(services: Services) -> APIRouter:
    """Two routes; a tenant's key sees its own tenants and the sources that concern them."""
    router = APIRouter(tags=["coverage"])
    viewer = services.keys.at_least("viewer")

    @router.get(
        "/v1/coverage",
        summary="Through which instant each tenant is compared, and what is in the way",
        description="By side: what was heard, gaps, complete passes; beside it what waits to be proved and how long. "
        "A tenant is listed from the first word of the worker about it on.",
        responses=answers(CoveragePage, "One page, in the order of tenants' ids."),
        response_model=None,
    )
    async def coverage(
        caller: Annotated[Caller, Depends(viewer)],
        tenant: Annotated[list[Word], Query(default_factory=list, max_length=FILTER_VALUES_MAX)],
        limit: Annotated[int, Query(ge=1, le=TENANTS_MAX)] = TENANTS_DEFAULT,
        cursor: Annotated[Word, Query(description="next_cursor of the page before")] = "",
    ) -> Response:
        wanted = visible_tenants(caller, tenant)
        async with services.database.connection() as connection:
            # One more than asked for tells whether there is a next page.
            found = await standings_of(connection, wanted, after=cursor, limit=limit + 1)
            page = found[:limit]
            word = await store_word(connection, services.settings, tuple(standing.tenant for standing in page))
            if caller.tenants is not None:
                # What is nobody's yet may be another tenant's.
                word = msgspec.structs.replace(word, unmapped=())
        items = tuple(coverage_of(standing, word, services.settings) for standing in page)
        next_cursor = page[-1].tenant if len(found) > limit else None
        return json_response(CoveragePage(items=items, next_cursor=next_cursor))

    @router.get(
        "/v1/circuit-breakers",
        summary="Whether Cal.com answers, by account",
        description="open: nobody is asked until the next probe; half_open: a probe is under way or was answered once.",
        responses=answers(CircuitBreakers, "One a configured account."),
        response_model=None,
    )
    async def circuit_breakers(caller: Annotated[Caller, Depends(viewer)]) -> Response:
        async with services.database.connection() as connection:
            known = tuple(row.breaker for row in await breakers(connection))
        return json_response(breakers_of(known, _accounts(services.settings, caller)))

    return router


def visible_tenants(caller: Caller, asked: list[str]) -> tuple[str, ...] | None:
    """The tenants that a caller may see of those asked for; None is all."""
    if caller.tenants is None:
        return tuple(asked) or None
    return tuple(tenant for tenant in caller.tenants if not asked or tenant in asked)


async def store_word(connection: Connection, settings: Settings, tenants: tuple[str, ...]) -> StoreWord:
    """What the store says, of passes only about these tenants; queues are shared by key, so all of them are read."""
    return StoreWord(
        sources=await sources(connection),
        gaps=await gaps(connection),
        passes=await passes(connection, tenants),
        waiting=await queued(connection, None),
        quotas=await quotas(connection),
        breakers=tuple(row.breaker for row in await breakers(connection)),
        unmapped=await unmapped(connection, [account.name for account in settings.accounts]),
    )


def _accounts(settings: Settings, caller: Caller) -> set[str]:
    if caller.tenants is None:
        return {account.name for account in settings.accounts}
    return {name for tenant in caller.tenants for name in account_names(settings, tenant)}
