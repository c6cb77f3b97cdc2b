"""The monitored database: two connections at most, two seconds a statement, one statement for many
questions."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeVar

import asyncpg
import msgspec

from connectors.crm.table import KEY, SNAPSHOT, Table, inspect
from streams.model.records import RowsQuestion
from streams.settings_sections import SourceSettings

#: Of the role's six, Debezium holds four (design §8).
CONNECTIONS_MAX = 2
STATEMENT_MS_MAX = 2_000
CONNECT_SECONDS_MAX = 3.0
ANSWER_SECONDS_MAX = 4.0

T = TypeVar("T")
Kind = Literal["appointments", "calls"]
#: Which table is asked, and by which column of ours.
By = tuple[Kind, str]


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """What one statement saw: all rows found, each under its key, and the snapshot that it saw them in."""

    snapshot: str
    rows: tuple[tuple[str, dict[str, object]], ...]


class NotAnswered(Exception):
    """The database gave no answer now; the same question may be answered later."""


class TooSlow(NotAnswered):
    """The statement took longer than STATEMENT_MS_MAX; a smaller one may not."""


class NotAnswerable(Exception):
    """The database cannot answer this question: a table or column is not there, or may not be read."""


def by_of(question: RowsQuestion) -> tuple[By, tuple[str, ...]]:
    """By which column a question asks, and for which values. Raises NotAnswerable for one that asks
    nothing."""
    if question.booking_refs:
        return ("appointments", "calcom_v2_booking_id"), question.booking_refs
    if question.call_id is not None:
        return ("appointments", "call_id"), (question.call_id,)
    if question.table is not None and question.row_id is not None:
        return (question.table, "id"), (question.row_id,)
    raise NotAnswerable("the question names neither a row, nor bookings, nor a call")


class CrmDatabase:
    """Reads rows. Opens itself at the first question."""

    def __init__(self, source: SourceSettings) -> None:
        if source.dsn is None:
            raise ValueError("source.dsn is missing: allowed is postgresql://role:password@host:port/database")
        self._source = source
        self._dsn = source.dsn.get_secret_value()
        self._pool: Any = None
        self._opening = asyncio.Lock()  # several tasks share it: a second pool would be two connections more
        self._tables: dict[str, Table] = {}

    async def read(self, by: By, values: Sequence[str]) -> Rows:
        """All rows with one of the values, whatever tenant they are of. Raises NotAnswered, NotAnswerable."""

        async def found(connection: Any) -> Rows:
            return await self._read(connection, by, values)

        return await self._asked(found)

    async def table(self, kind: Kind) -> Table:
        """The table as the database has it. Raises NotAnswered, and NotAnswerable for one that is not there."""

        async def known(connection: Any) -> Table:
            table = self._tables.get(kind) or await self._inspect(connection, kind)
            if not table.columns:
                raise NotAnswerable(f"there is no table {table.name}, or none that may be read")
            return table

        return await self._asked(known)

    async def fetch(self, sql: str, *arguments: object) -> Sequence[Any]:
        """The records of one statement. Raises NotAnswered (TooSlow for one), NotAnswerable."""

        async def fetched(connection: Any) -> Sequence[Any]:
            records: Sequence[Any] = await connection.fetch(sql, *arguments)
            return records

        return await self._asked(fetched)

    async def _asked(self, ask: Callable[[Any], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX), (await self._opened()).acquire() as connection:
                return await ask(connection)
        except asyncpg.QueryCanceledError as slow:
            raise TooSlow(str(slow)) from slow
        except (asyncpg.DataError, asyncpg.SyntaxOrAccessError) as no:
            self._tables.clear()  # the schema may have changed under us
            raise NotAnswerable(str(no)) from no
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as away:
            raise NotAnswered(str(away) or type(away).__name__) from away

    async def close(self) -> None:
        """Close both connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    async def _read(self, connection: Any, by: By, values: Sequence[str]) -> Rows:
        kind, column = by
        table = self._tables.get(kind) or await self._inspect(connection, kind)
        if column not in table.columns:
            raise NotAnswerable(f"{table.name} has no column for {column}")
        wanted = sorted({value for value in values if table.can_hold(column, value)})
        records = await connection.fetch(table.statement(column), wanted)
        found = tuple((record[KEY], table.row(record)) for record in records if record[KEY] is not None)
        return Rows(snapshot=records[0][SNAPSHOT], rows=found)

    async def _inspect(self, connection: Any, kind: Kind) -> Table:
        given = self._source.appointments if kind == "appointments" else self._source.calls
        if not given.table:
            raise NotAnswerable(f"the database has no table of {kind}")
        table = await inspect(
            connection,
            kind=kind,
            name=given.table,
            columns=given.columns,
            timezone=self._source.timezone_of(kind),
        )
        if table.columns:
            self._tables[kind] = table
        return table

    async def _opened(self) -> Any:
        async with self._opening:
            if self._pool is not None:
                return self._pool
            self._pool = await asyncpg.create_pool(
                self._dsn,
                min_size=0,
                max_size=CONNECTIONS_MAX,
                timeout=CONNECT_SECONDS_MAX,
                command_timeout=ANSWER_SECONDS_MAX,
                server_settings={
                    "application_name": "plumbline-reads",
                    "statement_timeout": str(STATEMENT_MS_MAX),
                    "default_transaction_read_only": "on",
                    "timezone": "UTC",
                },
            )
        return self._pool
