"""Reading list pages over many bookings, as long as they cost less than asking for each."""

from collections.abc import Sequence

from connectors.calcom.answers import Found, Unavailable
from connectors.calcom.asking import Conclude
from connectors.calcom.batches import Batch, pages_are_cheaper, window_over
from connectors.calcom.client import CalcomClient
from connectors.calcom.listing import Walk, walk
from connectors.calcom.ownership import Ownership
from connectors.calcom.quota import Priority


async def read_list(
    clients: Sequence[CalcomClient],
    ownership: Ownership,
    batches: Sequence[Batch],
    priority: Priority,
    conclude: Conclude,
) -> bool:
    """Conclude the batches that the pages show. False if Cal.com gave no answer: it is worth another try."""
    wanted: dict[str, list[Batch]] = {}
    for batch in batches:
        wanted.setdefault(batch.asked, []).append(batch)
    for client in clients:
        shown = await _listed(client, [batch for alike in wanted.values() for batch in alike], priority)
        await conclude(
            [
                (batch, (client.account, ownership.placed(found, client.account, batch.tenant)))
                for found in shown.found
                for batch in wanted.pop(_uid(found))
            ]
        )
        if isinstance(shown.failure, Unavailable) and client.transport.wait_seconds(priority) > 0:
            return False
        if not wanted:
            return True
    return True


async def _listed(client: CalcomClient, batches: Sequence[Batch], priority: Priority) -> Walk:
    uids = frozenset(batch.asked for batch in batches)
    return await walk(
        client,
        window_over(batches),
        lambda booking: booking["uid"] in uids,
        priority,
        lambda found, left: pages_are_cheaper(left, len(uids) - found),
    )


def _uid(found: Found) -> str:
    return str(found.booking["uid"])
