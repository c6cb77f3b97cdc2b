"""The answering side: reads rows for questions, one at a time, so that proofs keep the other connection.

One process does it, under a lock; a second one, while the lock changes hands, answers the same and harms nobody: the
asker takes the first answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from prometheus_client import Counter

from connectors.validation.messages import QUESTIONS, RowsAnswer, RowsAsked, asked_of

log = structlog.get_logger()

#: Questions that wait for their turn; the next one is told at once that there are too many.
WAITING_MAX = 64
#: Who asked has given up by then.
ANSWER_SECONDS_MAX = 1.5

ANSWERED = Counter("plumbline_validation_reads_total", "Questions of validations answered.", ["result"])

Read = Callable[[RowsAsked], Awaitable[RowsAnswer]]
Tell = Callable[[RowsAnswer], Awaitable[None]]


async def answer_validations(listener: Any, read: Read, tell: Tell) -> None:
    """Answer for ever. `listener` is a connection of its own, for LISTEN; `read` raises nothing, `tell` the store's."""
    desk = _Desk(read, tell)

    def heard(_connection: Any, _pid: int, _channel: str, payload: str) -> None:
        asked = asked_of(payload)
        if asked is None:
            log.warning("no question of ours on the channel of validations")
        else:
            desk.take(asked)

    await listener.add_listener(QUESTIONS, heard)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(desk.answer())
            group.create_task(desk.refuse())
    finally:
        if not listener.is_closed():
            await listener.remove_listener(QUESTIONS, heard)


class _Desk:
    """Questions that wait, and those that had no place."""

    def __init__(self, read: Read, tell: Tell) -> None:
        self._read = read
        self._tell = tell
        self._waiting: asyncio.Queue[tuple[RowsAsked, float]] = asyncio.Queue(WAITING_MAX)
        self._refused: asyncio.Queue[RowsAsked] = asyncio.Queue(WAITING_MAX)

    def take(self, asked: RowsAsked) -> None:
        """A question has come; one too many is refused, and one that even this is too much for is let go."""
        try:
            self._waiting.put_nowait((asked, asyncio.get_running_loop().time()))
        except asyncio.QueueFull:
            try:
                self._refused.put_nowait(asked)
            except asyncio.QueueFull:
                ANSWERED.labels("dropped").inc()

    async def answer(self) -> None:
        """Read for one question after the other."""
        while True:
            asked, came_at = await self._waiting.get()
            left = came_at + ANSWER_SECONDS_MAX - asyncio.get_running_loop().time()
            if left <= 0:
                ANSWERED.labels("too_late").inc()
                continue
            try:
                async with asyncio.timeout(left):
                    answer = await self._read(asked)
            except TimeoutError:
                ANSWERED.labels("too_late").inc()
                continue
            await self._told(answer)

    async def refuse(self) -> None:
        """Say that there are too many."""
        while True:
            asked = await self._refused.get()
            await self._told(RowsAnswer(id=asked.id, result="busy", why="too many validations wait for the database"))

    async def _told(self, answer: RowsAnswer) -> None:
        ANSWERED.labels(answer.result).inc()
        await self._tell(answer)
