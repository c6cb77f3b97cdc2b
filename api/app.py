"""The application object: routers put together, nothing started."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI

from api import alert_actions, alerts, bookings, coverage, health, metrics, webhook_stats
from api.problems import answer_with_problems
from api.responses import describe_structs
from api.services import Services

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
    app = _bare_app("Plumbline", lifespan or _database_lifespan(services))
    store_checks = {
        "store": health.store_check(services.database),
        "migrations": health.migrations_check(services.database),
    }
    app.include_router(alerts.build_router(services))
    app.include_router(alert_actions.build_router(services))
    app.include_router(bookings.build_router(services))
    app.include_router(webhook_stats.build_router(services))
    app.include_router(coverage.build_router(services))
    app.include_router(health.build_router({**store_checks, **(checks or {})}))
    app.include_router(metrics.build_router(services))
    for router in routers:
        app.include_router(router)
    describe_structs(app)
    return app


def create_door_app(door: APIRouter) -> FastAPI:
    """The webhook door alone, for a port of its own: it is public, the rest is not."""
    app = _bare_app("Plumbline webhook door", None)
    app.include_router(door)
    app.include_router(health.build_router({}))
    return app


def _bare_app(title: str, lifespan: Lifespan | None) -> FastAPI:
    # No page that loads scripts from elsewhere: the document itself is enough.
    app = FastAPI(
        title=title,
        description=DESCRIPTION,
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_middleware(metrics.Measured)
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
