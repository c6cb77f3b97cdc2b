"""The application object: routers put together, nothing started."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from api import (
    alert_actions,
    alert_bulk,
    alerts,
    asyncapi,
    audit,
    bookings,
    coverage,
    health,
    metrics,
    notices,
    reports,
    review,
    silences,
    slack_actions,
    stats,
    stream,
    sync_failures,
    validate,
    webhook_stats,
)
from api.openapi import complete_openapi
from api.problems import answer_with_problems
from api.rate_limit import RateLimited
from api.request_ids import RequestIds
from api.services import Services
from api.writes import Writes

DESCRIPTION = "Where appointments and bookings do not agree, and what people did about it."
VERSION = "1"

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    services: Services,
    *,
    checks: Mapping[str, health.Check] | None = None,
    routers: Sequence[APIRouter] = (),
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """The API. `checks` come to those of store and migrations; `routers` to its own (the door, the dashboard)."""
    inner = (
        Middleware(RateLimited, services.keys, services.settings.api.requests_per_minute),
        Middleware(Writes, services.database, services.keys),
    )
    app = _bare_app("Plumbline", lifespan or _database_lifespan(services), inner)
    store_checks = {
        "store": health.store_check(services.database),
        "migrations": health.migrations_check(services.database),
    }
    app.include_router(stream.build_router(services))  # before the route of one alert, whose path would take it
    app.include_router(alerts.build_router(services))
    app.include_router(alert_actions.build_router(services))
    app.include_router(alert_bulk.build_router(services))
    app.include_router(notices.build_router(services))
    app.include_router(silences.build_router(services))
    app.include_router(bookings.build_router(services))
    app.include_router(stats.build_router(services))
    app.include_router(validate.build_router(services))
    app.include_router(review.build_router(services))
    app.include_router(sync_failures.build_router(services))
    app.include_router(webhook_stats.build_router(services))
    app.include_router(reports.build_router(services))
    app.include_router(coverage.build_router(services))
    app.include_router(audit.build_router(services))
    app.include_router(slack_actions.build_router(services))
    app.include_router(asyncapi.build_router(services.settings, version=VERSION))
    app.include_router(health.build_router({**store_checks, **(checks or {})}))
    app.include_router(metrics.build_router(services))
    for router in routers:
        app.include_router(router)
    complete_openapi(app)
    return app


def create_door_app(*doors: APIRouter) -> FastAPI:
    """What checks signatures of its own, for a port of its own: it is public, the rest is not."""
    app = _bare_app("Plumbline webhook door", None)
    for door in doors:
        app.include_router(door)
    app.include_router(health.build_router({}))
    return app


def _bare_app(title: str, lifespan: Lifespan | None, inner: Sequence[Middleware] = ()) -> FastAPI:
    """`inner`: what only the API has around its routes, outermost first."""
    # No page that loads scripts from elsewhere: the document itself is enough.
    app = FastAPI(
        title=title,
        description=DESCRIPTION,
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        middleware=[Middleware(RequestIds), Middleware(metrics.Measured), *inner],
    )
    answer_with_problems(app)
    return app


def _database_lifespan(services: Services) -> Lifespan:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.database.open()
        try:
            yield
        finally:
            await services.database.close()

    return lifespan
