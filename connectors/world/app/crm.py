"""The application's own database: the example CRM, written as the `app` role writes it."""

from typing import Any, Literal

import asyncpg

from connectors.world.instants import now

Table = Literal["appointments", "calls"]
CONNECTIONS_MAX = 6


class Crm:
    """Rows by table and key. Every write is one transaction, and returns the instant after its commit (ms)."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.writes_count = 0

    @classmethod
    async def open(cls, dsn: str) -> "Crm":
        """Raises OSError or asyncpg.PostgresError."""
        return cls(await asyncpg.create_pool(dsn, min_size=1, max_size=CONNECTIONS_MAX))

    async def close(self) -> None:
        await self._pool.close()

    async def insert(self, table: Table, **columns: object) -> str:
        """The new row's key as text."""
        names = ", ".join(columns)
        places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        sql = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id"
        self.writes_count += 1
        return str(await self._pool.fetchval(sql, *columns.values()))

    async def update(self, table: Table, key: str, **columns: object) -> int:
        """Changes some columns, and `updated_at` with them."""
        sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, start=2))
        assignments = f"{sets}, updated_at = now()" if sets else "updated_at = now()"
        await self._pool.execute(f"UPDATE {table} SET {assignments} WHERE id = $1", int(key), *columns.values())
        self.writes_count += 1
        return now()

    async def delete(self, table: Table, key: str) -> int:
        await self._pool.execute(f"DELETE FROM {table} WHERE id = $1", int(key))
        self.writes_count += 1
        return now()
