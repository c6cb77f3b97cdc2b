"""The verifier put together: the lanes that ask Cal.com, the polls, the probes, and what wakes them.

Only one process does this at a time (it holds the lock "calcom"): so each key has one queue and one count.
"""

import asyncio
from functools import partial
from typing import Any

from connectors.calcom.accounts import keep_probing, open_accounts, tenants_by_keys
from connectors.calcom.breaker import BreakerPolicy
from connectors.calcom.deliveries import hear_deliveries
from connectors.calcom.hearing import Hearing
from connectors.calcom.lane import Lane
from connectors.calcom.ownership import Ownership
from connectors.calcom.poll import Poll
from connectors.calcom.poll_cursor import load_event_types
from connectors.calcom.queue import CHANNEL, QuestionQueue
from connectors.calcom.reads import Publish
from connectors.calcom.subscription_audit import keep_auditing
from connectors.calcom.telling import Telling
from connectors.supervision import supervised
from streams.settings import Settings


async def read_calcom(
    settings: Settings,
    *,
    pool: Any,
    listener: Any,
    publish: Publish,
    policy: BreakerPolicy,
    audit_seconds: float,
) -> None:
    """Ask and poll for ever. `listener` is a connection of its own, for LISTEN; `pool` is the store's.

    Raises what asyncpg raises when the store is away at the start; later each part is started again by
    itself.
    """
    accounts = await open_accounts(settings, pool, policy)
    queue = QuestionQueue(pool)
    ownership = Ownership(settings)
    for account, event_types in (await load_event_types(pool)).items():
        ownership.learn(account, event_types)
    lanes = [
        Lane(
            clients={tenant: accounts.of(tenant) for tenant in tenants},
            ownership=ownership,
            queue=queue,
            telling=Telling(queue, publish),
        )
        for tenants in tenants_by_keys(settings)
    ]
    lane_of = {tenant: lane for lane in lanes for tenant in lane.tenants}

    def woken(_connection: Any, _pid: int, _channel: str, tenant: str) -> None:
        if tenant in lane_of:
            lane_of[tenant].wake()

    for lane in lanes:
        accounts.on_return(lane.came_back)
    await listener.add_listener(CHANNEL, woken)
    try:
        async with asyncio.TaskGroup() as group:
            for number, lane in enumerate(lanes):
                group.create_task(supervised(f"lane-{number}", lane.run))
            for name, client in accounts.clients.items():
                poll = Poll(client=client, settings=settings, ownership=ownership, pool=pool, publish=publish)
                group.create_task(supervised(f"poll-{name}", poll.run))
                group.create_task(supervised(f"probe-{name}", partial(keep_probing, client)))
                auditing = partial(keep_auditing, client, pool, audit_seconds)
                group.create_task(supervised(f"subscriptions-{name}", auditing))
            group.create_task(supervised("deliveries", partial(hear_deliveries, settings, Hearing(pool))))
    finally:
        await accounts.close()
        if not listener.is_closed():
            await listener.remove_listener(CHANNEL, woken)
