"""The words of what is asked over HTTP of Postgres alone: a store, an example CRM, an API, and who answers for rows."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import httpx

from api.app import create_app
from api.services import services_of
from connectors.crm.database import CrmDatabase
from connectors.leadership import lead
from connectors.stack.databases import EXAMPLE_CRM
from connectors.stack.stack import LocalStack
from connectors.store.alerts import AlertStore
from connectors.store.database import Database
from connectors.store.migrate import migrate
from connectors.validating import answer_rows
from streams.settings import Settings
from streams.settings_tables import APPOINTMENT_COLUMNS, CALL_COLUMNS
from tests.alert_words import INSTALLED
from tests.integration.alerting import KEYS, running

#: Rows are booked for three days from now.
DAY = timedelta(days=1)
ACCOUNTS = (
    {"name": "harbor", "tenant": "3", "api_key": "cal_live_harbor"},
    {"name": "quay", "tenant": "9", "api_key": "cal_live_quay"},
)
_numbers = itertools.count(1)


class Asked:
    """The API as a key's bearer sees it, with the store and the application behind it."""

    def __init__(self, client: httpx.AsyncClient, settings: Settings, database: Database, application: Any) -> None:
        self._client = client
        self.settings = settings
        self.database = database
        self.store = AlertStore(database)
        self.application = application

    async def ask(self, method: str, path: str, key: str = "ops", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer key-of-{key}", **more.pop("headers", {})}
        return await self._client.request(method, path, headers=headers, **more)

    async def got(self, path: str, key: str = "ops") -> dict[str, Any]:
        answer = await self.ask("GET", path, key)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def query(self, sql: str, *values: object) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(sql, *values)]

    async def insert(self, table: str, **columns: object) -> str:
        """A row of tenant 3 in the application's database; its id."""
        columns = {"company_id": 3, "created_at": datetime.now(UTC)} | columns
        names, places = ", ".join(columns), ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        sql = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id::text"
        return str(await self.application.fetchval(sql, *columns.values()))

    async def call(self, **columns: object) -> str:
        """A call that made an appointment and says so, but for `columns`."""
        plain = {"direction": "inbound", "session_outcome": "appointment_booked", "appointment_made": True}
        return await self.insert("calls", **plain | columns)

    async def appointment(self, **columns: object) -> str:
        """An appointment in sync, but for `columns`."""
        start = datetime.now(UTC).replace(microsecond=0) + 3 * DAY
        plain = {"status": "confirmed", "source": "retell_webhook", "calcom_sync_status": "synced", "customer_id": 8,
                 "starts_at": start, "ends_at": start + timedelta(minutes=30)}  # fmt: skip
        return await self.insert("appointments", **plain | columns)


@asynccontextmanager
async def asked(postgres: LocalStack, *, answered: bool = True) -> AsyncIterator[Asked]:
    """A store and an application of their own; with somebody who answers for rows, unless told otherwise."""
    number, admin_dsn = next(_numbers), str(postgres.endpoints.admin_dsn)
    names = {name: f"{name}_{number}" for name in ("asking_store", "asking_crm")}
    admin = await asyncpg.connect(admin_dsn)
    for name in names.values():
        await admin.execute(f"CREATE DATABASE {name}")
    await admin.execute(f"CREATE ROLE asking_{number} LOGIN PASSWORD 'reads' CONNECTION LIMIT 2")
    await admin.close()
    server = admin_dsn.rpartition("/")[0]
    store_dsn, crm_dsn = (f"{server}/{name}" for name in names.values())
    application = await asyncpg.connect(crm_dsn)
    await application.execute(EXAMPLE_CRM.read_text(encoding="utf-8"))
    for table, mapped in (("appointments", APPOINTMENT_COLUMNS), ("calls", CALL_COLUMNS)):
        # As `plumbline source prepare` does it: the role may read the mapped columns and no others.
        columns = ", ".join(name for name in mapped if name != "deleted_at")
        await application.execute(f"GRANT SELECT ({columns}) ON {table} TO asking_{number}")
    reading = f"postgresql://asking_{number}:reads@{crm_dsn.rpartition('@')[2]}"
    settings = Settings.model_validate(
        {
            "kafka": {"bootstrap_servers": "127.0.0.1:1"},  # nobody needs it here
            "store": {"dsn": store_dsn},
            "source": {"dsn": reading},
            "api": {"requests_per_minute": 100_000},
            "accounts": ACCOUNTS,
            "api_keys": [*KEYS, {"name": "ben", "key": "key-of-ben", "role": "operator", "tenants": ["*"]}],
        }
    )
    await migrate(store_dsn)
    database = Database(store_dsn)
    async with database.connection() as connection:
        installed = "UPDATE installation SET installed_at = to_timestamp($1::float8 / 1000)"
        await connection.execute(installed, float(INSTALLED))
    app = create_app(services_of(settings))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://api", timeout=20) as client,
            running(*([partial(answering, settings)] if answered else [])),
        ):
            yield Asked(client, settings, database, application)
    finally:
        await application.close()
        await database.close()


async def answering(settings: Settings) -> None:
    """The part of the connectors process that answers for rows, on its own."""
    assert settings.store.dsn is not None
    dsn = settings.store.dsn.get_secret_value()
    crm = CrmDatabase(settings.source)
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=2)
    try:
        await lead(dsn, "validations", partial(answer_rows, settings, crm, pool))
    finally:
        await crm.close()
        pool.terminate()
