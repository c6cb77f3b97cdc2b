"""The loop that asks Cal.com: one lane for all tenants whose keys hang together, so that a blocked key holds up
nobody else.

It takes the most urgent batch whose turn has come, reads, tells the answer on Kafka, and only then takes the
questions out of the queue. A question that Cal.com did not answer is told so, stays, and is asked again
later.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from connectors.calcom.answers import BookingAnswer, Unavailable
from connectors.calcom.asking import NumericSearch, Told, ask_uid
from connectors.calcom.batches import Batch, batches_of, listable
from connectors.calcom.client import CalcomClient
from connectors.calcom.list_reading import read_list
from connectors.calcom.ownership import Ownership
from connectors.calcom.passes import together
from connectors.calcom.queue import QuestionQueue
from connectors.calcom.quota import Priority, Quota
from connectors.calcom.telling import Telling

log = structlog.get_logger()

READS_AT_ONCE_MAX = 4
#: While so many long walks are under way, urgent reads may still begin.
URGENT_READS_AT_ONCE_MAX = READS_AT_ONCE_MAX + 2
#: Bookings looked at in one go; enough to fill a list page.
LOOK_AHEAD_BOOKINGS = 500
#: The queue is looked at this often even if nobody says that something waits.
LOOK_SECONDS_MAX = 5.0
#: Of what was put off, thousands come due one by one: they are taken in steps.
PUT_OFF_STEP_SECONDS = 0.25
AFTER_FAILURE_SECONDS = 1.0


class Lane:
    """Reads for the tenants that share keys, with one another or through a third.

    `clients`: who may hold each tenant's bookings, at least one.
    """

    def __init__(
        self,
        *,
        clients: Mapping[str, tuple[CalcomClient, ...]],
        ownership: Ownership,
        queue: QuestionQueue,
        telling: Telling,
    ) -> None:
        self.tenants = frozenset(clients)
        self._clients = clients
        self._ownership = ownership
        self._queue = queue
        self._telling = telling
        self._wake = asyncio.Event()
        self._reads: set[asyncio.Task[None]] = set()
        self._in_flight: set[str] = set()
        self._listed: set[str] = set()
        self._came_back: set[str] = set()
        self._due_at = 0.0

    def wake(self) -> None:
        """Something new waits."""
        self._wake.set()

    def came_back(self, account: str) -> None:
        """Cal.com answers again for an account: what was put off for it may be asked now."""
        back = {tenant for tenant, clients in self._clients.items() if account in {one.account for one in clients}}
        if back:
            self._came_back |= back
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
        back, self._came_back = self._came_back, set()
        if back and await self._queue.release(back):
            self.wake()
            self._came_back |= back
        if time.monotonic() >= self._due_at:
            self._due_at = time.monotonic() + PUT_OFF_STEP_SECONDS
            await self._queue.come_due(self.tenants)
        free, urgent_only = self._with_room()
        look = partial(self._queue.waiting, besides=self._in_flight, limit=LOOK_AHEAD_BOOKINGS)
        batches = batches_of([*await look(urgent_only, urgent_only=True), *await look(free)])
        if batches:
            return await self._start_some(batches)
        if free == self.tenants and not self._reads:
            self._listed.clear()
        seconds = await self._queue.next_in_seconds(self.tenants)
        put_off = LOOK_SECONDS_MAX if seconds is None else max(seconds, PUT_OFF_STEP_SECONDS)
        return min([put_off, *(self._wait_seconds(tenant, Priority.PROOF) for tenant in self.tenants - free)])

    def _with_room(self) -> tuple[frozenset[str], frozenset[str]]:
        """The tenants of whom any read may begin now, and those of whom only an urgent one may."""
        if len(self._reads) >= URGENT_READS_AT_ONCE_MAX:
            return frozenset(), frozenset()
        urgent = frozenset(tenant for tenant in self.tenants if self._wait_seconds(tenant, Priority.URGENT) <= 0)
        if len(self._reads) >= READS_AT_ONCE_MAX:
            return frozenset(), urgent
        free = frozenset(tenant for tenant in urgent if self._wait_seconds(tenant, Priority.PROOF) <= 0)
        return free, urgent - free

    def _wait_seconds(self, tenant: str, priority: Priority) -> float:
        """Until the quotas let a read go; a tenant whom nobody answers waits for none: it is told so."""
        if self._shut(tenant):
            return 0.0
        return max(quota.wait_seconds(priority) for quota in self._quotas_of(tenant))

    async def _start_some(self, batches: Sequence[Batch]) -> float:
        """Start reads in the order of urgency; a less urgent one never overtakes on the same key."""
        shut = [batch for batch in batches if self._shut(batch.tenant)]
        if shut:
            await self._tell_unavailable(shut)
            return 0.0
        taken: set[Quota] = set()
        soonest = LOOK_SECONDS_MAX
        for batch in batches:
            if set(batch.request_ids) & self._in_flight or taken & self._quotas_of(batch.tenant):
                continue
            seconds = await self._start(batch, batches)
            if seconds > 0:
                taken |= self._quotas_of(batch.tenant)
                soonest = min(soonest, seconds)
            elif len(self._reads) >= READS_AT_ONCE_MAX:
                return 0.0
        return soonest

    async def _start(self, first: Batch, waiting: Sequence[Batch]) -> float:
        """Start the read of `first`, with all that it can take along; if the quota has no room: seconds until then."""
        now = datetime.now(UTC)
        priority = first.priority(now)
        seconds = self._wait_seconds(first.tenant, priority)
        if seconds > 0:
            return seconds
        clients = self._clients[first.tenant]
        alike = [
            batch
            for batch in waiting
            if self._clients[batch.tenant] == clients and not set(batch.request_ids) & self._in_flight
        ]
        work, taken = self._work(first, alike, priority, now)
        request_ids = {request_id for batch in taken for request_id in batch.request_ids}
        self._in_flight |= request_ids
        read = asyncio.create_task(self._guarded(work, request_ids))
        self._reads.add(read)
        read.add_done_callback(partial(self._ended, request_ids))
        # The task runs up to its request and so takes its place in the quota before the next one is weighed.
        await asyncio.sleep(0)
        return 0.0

    def _work(
        self, first: Batch, alike: Sequence[Batch], priority: Priority, now: datetime
    ) -> tuple[Coroutine[Any, Any, None], Sequence[Batch]]:
        """How `first` is read: by itself, or with others of the same accounts."""
        clients = self._clients[first.tenant]
        if not first.by_uid:
            numeric = [batch for batch in alike if not batch.by_uid and batch is not first]
            taken = together(first, numeric)
            search = NumericSearch(
                clients=clients, ownership=self._ownership, batches=taken, priority=priority, conclude=self._conclude
            )
            return search.run(), taken
        # The urgent do not wait for a list over what is far off.
        urgent = priority is Priority.URGENT
        listed = listable([one for one in alike if (one.priority(now) is Priority.URGENT) is urgent], self._listed)
        if first in listed:
            return self._read_list(listed, priority), listed
        return self._read(first, priority), [first]

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

    async def _read(self, batch: Batch, priority: Priority) -> None:
        """Ask for one booking by its uid."""
        clients = self._clients[batch.tenant]
        told = await ask_uid(clients, self._ownership, batch.tenant, batch.asked, priority, batch.starts_at)
        await self._conclude([(batch, told)])

    async def _read_list(self, batches: Sequence[Batch], priority: Priority) -> None:
        """Read list pages over many bookings; what they do not show is read singly afterwards."""
        request_ids = {request_id for batch in batches for request_id in batch.request_ids}
        self._listed |= request_ids
        clients = self._clients[batches[0].tenant]
        if not await read_list(clients, self._ownership, batches, priority, self._conclude):
            # The key is blocked, or nobody answers: a list is still the cheaper way, later.
            self._listed -= request_ids

    async def _conclude(self, told: Sequence[tuple[Batch, Told]]) -> None:
        """Answers are known of these; all of them are of the same accounts."""
        for batch, _ in told:
            self._listed.difference_update(batch.request_ids)
        answered = await self._telling.tell(told)
        if answered:
            for quota in self._quotas_of(told[0][0].tenant):
                quota.answered(answered)

    async def _tell_unavailable(self, batches: Sequence[Batch]) -> None:
        """The breakers are open: nobody is asked, and everybody who waits is told."""
        answer: BookingAnswer = Unavailable(reason="breaker open", began_at=time.time())
        told = [(batch, (self._clients[batch.tenant][0], answer)) for batch in batches]
        for _, (client, _) in told:
            client.transport.breaker.refused()
        await self._telling.tell([(batch, (client.account, answer)) for batch, (client, answer) in told])

    def _shut(self, tenant: str) -> bool:
        return all(client.transport.breaker.wait_seconds() > 0 for client in self._clients[tenant])

    def _quotas_of(self, tenant: str) -> set[Quota]:
        return {client.transport.quota for client in self._clients[tenant]}
