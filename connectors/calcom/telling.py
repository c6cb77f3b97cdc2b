"""What becomes of an answer: told on Kafka, then its questions leave the queue, or are put off."""

import asyncio
from collections.abc import Sequence

from connectors.calcom.answers import Unavailable
from connectors.calcom.asking import Told
from connectors.calcom.batches import Batch
from connectors.calcom.queue import QuestionQueue
from connectors.calcom.reads import Publish, read_of_answer


class Telling:
    """Kafka and the queue, in this order: what dies between is asked again, and told twice at worst."""

    def __init__(self, queue: QuestionQueue, publish: Publish) -> None:
        self._queue = queue
        self._publish = publish

    async def tell(self, told: Sequence[tuple[Batch, Told]]) -> int:
        """Tell the answers; how many questions they answered. Raises what Kafka and the store raise."""
        publishing = (
            self._publish(batch.tenant, read_of_answer(answer, account, batch.asked, batch.questions))
            for batch, (account, answer) in told
        )
        await asyncio.gather(*publishing)
        answered, put_off = set[str](), set[str]()
        for batch, (_, answer) in told:
            (put_off if isinstance(answer, Unavailable) else answered).update(batch.request_ids)
        if put_off:
            await self._queue.postpone(put_off)
        if answered:
            await self._queue.answered(answered)
        return len(answered)
