"""The answers to questions about rows: one statement for all questions of a kind."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Literal

import structlog

from connectors.crm.database import By, CrmDatabase, NotAnswerable, NotAnswered, Rows, by_of
from streams.model.ids import iso
from streams.model.records import RowsQuestion, RowsRead

log = structlog.get_logger()

#: Takes one answer under the asking tenant; returns when it is safe.
Publish = Callable[[str, RowsRead], Awaitable[None]]
_Asked = tuple[RowsQuestion, tuple[str, ...]]


class RowAnswers:
    """Reads and tells. What `publish` raises is raised."""

    def __init__(self, database: CrmDatabase, publish: Publish) -> None:
        self._database = database
        self._publish = publish

    async def answer(self, questions: Iterable[RowsQuestion]) -> dict[str, RowsQuestion]:
        """Tell the answer to each question; by request id, those that the database did not answer now."""
        groups: dict[By, list[_Asked]] = {}
        for question in {question.request_id: question for question in questions}.values():
            try:
                by, values = by_of(question)
            except NotAnswerable as error:
                log.warning("unusable question", request=question.request_id, error=str(error))
                await self._tell(question, "unusable")
                continue
            groups.setdefault(by, []).append((question, values))
        left = await asyncio.gather(*(self._answer_group(by, asked) for by, asked in groups.items()))
        return {question.request_id: question for group in left for question in group}

    async def _answer_group(self, by: By, asked: Sequence[_Asked]) -> list[RowsQuestion]:
        try:
            rows = await self._database.read(by, [value for _, values in asked for value in values])
        except NotAnswered as error:
            log.info("the database does not answer", questions=len(asked), reason=str(error))
            await asyncio.gather(*(self._tell(question, "unavailable") for question, _ in asked))
            return [question for question, _ in asked]
        except NotAnswerable as error:
            log.warning("the database cannot be asked this", by=".".join(by), error=str(error))
            await asyncio.gather(*(self._tell(question, "unusable") for question, _ in asked))
        else:
            await asyncio.gather(*(self._tell(question, "found", rows, values) for question, values in asked))
        return []

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
