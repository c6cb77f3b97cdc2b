"""The asking side: one connection to the store that notifies and listens, for all questions of a process."""

import asyncio
from itertools import count
from secrets import token_hex
from typing import Any

import asyncpg
import structlog

from connectors.validation.messages import ANSWERS, QUESTIONS, RowsAnswer, RowsAsked, answer_of, payload_of
from streams.validation_words import Kind

log = structlog.get_logger()

ANSWER_SECONDS_MAX = 1.5
CONNECT_SECONDS_MAX = 1.0
#: Questions of this process under way; the next one is refused at once.
WAITING_MAX = 64


class RowsUnread(Exception):
    """The rows could not be read now; asking again soon may help."""


class RowsAsker:
    """Asks for rows. Opens itself at the first question, and anew after the store was away."""

    def __init__(self, dsn: str, *, answer_seconds_max: float = ANSWER_SECONDS_MAX) -> None:
        self._dsn = dsn
        self._answer_seconds_max = answer_seconds_max
        self._connection: Any = None
        self._turn = asyncio.Lock()  # one statement at a time is all that a connection takes
        self._waiting: dict[str, asyncio.Future[RowsAnswer]] = {}
        self._names = (f"{prefix}-{number}" for prefix in (token_hex(6),) for number in count())

    async def ask(self, kind: Kind, key: str) -> RowsAnswer:
        """The row of that key with its partners, `read` or `unusable`. Raises RowsUnread within ANSWER_SECONDS_MAX."""
        if len(self._waiting) >= WAITING_MAX:
            raise RowsUnread("too many validations are under way")
        asked = RowsAsked(id=next(self._names), kind=kind, key=key)
        answered: asyncio.Future[RowsAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[asked.id] = answered
        try:
            async with asyncio.timeout(self._answer_seconds_max):
                await self._notify(payload_of(asked))
                answer = await answered
        except TimeoutError:
            raise RowsUnread("nobody answered in time") from None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as away:
            raise RowsUnread(f"the store is away: {type(away).__name__}") from away
        finally:
            del self._waiting[asked.id]
        if answer.result in ("busy", "unavailable"):
            raise RowsUnread(answer.why or answer.result)
        return answer

    async def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _notify(self, payload: str) -> None:
        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._opened()
            await self._connection.execute("SELECT pg_notify($1, $2)", QUESTIONS, payload)

    async def _opened(self) -> Any:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_SECONDS_MAX,
            command_timeout=CONNECT_SECONDS_MAX,
            # What is lost is asked again: nobody need wait for a disk.
            server_settings={"application_name": "plumbline-validation", "synchronous_commit": "off"},
        )
        await connection.add_listener(ANSWERS, self._heard)
        return connection

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        answer = answer_of(payload)
        if answer is None:
            log.warning("no answer of ours on the channel of validations")
            return
        waiting = self._waiting.get(answer.id)  # another process's, or one that came too late, is nobody's here
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
