"""A store of one's own on a real Postgres, and the API over it; no Kafka is needed for either."""

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
from fastapi import APIRouter

from api.app import create_app
from api.services import Services, services_of
from connectors.stack.stack import LocalStack
from connectors.store.migrate import migrate
from streams.settings import Settings
from tests.alert_words import finding

_numbers = itertools.count(1)

KEYS = (
    {"name": "ops", "key": "key-of-ops", "role": "admin", "tenants": ["*"]},
    {"name": "three", "key": "key-of-three", "role": "admin", "tenants": ["3"]},
    {"name": "rota", "key": "key-of-rota", "role": "operator", "tenants": ["3"]},
    {"name": "nine", "key": "key-of-nine", "role": "admin", "tenants": ["9"]},
    {"name": "guest", "key": "key-of-guest", "role": "viewer", "tenants": ["9"]},
)


async def new_store(postgres: LocalStack, **settings: Any) -> Settings:
    """A migrated database that nobody else uses, as settings."""
    admin_dsn = str(postgres.endpoints.admin_dsn)
    name = f"storing_{next(_numbers)}"
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    dsn = admin_dsn.rsplit("/", 1)[0] + f"/{name}"
    await migrate(dsn)
    given = {"store": {"dsn": dsn}, "api_keys": KEYS, "tenants": [{"id": "3"}, {"id": "9"}]}
    return Settings.model_validate(given | settings)


class StoredApi:
    """The API over a store, as bearers of keys see it."""

    def __init__(self, client: httpx.AsyncClient, services: Services) -> None:
        self._client = client
        self.services = services

    async def ask(self, method: str, path: str, key: str = "ops", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer key-of-{key}", **more.pop("headers", {})}
        return await self._client.request(method, path, headers=headers, **more)

    async def opened(self, subject: str, tenant: str = "3") -> str:
        """The path of a new alert."""
        one = finding("opened", 1, subject=subject, tenant=tenant)
        await self.services.store.apply([one])
        return f"/v1/alerts/{one.alert_id}"

    async def audited(self, path: str, key: str = "ops") -> list[dict[str, Any]]:
        """The audit of one alert, oldest first."""
        answer = await self.ask("GET", f"/v1/audit?object_id={path.rsplit('/', 1)[-1]}", key)
        assert answer.status_code == 200, answer.text
        lines: list[dict[str, Any]] = answer.json()["items"]
        return lines[::-1]

    async def query(self, sql: str, *values: object) -> list[dict[str, Any]]:
        async with self.services.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(sql, *values)]


def keyed(key: str, **more: str) -> dict[str, str]:
    """Headers of a write that may be sent again."""
    return {"idempotency-key": key, **more}


@asynccontextmanager
async def stored_api(
    settings: Settings, more: Callable[[Services], Sequence[APIRouter]] = lambda _: ()
) -> AsyncIterator[StoredApi]:
    """The application in this process, with more routes; errors of its own are answers, as on a server."""
    services = services_of(settings)
    app = create_app(services, routers=more(services))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api") as client,
    ):
        yield StoredApi(client, services)
