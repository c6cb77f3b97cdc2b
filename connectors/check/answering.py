"""Answers the engine's questions by real reads: list pages where they are cheaper, else one read a booking.

What `connectors/calcom` and `connectors/crm` do for the worker, without a queue that outlives the run.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.calcom.accounts import tenants_by_accounts
from connectors.calcom.answers import Elsewhere, Unavailable, Unusable
from connectors.calcom.asking import NumericSearch, Told, ask_uid
from connectors.calcom.batches import Batch, batches_of, listable, pages_are_cheaper, window_over
from connectors.calcom.client import CalcomClient
from connectors.calcom.listing import Walk, Window, walk
from connectors.calcom.ownership import Ownership
from connectors.calcom.queue import CalcomQuestion, Waiting
from connectors.calcom.quota import Priority
from connectors.calcom.reads import read_of_answer
from connectors.check.judge import Judge
from connectors.crm.answers import RowAnswers
from streams.model.records import AnyQuestion, RowsQuestion, RowsRead
from streams.settings import Settings

#: Reads of one set of accounts on their way at once.
READS_AT_ONCE_MAX = 4
#: A question that got no usable answer so often is given up.
TRIES_MAX = 3


class Desk:
    """Takes questions, tells the judge the answers. `unanswered`: why, by what was asked."""

    def __init__(
        self,
        settings: Settings,
        judge: Judge,
        clients: dict[str, CalcomClient],
        ownership: Ownership,
        rows: RowAnswers,
    ) -> None:
        self._judge = judge
        self._ownership = ownership
        self._rows = rows
        self._lanes = [
            _Lane(self, [clients[name] for name in names], tenants)
            for names, tenants in tenants_by_accounts(settings).items()
            if set(names) <= set(clients)
        ]
        self._tries: Counter[str] = Counter()
        self._reading: set[asyncio.Task[object]] = set()
        self.unanswered: dict[str, str] = {}

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return bool(self._reading)

    def take(self, questions: Sequence[AnyQuestion]) -> bool:
        """Start reading; whether any of these is worth it."""
        worth = [one for one in questions if self._tries[one.request_id] < TRIES_MAX]
        self._tries.update(one.request_id for one in worth)
        if rows := [one for one in worth if isinstance(one, RowsQuestion)]:
            self._start(self._rows.answer(rows))
        asked = [one for one in worth if not isinstance(one, RowsQuestion)]
        for lane in self._lanes:
            if mine := [one for one in asked if one.tenant in lane.tenants]:
                self._start(lane.answer(mine))
        return bool(worth)

    def raise_failure(self) -> None:
        """A fault of ours in a read ends the run."""
        for task in [task for task in self._reading if task.done()]:
            self._reading.discard(task)
            task.result()

    async def close(self) -> None:
        """Give up what is on its way."""
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    async def conclude(self, answered: Sequence[tuple[Batch, Told]]) -> None:
        """Tell the judge."""
        for batch, (account, answer) in answered:
            what = f"booking {batch.asked} of tenant {batch.tenant}"
            match answer:
                case Unavailable(reason=reason):
                    self.unanswered[what] = f"Cal.com does not answer ({reason})"
                case Unusable(reason=reason):
                    self.unanswered[what] = f"Cal.com's answer cannot be used ({reason})"
                case Elsewhere():
                    self.unanswered[what] = "another account or tenant holds it"
                case _:
                    self.unanswered.pop(what, None)
            self._judge.hear(batch.tenant, read_of_answer(answer, account, batch.asked, batch.questions))

    async def tell_rows(self, tenant: str, read: RowsRead) -> None:
        """The database's answer."""
        question = read.question
        what = f"rows {question.booking_refs or question.call_id or question.row_id} of tenant {tenant}"
        if read.result == "found":
            self.unanswered.pop(what, None)
        else:
            self.unanswered[what] = f"the database's answer is {read.result}"
        self._judge.hear(tenant, read)

    async def read_one(self, clients: Sequence[CalcomClient], batch: Batch) -> None:
        """One booking by uid."""
        priority = batch.priority(datetime.now(UTC))
        told = await ask_uid(clients, self._ownership, batch.tenant, batch.asked, priority, batch.starts_at)
        await self.conclude([(batch, told)])

    async def read_numeric(self, clients: Sequence[CalcomClient], batches: Sequence[Batch]) -> None:
        """Numeric ids, by passes over the lists."""
        priority = min(batch.priority(datetime.now(UTC)) for batch in batches)
        await NumericSearch(
            clients=clients, ownership=self._ownership, batches=batches, priority=priority, conclude=self.conclude
        ).run()

    async def read_listed(self, clients: Sequence[CalcomClient], batches: Sequence[Batch]) -> list[Batch]:
        """Bookings on list pages; those that no page shows are left to be read one by one."""
        wanted = {batch.asked: batch for batch in batches}
        for client in clients:
            priority = min(batch.priority(datetime.now(UTC)) for batch in wanted.values())
            shown = await _listed(client, frozenset(wanted), window_over(list(wanted.values())), priority)
            for found in shown.found:
                batch = wanted.pop(str(found.booking["uid"]))
                answer = self._ownership.placed(found, client.account, batch.tenant)
                await self.conclude([(batch, (client.account, answer))])
            if not wanted:
                break
        return list(wanted.values())

    def _start(self, work: Coroutine[Any, Any, object]) -> None:
        self._reading.add(asyncio.create_task(work))


async def _listed(client: CalcomClient, uids: frozenset[str], window: Window, priority: Priority) -> Walk:
    """The pages of the window, as long as they cost less than asking for each booking."""
    return await walk(
        client,
        window,
        lambda booking: booking["uid"] in uids,
        priority,
        lambda found, left: pages_are_cheaper(left, len(uids) - found),
    )


class _Lane:
    """The tenants that share the same accounts: their reads share the quota."""

    def __init__(self, desk: Desk, clients: Sequence[CalcomClient], tenants: frozenset[str]) -> None:
        self.tenants = tenants
        self._desk = desk
        self._clients = clients
        self._places = asyncio.Semaphore(READS_AT_ONCE_MAX)

    async def answer(self, questions: Sequence[CalcomQuestion]) -> None:
        batches = batches_of(Waiting(question=question, attempts=0) for question in questions)
        singly = [batch for batch in batches if batch.by_uid]
        if together := listable(batches, ()):
            rest = [batch for batch in singly if batch not in together]
            singly = rest + await self._desk.read_listed(self._clients, together)
        numeric = [batch for batch in batches if not batch.by_uid]
        reads = [self._one(batch) for batch in singly]
        if numeric:
            reads.append(self._desk.read_numeric(self._clients, numeric))
        await asyncio.gather(*reads)

    async def _one(self, batch: Batch) -> None:
        async with self._places:
            await self._desk.read_one(self._clients, batch)
