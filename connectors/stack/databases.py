"""The two databases of the local stack: the example application's and Plumbline's own."""

import secrets
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import asyncpg
import msgspec

from connectors.stack import postgres
from connectors.stack.postgres import PostgresServer
from connectors.stack.private_file import write_private
from connectors.stack.service import Service

#: The example application writes here, as its owner.
CRM, CRM_OWNER = "crm", "app"
#: Plumbline's alerts are kept here.
STORE, STORE_OWNER = "plumbline", "plumbline_store"

#: Reads the example, as Plumbline reads any database.
READER = "plumbline"

EXAMPLE_CRM = files("connectors.source") / "example_crm.sql"


class Passwords(msgspec.Struct, frozen=True):
    """Made once for a home, kept in passwords.json (mode 0600)."""

    admin: str
    app: str
    store: str
    reader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDatabases:
    """The server with both databases in it."""

    server: PostgresServer
    passwords: Passwords

    @classmethod
    def of(cls, home: Path, logs: Path, port: int) -> "LocalDatabases":
        """Those of a home folder, made or found."""
        passwords = _passwords(home / "passwords.json")
        binaries, folder, account = postgres.place(home)
        server = PostgresServer(
            binaries=binaries, folder=folder, logs=logs, port=port, password=passwords.admin, account=account
        )
        return cls(server=server, passwords=passwords)

    @property
    def admin_dsn(self) -> str:
        """Superuser, in the example's database."""
        return self.server.dsn(CRM)

    @property
    def crm_dsn(self) -> str:
        return postgres.dsn(CRM_OWNER, self.passwords.app, self.server.port, CRM)

    @property
    def store_dsn(self) -> str:
        return postgres.dsn(STORE_OWNER, self.passwords.store, self.server.port, STORE)

    @property
    def reader_dsn(self) -> str:
        """Plumbline's own role in the example's database, which `source.prepare.apply` makes."""
        return postgres.dsn(READER, self.passwords.reader, self.server.port, CRM)

    def service(self) -> Service:
        """The server; ready means that both databases are there."""
        server = self.server.service()

        async def is_ready() -> bool:
            return await server.is_ready() and await self._make()

        return replace(server, is_ready=is_ready)

    async def _make(self) -> bool:
        """Make roles, databases and the example's tables where they are missing."""
        admin = await asyncpg.connect(self.server.dsn())
        try:
            await _own_database(admin, CRM, CRM_OWNER, self.passwords.app)
            await _own_database(admin, STORE, STORE_OWNER, self.passwords.store)
        finally:
            await admin.close()
        application = await asyncpg.connect(self.crm_dsn)
        try:
            await application.execute(EXAMPLE_CRM.read_text(encoding="utf-8"))
        finally:
            await application.close()
        return True


async def _own_database(admin: asyncpg.Connection, name: str, owner: str, password: str) -> None:
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", owner):
        # Our own random text without quotes in it; CREATE ROLE takes no parameters.
        await admin.execute(f"CREATE ROLE {owner} LOGIN PASSWORD '{password}'")
    if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        await admin.execute(f"CREATE DATABASE {name} OWNER {owner}")


def _passwords(file: Path) -> Passwords:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Passwords)
    except FileNotFoundError:
        made = Passwords(*(secrets.token_urlsafe(18) for _ in range(4)))
        write_private(file, msgspec.json.encode(made))
        return made
