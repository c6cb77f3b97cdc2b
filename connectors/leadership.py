"""One-of-a-kind jobs: whoever holds a session advisory lock in the store does the job, the others wait.

The lock lives and dies with its connection. A holder whose connection is gone stops at once: somebody else
may lead.
"""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import asyncpg
import structlog

log = structlog.get_logger()

TRY_AGAIN_SECONDS = 1.0
CONNECT_SECONDS_MAX = 5.0


class LeadershipLost(Exception):
    """The connection that held the lock is gone."""


async def lead(dsn: str, name: str, work: Callable[[Any], Awaitable[object]]) -> None:
    """Wait for the lock of that name, then do `work(connection)` as long as the lock is held.

    The connection may be used for LISTEN. Raises LeadershipLost, and what connecting or `work` raises.
    """
    connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS_MAX, command_timeout=CONNECT_SECONDS_MAX)
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    try:
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock_number(name)):  # noqa: ASYNC110 - nobody tells when a lock is free
            await asyncio.sleep(TRY_AGAIN_SECONDS)
        log.info("leading", job=name)
        await _unless(lost, work(connection))
    finally:
        if connection.is_closed():
            connection.terminate()
        else:
            await connection.close(timeout=CONNECT_SECONDS_MAX)


def lock_number(name: str) -> int:
    """The lock's number: 63 bits of the name's hash, the same in every process."""
    return int.from_bytes(sha256(f"plumbline|{name}".encode()).digest()[:8]) >> 1


async def _unless(lost: asyncio.Event, work: Awaitable[object]) -> None:
    working = asyncio.ensure_future(work)
    losing = asyncio.ensure_future(lost.wait())
    try:
        await asyncio.wait({working, losing}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise LeadershipLost("the store's connection is gone")
        working.result()
    finally:
        for task in (working, losing):
            task.cancel()
        await asyncio.gather(working, losing, return_exceptions=True)
