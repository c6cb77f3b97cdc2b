"""Answers the worker's questions about rows: topic `plumbline.verifications` → one SELECT a kind →
`crm.rows`.

Questions that wait together are read together. What the database could not answer is told as unavailable,
kept in memory and asked again; offsets are committed only while nothing is kept, so a restart replays it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Literal

import structlog
from aiokafka.errors import CommitFailedError, IllegalStateError

from connectors.crm.database import By, CrmDatabase, NotAnswerable, NotAnswered, Rows, by_of
from streams.model.ids import iso
from streams.model.records import AnyQuestion, RowsQuestion, RowsRead

log = structlog.get_logger()

GROUP = "plumbline-rows"
QUESTIONS_AT_ONCE_MAX = 500
POLL_MS = 1_000
#: While so many questions wait for the database, no more are taken.
KEPT_MAX = 10_000
RETRY_FIRST_SECONDS = 0.5
RETRY_SECONDS_MAX = 10.0

#: Puts one answer on Kafka under the asking tenant; returns after the acknowledgement, raises KafkaError.
Publish = Callable[[str, RowsRead], Awaitable[None]]
Decode = Callable[[bytes | None], AnyQuestion]


class RowsReader:
    """The consumer of questions about rows. `decode` raises ValueError for a record that is no question."""

    def __init__(self, *, consumer: Any, database: CrmDatabase, publish: Publish, decode: Decode) -> None:
        self._consumer = consumer
        self._database = database
        self._publish = publish
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
        groups: dict[By, list[tuple[RowsQuestion, tuple[str, ...]]]] = {}
        for question in {question.request_id: question for question in questions}.values():
            try:
                by, values = by_of(question)
            except NotAnswerable as error:
                log.warning("unusable question", request=question.request_id, error=str(error))
                await self._tell(question, "unusable")
                continue
            groups.setdefault(by, []).append((question, values))
        await asyncio.gather(*(self._answer_group(by, asked) for by, asked in groups.items()))

    async def _answer_group(self, by: By, asked: Sequence[tuple[RowsQuestion, tuple[str, ...]]]) -> None:
        try:
            rows = await self._database.read(by, [value for _, values in asked for value in values])
        except NotAnswered as error:
            self._keep([question for question, _ in asked], str(error))
            await asyncio.gather(*(self._tell(question, "unavailable") for question, _ in asked))
        except NotAnswerable as error:
            log.warning("the database cannot be asked this", by=".".join(by), error=str(error))
            await asyncio.gather(*(self._tell(question, "unusable") for question, _ in asked))
        else:
            await asyncio.gather(*(self._tell(question, "found", rows, values) for question, values in asked))

    async def _tell(
        self,
        question: RowsQuestion,
        result: Literal["found", "unavailable", "unusable"],
        rows: Rows | None = None,
        values: tuple[str, ...] = (),
    ) -> None:
        wanted = set(values)
        record = RowsRead(
            request_id=question.request_id,
            question=question,
            read_at=iso(int(time.time() * 1000)) or "",
            reason="verify",
            result=result,
            rows=tuple(row for key, row in rows.rows if key in wanted) if rows else (),
            snapshot=rows.snapshot if rows else None,
        )
        await self._publish(question.tenant, record)
        if result != "unavailable":
            self._kept.pop(question.request_id, None)

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

    def _keep(self, questions: Sequence[RowsQuestion], reason: str) -> None:
        if not self._kept:
            log.warning("the database does not answer", questions=len(questions), reason=reason)
            self._pause = RETRY_FIRST_SECONDS
            self._retry_at = time.monotonic() + self._pause
        self._kept.update((question.request_id, question) for question in questions)

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
