"""Answering questions over all the accounts that may know: by uid, or by list passes for numeric ids."""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from connectors.calcom.answers import BookingAnswer, Found, Missing, Unavailable, Unusable, best_of
from connectors.calcom.batches import Batch
from connectors.calcom.booking import Booking
from connectors.calcom.client import CalcomClient
from connectors.calcom.listing import Walk, Window, walk
from connectors.calcom.ownership import Ownership
from connectors.calcom.passes import absence_is_provable, created_passes, started_passes
from connectors.calcom.queue import CalcomQuestion
from connectors.calcom.quota import Priority

#: Which account answered, and what.
Told = tuple[str, BookingAnswer]
#: Takes the answers of some batches as soon as they are known.
Conclude = Callable[[Sequence[tuple[Batch, Told]]], Awaitable[None]]
_Failure = Unavailable | Unusable


async def ask_uid(
    clients: Sequence[CalcomClient],
    ownership: Ownership,
    tenant: str,
    uid: str,
    priority: Priority,
    starts_at: str | None,
) -> Told:
    """Ask the accounts one after the other until one has it. `clients` is not empty."""
    told: list[Told] = []
    for client in clients:
        answer = await client.booking(uid, priority, starts_at)
        told.append((client.account, ownership.placed(answer, client.account, tenant)))
        if isinstance(told[-1][1], Found):
            break
    return _best(told)


class NumericSearch:
    """Looks for numeric ids in the lists of several accounts; each batch is concluded once.

    An id is missing only after a pass by start and a pass by making were complete at every account.
    """

    def __init__(
        self,
        *,
        clients: Sequence[CalcomClient],
        ownership: Ownership,
        batches: Sequence[Batch],
        priority: Priority,
        conclude: Conclude,
    ) -> None:
        self._clients = clients
        self._ownership = ownership
        self._priority = priority
        self._conclude = conclude
        self._open: dict[str, list[Batch]] = {}
        for batch in batches:
            self._open.setdefault(batch.asked, []).append(batch)

    async def run(self) -> None:
        """Search to the end. Raises what `conclude` raises."""
        began_at = time.time()
        told: defaultdict[str, list[Told]] = defaultdict(list)
        for client in self._clients:
            failures = await self._search(client)
            for numeric_id, questions in self._asked().items():
                absence = _absence(failures.get(numeric_id), questions, began_at)
                told[numeric_id].append((client.account, absence))
        left = [(batch, _best(told[numeric_id])) for numeric_id, batches in self._open.items() for batch in batches]
        await self._conclude(left)

    async def _search(self, client: CalcomClient) -> dict[str, _Failure]:
        """Both kinds of pass at one account; by numeric id, why its absence there is not known."""
        failures: dict[str, _Failure] = {}
        for passes_of in (started_passes, created_passes):
            for one in passes_of(self._asked()):
                wanted = one.ids & self._open.keys()
                if not wanted:
                    continue
                shown = await _look_for(client, one.window, wanted, self._priority)
                await self._found(client, shown.found)
                if shown.failure is not None:
                    failures |= dict.fromkeys(wanted & self._open.keys(), shown.failure)
                if isinstance(shown.failure, Unavailable):
                    return failures | dict.fromkeys(self._open, shown.failure)
        return failures

    async def _found(self, client: CalcomClient, found: Sequence[Found]) -> None:
        concluded = [
            (batch, (client.account, self._ownership.placed(one, client.account, batch.tenant)))
            for one in found
            for batch in self._open.pop(str(one.booking["id"]), [])
        ]
        if concluded:
            await self._conclude(concluded)

    def _asked(self) -> Mapping[str, Sequence[CalcomQuestion]]:
        return {
            numeric_id: [question for batch in batches for question in batch.questions]
            for numeric_id, batches in self._open.items()
        }


async def _look_for(client: CalcomClient, window: Window, wanted: Collection[str], priority: Priority) -> Walk:
    """Read the window until its end, or until all wanted ids were seen."""
    seen: set[str] = set()

    def wants(booking: Booking) -> bool:
        numeric_id = str(booking["id"])
        if numeric_id in wanted:
            seen.add(numeric_id)
        return numeric_id in wanted

    return await walk(client, window, wants, priority, worth_going_on=lambda _, __: len(seen) < len(wanted))


def _absence(failure: _Failure | None, questions: Sequence[CalcomQuestion], began_at: float) -> BookingAnswer:
    if failure is not None:
        return failure
    if not absence_is_provable(questions):
        return Unusable(reason="too little is known to look for the numeric id", began_at=began_at)
    return Missing(began_at=began_at, http_status=200)


def _best(told: list[Told]) -> Told:
    best = best_of([answer for _, answer in told])
    return next((account, answer) for account, answer in told if answer is best)
