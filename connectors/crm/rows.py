"""Answers the worker's questions about rows: topic `plumbline.verifications` → one SELECT a kind →
`crm.rows`.

Questions that wait together are read together. What the database could not answer is told as unavailable,
kept in memory and asked again; offsets are committed only while nothing is kept, so a restart replays it.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from aiokafka.errors import CommitFailedError, IllegalStateError

from connectors.crm.answers import Publish, RowAnswers
from connectors.crm.database import CrmDatabase
from streams.model.records import AnyQuestion, RowsQuestion

log = structlog.get_logger()

GROUP = "plumbline-rows"
QUESTIONS_AT_ONCE_MAX = 500
POLL_MS = 1_000
#: While so many questions wait for the database, no more are taken.
KEPT_MAX = 10_000
RETRY_FIRST_SECONDS = 0.5
RETRY_SECONDS_MAX = 10.0

Decode = Callable[[bytes | None], AnyQuestion]


class RowsReader:
    """The consumer of questions about rows. `decode` raises ValueError for a record that is no question.

    `publish` puts one answer on Kafka under the asking tenant; it returns after the acknowledgement, raises KafkaError.
    """

    def __init__(self, *, consumer: Any, database: CrmDatabase, publish: Publish, decode: Decode) -> None:
        self._consumer = consumer
        self._answers = RowAnswers(database, publish)
        self._decode = decode
        self._kept: dict[str, RowsQuestion] = {}
        self._retry_at = 0.0
        self._pause = RETRY_FIRST_SECONDS
        self._uncommitted = False

    async def run(self) -> None:
        """Answer for ever. Raises KafkaError when the broker is away."""
        while True:
            self._pause_if_full()
            timeout_ms = min(POLL_MS, max(1, int(self._retry_in() * 1000))) if self._kept else POLL_MS
            batches = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=QUESTIONS_AT_ONCE_MAX)
            records = [record for batch in batches.values() for record in batch]
            self._uncommitted = self._uncommitted or bool(records)
            await self.answer(self._questions(records))
            if self._kept and self._retry_in() <= 0:
                await self._ask_again()
            if self._uncommitted and not self._kept:
                await self._commit()

    async def answer(self, questions: Iterable[RowsQuestion]) -> None:
        """Read and tell; what the database did not answer is kept for later."""
        asked = list(questions)
        unanswered = await self._answers.answer(asked)
        for question in asked:
            if question.request_id not in unanswered:
                self._kept.pop(question.request_id, None)
        self._keep(unanswered)

    def _questions(self, records: Iterable[Any]) -> list[RowsQuestion]:
        """The questions about rows; bad records are dead letters of the verifier, which reads the same
        topic."""
        questions: list[RowsQuestion] = []
        for record in records:
            try:
                question = self._decode(record.value)
            except ValueError:
                continue
            if isinstance(question, RowsQuestion):
                questions.append(question)
        return questions

    def _keep(self, unanswered: dict[str, RowsQuestion]) -> None:
        if unanswered and not self._kept:
            log.warning("the database does not answer", questions=len(unanswered))
            self._pause = RETRY_FIRST_SECONDS
            self._retry_at = time.monotonic() + self._pause
        self._kept.update(unanswered)

    async def _ask_again(self) -> None:
        self._pause = min(self._pause * 2, RETRY_SECONDS_MAX)
        self._retry_at = time.monotonic() + self._pause
        await self.answer(list(self._kept.values()))

    def _retry_in(self) -> float:
        return self._retry_at - time.monotonic()

    def _pause_if_full(self) -> None:
        partitions = self._consumer.assignment()
        if len(self._kept) >= KEPT_MAX:
            self._consumer.pause(*partitions)
        elif paused := self._consumer.paused():
            self._consumer.resume(*paused)

    async def _commit(self) -> None:
        try:
            await self._consumer.commit()
            self._uncommitted = False
        except (CommitFailedError, IllegalStateError) as error:
            # The partitions moved: their new owner answers once more, which changes nothing.
            log.info("answers not committed", reason=str(error))
