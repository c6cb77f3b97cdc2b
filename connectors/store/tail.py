"""The outbox as the live stream reads it: in order of `sequence`, from any position that is kept.

One relay gives the numbers, in one session (connectors/store/relay.py), so a number is seen only when all smaller ones
are: whoever has read up to a position and goes on behind it misses nothing, in whichever process.

A `Tail` follows the newest entries for all readers of a process and keeps the last of them. A reader is a position and
nothing else: it takes a page from the tail, or from the table where it is further behind. There is no queue per reader.
"""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import msgspec

from connectors.store.database import (
    CLOSE_SECONDS_MAX,
    Connection,
    Database,
    StoreUnavailable,
    dedicated_connection,
    reachable,
)
from connectors.store.rows import alert_of
from streams.alerts.alert import Alert

logger = logging.getLogger(__name__)

#: `LISTEN` on it hears of each batch of new numbers.
NUMBERED_CHANNEL = "plumbline_numbered"
#: NOTIFY wakes the tail at once; this is for a notification that was lost.
POLL_SECONDS = 1.0
TRY_AGAIN_SECONDS = 1.0
#: Entries that a process keeps for all its readers.
RING_MAX = 1_000
PAGE_MAX = 200
#: Readers that are behind page from the table, so many at a time: the pool is for everybody.
PAGES_AT_ONCE_MAX = 3

_EXTENT = """
SELECT through AS pruned_through, GREATEST(through, (SELECT max(sequence) FROM outbox)) AS newest FROM outbox_pruned
"""
_BEHIND = """
SELECT pruned.through, entry.sequence, entry.alert FROM outbox_pruned AS pruned LEFT JOIN LATERAL (
    SELECT sequence, alert FROM outbox WHERE sequence > $1 ORDER BY sequence LIMIT $2
) AS entry ON true
ORDER BY entry.sequence
"""


class PositionLost(Exception):
    """What follows this position is not kept any more."""


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """Positions from which one can go on: from the highest number pruned to the newest given."""

    pruned_through: int
    newest: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One change: its number, and the whole alert after it."""

    sequence: int
    alert: Alert


class Tail:
    """Follows the outbox while somebody reads. One for a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._paging = asyncio.Semaphore(PAGES_AT_ONCE_MAX)
        self._readers = 0
        self._following: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        # The ring has every entry behind `_floor` up to `_newest`, which is None while nothing is known.
        self._ring: tuple[Entry, ...] = ()
        self._floor = 0
        self._newest: int | None = None
        self.closed = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While one reader reads. The outbox is followed from the first reader to the last."""
        self._readers += 1
        if self._following is None:
            self._following = asyncio.create_task(self._follow(), name="stream tail")
        try:
            yield
        finally:
            self._readers -= 1
            if not self._readers and self._following is not None:
                self._following.cancel()
                self._following, self._newest = None, None

    def close(self) -> None:
        """Let every reader end."""
        self.closed = True
        self._moved.set()

    async def extent(self) -> Extent:
        """What is kept at this moment. Raises StoreUnavailable."""
        async with self._database.connection() as connection:
            return await _extent(connection)

    async def behind(self, position: int) -> tuple[Entry, ...]:
        """What follows a position, at most a page; nothing if it is the newest.

        Raises PositionLost, StoreUnavailable.
        """
        if self._newest is not None and position >= self._floor:
            first = bisect_right(self._ring, position, key=lambda entry: entry.sequence)
            return self._ring[first : first + PAGE_MAX]
        async with self._paging, self._database.connection() as connection:
            return await _entries_behind(connection, position)

    async def until_moved(self, position: int) -> None:
        """Wait until something follows a position, or the tail is closed."""
        while not self.closed and (self._newest is None or self._newest <= position):
            await self._moved.wait()

    async def _follow(self) -> None:
        while True:
            try:
                await self._follow_once()
            except StoreUnavailable as away:
                logger.debug("the stream waits for the store: %s", away)
            except PositionLost:
                self._newest = None  # it was away for longer than entries are kept
            except Exception:
                logger.exception("the stream's tail failed and is started again")
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _follow_once(self) -> None:
        async with _listening(self._database.dsn) as (connection, wake):
            position = self._newest
            if position is None:
                position = (await _extent(connection)).newest
                self._move(floor=position, ring=(), newest=position)
            while True:
                wake.clear()
                entries = await _entries_behind(connection, position)
                if entries:
                    self._append(entries)
                    position = entries[-1].sequence
                if len(entries) < PAGE_MAX:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(POLL_SECONDS):
                            await wake.wait()

    def _append(self, entries: tuple[Entry, ...]) -> None:
        ring = self._ring + entries
        pushed_out = ring[:-RING_MAX]
        floor = pushed_out[-1].sequence if pushed_out else self._floor
        self._move(floor=floor, ring=ring[-RING_MAX:], newest=entries[-1].sequence)

    def _move(self, *, floor: int, ring: tuple[Entry, ...], newest: int) -> None:
        self._floor, self._ring, self._newest = floor, ring, newest
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


async def _extent(connection: Connection) -> Extent:
    row = await connection.fetchrow(_EXTENT)
    return Extent(pruned_through=row["pruned_through"], newest=row["newest"])


async def _entries_behind(connection: Connection, position: int) -> tuple[Entry, ...]:
    rows = await connection.fetch(_BEHIND, position, PAGE_MAX)
    if position < rows[0]["through"]:
        raise PositionLost(position)
    return tuple(
        Entry(sequence=row["sequence"], alert=alert_of(row["alert"])) for row in rows if row["sequence"] is not None
    )


@asynccontextmanager
async def _listening(dsn: str) -> AsyncIterator[tuple[Connection, asyncio.Event]]:
    """A connection of one's own, and what is set when numbers were given. Raises StoreUnavailable."""
    wake = asyncio.Event()
    connection = await dedicated_connection(dsn, name="plumbline-stream")
    try:
        with reachable():
            await connection.add_listener(NUMBERED_CHANNEL, lambda *_: wake.set())
            yield connection, wake
    finally:
        try:
            await connection.close(timeout=CLOSE_SECONDS_MAX)
        except (OSError, TimeoutError):
            connection.terminate()
