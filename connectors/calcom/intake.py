"""From topic `plumbline.verifications` into the queue: at once, and committed only when it is kept.

What is no question goes to `plumbline.dead-letters` with the bytes as they came. Questions to the database
are another consumer's.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from connectors.calcom.answers import Unusable
from connectors.calcom.batches import batches_of
from connectors.calcom.queue import CalcomQuestion, QuestionQueue, Waiting
from connectors.calcom.reads import Publish, read_of_answer
from streams.model.ids import parse_iso
from streams.model.records import AnyQuestion, RowsQuestion

GROUP = "plumbline-verifier"
#: How many records are queued with one statement.
RECORDS_AT_ONCE_MAX = 500
POLL_MS = 1_000

#: Keeps a record that cannot be used: the record, and what is wrong with it.
DeadLetter = Callable[[Any, str], Awaitable[None]]

_decoder = msgspec.json.Decoder(AnyQuestion)


def decode_question(value: bytes | None) -> AnyQuestion:
    """One record's question. Raises ValueError for what is none (msgspec's errors are ValueErrors)."""
    if value is None:
        raise ValueError("an empty record")
    question: AnyQuestion = _decoder.decode(value)
    for text in (question.asked_at, question.matters_at):
        parse_iso(text)
    return question


class Intake:
    """Moves questions from Kafka to the queue. The queue itself wakes whoever asks."""

    def __init__(
        self,
        *,
        consumer: Any,
        queue: QuestionQueue,
        known_tenants: frozenset[str],
        publish: Publish,
        dead_letter: DeadLetter,
    ) -> None:
        self._consumer = consumer
        self._queue = queue
        self._known_tenants = known_tenants
        self._publish = publish
        self._dead_letter = dead_letter

    async def run(self) -> None:
        """Move questions for ever. Raises when Kafka or the store is away: nothing uncommitted is lost by
        it."""
        while True:
            batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_AT_ONCE_MAX)
            records = [record for batch in batches.values() for record in batch]
            if records:
                await self._take(records)
                await self._consumer.commit()

    async def _take(self, records: Sequence[Any]) -> None:
        questions: list[CalcomQuestion] = []
        for record in records:
            try:
                question = decode_question(record.value)
            except ValueError as error:
                await self._dead_letter(record, str(error))
                continue
            if isinstance(question, RowsQuestion):
                continue
            if question.tenant in self._known_tenants:
                questions.append(question)
            else:
                await self._nobody_to_ask(question)
        await self._queue.add(questions)

    async def _nobody_to_ask(self, question: CalcomQuestion) -> None:
        """A tenant without an account: an absence cannot be proved, and waiting would not help."""
        answer = Unusable(reason="no account of this tenant is configured", began_at=time.time())
        batch = batches_of([Waiting(question=question, attempts=0)])[0]
        await self._publish(question.tenant, read_of_answer(answer, "", batch.asked, batch.questions))
