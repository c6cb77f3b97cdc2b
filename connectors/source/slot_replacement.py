"""Takes our slot away where keeping it is worse than the gap: it fills the customer's disk, or can never go on.

Order: the connector is stopped, so that nobody holds the slot; the slot is dropped; the connector is resumed and makes
a new one, with a new snapshot. Tried (Postgres 18, Debezium 3.7): the slot is free 0.1 s after the stop, a role with
REPLICATION may drop it, also in a read-only transaction, and the first heartbeat comes 0.5 s after the resume. With an
invalidated slot in its way Debezium stays at "RUNNING" without a task and does not come back by itself (25 s).
A Connect that does not answer is no reason to let the disk fill: then our own sessions on the slot are ended.
"""

import asyncio

import structlog

from connectors.source.errors import SourceError
from connectors.source.rest import ConnectRest
from connectors.source.slot import Query

log = structlog.get_logger()

CONNECT_SECONDS_MAX = 5.0
FREE_SECONDS_MAX = 15.0
TRY_AGAIN_SECONDS = 0.2

_END_SESSION = """
SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL
"""
_DROP = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active"
_IS_THERE = "SELECT 1 FROM pg_replication_slots WHERE slot_name = $1"


class SlotNotFree(SourceError):
    """The slot could not be dropped: somebody holds it."""

    def __init__(self, slot: str) -> None:
        super().__init__(f"replication slot {slot} is still held after {FREE_SECONDS_MAX:g} s and could not be dropped")


class SlotReplacement:
    """Of one slot and the connector that reads it."""

    def __init__(self, query: Query, connect: ConnectRest, *, connector: str, slot: str) -> None:
        self._query = query
        self._connect = connect
        self._connector = connector
        self._slot = slot

    async def run(self) -> None:
        """Both; the connector is resumed whatever becomes of the slot. Raises SlotNotFree, and what `query` raises.

        A Connect that hung may do what it was told in any order later: a connector that stays stopped is resumed by
        `keep_registered`.
        """
        try:
            await self._stop()
            await self._drop()
        finally:
            await self._resume()

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                await self._connect.stop(self._connector)
        except (SourceError, TimeoutError) as away:
            log.warning("connector not stopped, its session is ended instead", error=repr(away))

    async def _resume(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                await self._connect.resume(self._connector)
        except (SourceError, TimeoutError) as away:
            log.warning("connector not resumed yet", connector=self._connector, error=repr(away))

    async def _drop(self) -> None:
        try:
            async with asyncio.timeout(FREE_SECONDS_MAX):
                while not await self._is_dropped():  # noqa: ASYNC110 - nobody tells when a slot is free
                    await asyncio.sleep(TRY_AGAIN_SECONDS)
        except TimeoutError as error:
            raise SlotNotFree(self._slot) from error

    async def _is_dropped(self) -> bool:
        await self._query(_END_SESSION, self._slot)
        await self._query(_DROP, self._slot)
        return not await self._query(_IS_THERE, self._slot)
