"""The loop that asks Cal.com: one lane for each set of accounts, so that a blocked key holds up nobody else.

It takes the most urgent batch whose turn has come, reads, tells the answer on Kafka, and only then takes the
questions out of the queue. A question that Cal.com did not answer is told so, stays, and is asked again
later.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

import structlog

from connectors.calcom.answers import BookingAnswer, Unavailable
from connectors.calcom.asking import Told, ask_numeric, ask_uid
from connectors.calcom.batches import Batch, batches_of, listable, pages_are_cheaper, window_over
from connectors.calcom.client import CalcomClient
from connectors.calcom.listing import Walk, walk
from connectors.calcom.ownership import Ownership
from connectors.calcom.queue import QuestionQueue
from connectors.calcom.reads import Publish, read_of_answer

log = structlog.get_logger()

READS_AT_ONCE_MAX = 4
#: Questions looked at in one go; enough to fill a list page.
LOOK_AHEAD_QUESTIONS = 500
#: The queue is looked at this often even if nobody says that something waits.
LOOK_SECONDS_MAX = 5.0
AFTER_FAILURE_SECONDS = 1.0


class Lane:
    """Reads for the tenants that share the same accounts."""

    def __init__(
        self,
        *,
        tenants: frozenset[str],
        clients: Sequence[CalcomClient],
        ownership: Ownership,
        queue: QuestionQueue,
        publish: Publish,
    ) -> None:
        self.tenants = tenants
        self._clients = tuple(clients)
        self._ownership = ownership
        self._queue = queue
        self._publish = publish
        self._wake = asyncio.Event()
        self._reads: set[asyncio.Task[None]] = set()
        self._in_flight: set[str] = set()
        self._listed: set[str] = set()
        self._came_back = False

    def wake(self) -> None:
        """Something new waits."""
        self._wake.set()

    def came_back(self, account: str) -> None:
        """Cal.com answers again for one of the accounts: what was put off may be asked now."""
        if any(client.account == account for client in self._clients):
            self._came_back = True
            self._wake.set()

    async def run(self) -> None:
        """Ask as long as questions come. Raises what asyncpg raises when the store is away."""
        try:
            while True:
                self._wake.clear()
                seconds = await self._start_reads()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(max(seconds, 0.01), LOOK_SECONDS_MAX)):
                        await self._wake.wait()
        finally:
            reads = list(self._reads)
            for read in reads:
                read.cancel()
            await asyncio.gather(*reads, return_exceptions=True)

    async def _start_reads(self) -> float:
        """Start what may go now; seconds until it is worth to look again."""
        if self._came_back:
            self._came_back = False
            await self._queue.release(self.tenants)
        if len(self._reads) >= READS_AT_ONCE_MAX:
            return LOOK_SECONDS_MAX
        waiting = await self._queue.waiting(self.tenants, self._in_flight, LOOK_AHEAD_QUESTIONS)
        if not waiting:
            self._listed.clear()
            seconds = await self._queue.next_in_seconds(self.tenants, self._in_flight)
            return LOOK_SECONDS_MAX if seconds is None else seconds
        batches = batches_of(waiting)
        if all(client.transport.breaker.wait_seconds() > 0 for client in self._clients):
            await self._tell_all_unavailable(batches)
            return 0.0
        together = listable(batches, self._listed)
        if together and together[0].priority is batches[0].priority:
            return await self._start(batches[0], together, self._read_list(together))
        for batch in batches:
            others = [other for other in batches if other.tenant == batch.tenant and not other.by_uid]
            seconds = await self._start(batch, [batch], self._read(batch, others))
            if seconds > 0 or len(self._reads) >= READS_AT_ONCE_MAX:
                return seconds or LOOK_SECONDS_MAX
        return 0.0

    async def _start(self, first: Batch, batches: Sequence[Batch], work: Coroutine[Any, Any, None]) -> float:
        """Start `work` if there is room in the quota; else the seconds until there is."""
        seconds = max(client.transport.quota.wait_seconds(first.priority) for client in self._clients)
        if seconds > 0:
            work.close()
            return seconds
        taken = {request_id for batch in batches for request_id in batch.request_ids}
        self._in_flight |= taken
        read = asyncio.create_task(self._guarded(work, taken))
        self._reads.add(read)
        read.add_done_callback(partial(self._ended, taken))
        # The task runs up to its request and so takes its place in the quota before the next one is weighed.
        await asyncio.sleep(0)
        return 0.0

    async def _guarded(self, work: Coroutine[Any, Any, None], taken: set[str]) -> None:
        try:
            await work
        except Exception as error:  # the questions are still in the queue: nothing is lost
            log.error("read failed", questions=len(taken), error=repr(error), exc_info=error)
            await asyncio.sleep(AFTER_FAILURE_SECONDS)

    def _ended(self, taken: set[str], read: asyncio.Task[None]) -> None:
        self._reads.discard(read)
        self._in_flight -= taken
        self._wake.set()

    async def _read(self, batch: Batch, others: Sequence[Batch]) -> None:
        """Ask for one booking. `others` are numeric ids that may be seen on the way."""
        if batch.by_uid:
            told = await ask_uid(
                self._clients, self._ownership, batch.tenant, batch.asked, batch.priority, batch.starts_at
            )
            await self._conclude(batch, told)
            return
        by_asked = {other.asked: other for other in others if other.asked != batch.asked}
        answers = await ask_numeric(
            self._clients, self._ownership, batch.tenant, batch.questions[0], by_asked, batch.priority
        )
        for numeric_id, told in answers.items():
            if numeric_id == batch.asked:
                await self._conclude(batch, told)
            elif not set(by_asked[numeric_id].request_ids) & self._in_flight:
                await self._conclude(by_asked[numeric_id], told)

    async def _read_list(self, batches: Sequence[Batch]) -> None:
        """Read list pages over many bookings; what they do not show is read singly afterwards."""
        wanted = {batch.asked: batch for batch in batches}
        self._listed.update(request_id for batch in batches for request_id in batch.request_ids)
        for client in self._clients:
            shown = await _listed(client, wanted)
            for found in shown.found:
                batch = wanted.pop(str(found.booking["uid"]))
                answer = self._ownership.placed(found, client.account, batch.tenant)
                await self._conclude(batch, (client.account, answer))
            if not wanted:
                return

    async def _conclude(self, batch: Batch, told: Told) -> None:
        """Tell the answer, then take the questions out, or put them off."""
        account, answer = told
        self._listed.difference_update(batch.request_ids)
        await self._publish(batch.tenant, read_of_answer(answer, account, batch.asked, batch.questions))
        if isinstance(answer, Unavailable):
            await self._queue.postpone(batch.request_ids)
        else:
            await self._queue.answered(batch.request_ids)

    async def _tell_all_unavailable(self, batches: Sequence[Batch]) -> None:
        """The breakers are open: nobody is asked, and everybody who waits is told."""
        answer: BookingAnswer = Unavailable(reason="breaker open", began_at=time.time())
        account = self._clients[0].account
        await asyncio.gather(*(self._conclude(batch, (account, answer)) for batch in batches))


async def _listed(client: CalcomClient, wanted: Mapping[str, Batch]) -> Walk:
    """The pages over the wanted bookings, as long as they cost less than asking for each."""
    uids = frozenset(wanted)
    return await walk(
        client,
        window_over(list(wanted.values())),
        lambda booking: booking["uid"] in uids,
        min(batch.priority for batch in wanted.values()),
        lambda found, left: pages_are_cheaper(left, len(uids) - found),
    )
