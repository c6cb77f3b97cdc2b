"""Connections to Plumbline's own Postgres: a bounded pool that opens itself, with named timeouts.

An unreachable store is one error, `StoreUnavailable`, whatever the driver calls it: callers try again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import asyncpg
import stamina

CONNECT_SECONDS_MAX = 3.0
ACQUIRE_SECONDS_MAX = 5.0
STATEMENT_SECONDS_MAX = 10.0
CLOSE_SECONDS_MAX = 3.0
IDLE_SECONDS_MAX = 30
CONNECTIONS_MAX = 10
RETRY_SECONDS_FIRST = 0.1
RETRY_SECONDS_MAX = 5.0

Result = TypeVar("Result")

#: Rows of asyncpg are untyped; a connection is `Any` here and typed at each query's end.
Connection = Any


class StoreUnavailable(ConnectionError):
    """The store cannot be reached, is not migrated yet, or gave the work up; the same may succeed later."""


class _Held:
    """A connection that a block holds for all that is done inside it."""

    def __init__(self, database: "Database", connection: Connection) -> None:
        self.database = database
        self.connection = connection
        #: A task that outlives the block has its context, and must not have its connection.
        self.over = False


_held: ContextVar[_Held | None] = ContextVar("held_connection", default=None)

_AWAY: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.UndefinedTableError,  # an older schema: a migration is on its way
    asyncpg.UndefinedColumnError,
)


class Database:
    """The pool. `open` does not wait for the server; the first query does."""

    def __init__(self, dsn: str, *, connections_max: int = CONNECTIONS_MAX, name: str = "plumbline") -> None:
        self._dsn = dsn
        self._connections_max = connections_max
        self._name = name
        self._pool: Any = None

    @property
    def dsn(self) -> str:
        """Where the store is; for connections that live longer than a query."""
        return self._dsn

    async def open(self) -> None:
        """Make the pool; no connection is made yet."""
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                self._dsn,
                min_size=0,
                max_size=self._connections_max,
                timeout=CONNECT_SECONDS_MAX,
                command_timeout=STATEMENT_SECONDS_MAX,
                server_settings={"application_name": self._name, "timezone": "UTC"},
            )

    async def close(self) -> None:
        """Close every connection; those in use are given a short while."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection for a while. Raises StoreUnavailable, also for what fails while it is held.

        Inside `one_transaction` it is that one's; what fails takes back what was done in this block alone.
        """
        held = _held.get()
        if held is not None and held.database is self and not held.over:
            with reachable():
                async with held.connection.transaction():
                    yield held.connection
            return
        if self._pool is None:
            await self.open()
        with reachable():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction: all of it or nothing. Raises StoreUnavailable."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def one_transaction(self) -> AsyncIterator[Connection]:
        """One transaction for everything that this task does with this database until the block ends.

        So what several modules write, none of which knows of the others, is all there or not at all. Within it nothing
        may be done side by side: it is one connection. Where the process goes without a word, the server takes all of
        it back after `IDLE_SECONDS_MAX`. Raises StoreUnavailable.
        """
        async with self.transaction() as connection:
            await connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS_MAX}s'")
            held = _Held(self, connection)
            token = _held.set(held)
            try:
                yield connection
            finally:
                held.over = True
                _held.reset(token)


async def dedicated_connection(dsn: str, *, name: str) -> Connection:
    """A connection outside the pool, for session locks and LISTEN. Raises StoreUnavailable."""
    with reachable():
        return await asyncpg.connect(
            dsn,
            timeout=CONNECT_SECONDS_MAX,
            command_timeout=STATEMENT_SECONDS_MAX,
            server_settings={"application_name": name, "timezone": "UTC"},
        )


@contextmanager
def reachable() -> Iterator[None]:
    """What means "not now" becomes StoreUnavailable; wrong statements and data stay as they are."""
    try:
        yield
    except (StoreUnavailable, asyncpg.DataError):
        raise
    except _AWAY as away:
        if isinstance(away, ValueError):  # asyncpg's client-side DataError is an InterfaceError too
            raise
        raise StoreUnavailable(f"{type(away).__name__}: {away}") from away


async def until_available(work: Callable[[], Awaitable[Result]]) -> Result:
    """Do `work`, again and again with growing pauses while the store is away, until success or cancel."""
    async for attempt in stamina.retry_context(
        on=StoreUnavailable,
        attempts=None,
        timeout=None,
        wait_initial=RETRY_SECONDS_FIRST,
        wait_max=RETRY_SECONDS_MAX,
    ):
        with attempt:
            return await work()
    raise AssertionError("retries without a limit do not end")
