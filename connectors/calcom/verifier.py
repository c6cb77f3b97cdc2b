"""The verifier put together: the lanes that ask Cal.com, the polls, the probes, and what wakes them.

Only one process does this at a time (it holds the lock "calcom"): so each key has one queue and one count.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from connectors.calcom.accounts import Accounts, keep_probing, open_accounts, tenants_by_keys
from connectors.calcom.breaker import BreakerPolicy
from connectors.calcom.client import CalcomClient
from connectors.calcom.deliveries import hear_deliveries
from connectors.calcom.failures import FailureCount, HandOn, keep_handing_on
from connectors.calcom.hearing import Hearing
from connectors.calcom.lane import Lane
from connectors.calcom.ownership import Ownership
from connectors.calcom.page_telling import Expect
from connectors.calcom.poll import Poll
from connectors.calcom.poll_cursor import load_event_types
from connectors.calcom.queue import CHANNEL, QuestionQueue
from connectors.calcom.reads import Publish
from connectors.calcom.subscription_audit import keep_auditing
from connectors.calcom.sweep import CalcomSweeps
from connectors.calcom.telling import Telling
from connectors.passes import PassStore, TellComplete
from connectors.supervision import supervised
from streams.settings import Settings


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What lists of bookings are read with, and whom they are told. `pool` is the store's."""

    pool: Any
    ownership: Ownership
    publish: Publish
    expect: Expect
    tell_complete: TellComplete


async def read_calcom(
    settings: Settings,
    *,
    pool: Any,
    listener: Any,
    publish: Publish,
    policy: BreakerPolicy,
    audit_seconds: float,
    expect: Expect,
    tell_complete: TellComplete,
    hand_on: HandOn,
) -> None:
    """Ask and poll for ever. `listener` is a connection of its own, for LISTEN; `pool` is the store's.

    Raises what asyncpg raises when the store is away at the start; later each part is started again by
    itself.
    """
    failures = FailureCount()
    accounts = await open_accounts(settings, pool, policy, failures.see)
    queue = QuestionQueue(pool)
    ownership = Ownership(settings)
    for account, event_types in (await load_event_types(pool)).items():
        ownership.learn(account, event_types)
    lanes = _lanes(accounts, ownership, queue, publish)
    listing = Listing(pool=pool, ownership=ownership, publish=publish, expect=expect, tell_complete=tell_complete)
    tasks = _account_tasks(settings, accounts.clients, listing, audit_seconds)
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
            for name, work in tasks.items():
                group.create_task(supervised(name, work))
            group.create_task(supervised("deliveries", partial(hear_deliveries, settings, Hearing(pool))))
            group.create_task(supervised("failures", partial(keep_handing_on, failures, hand_on)))
    finally:
        await accounts.close()
        if not listener.is_closed():
            await listener.remove_listener(CHANNEL, woken)


def _lanes(accounts: Accounts, ownership: Ownership, queue: QuestionQueue, publish: Publish) -> list[Lane]:
    return [
        Lane(
            clients={tenant: accounts.of(tenant) for tenant in tenants},
            ownership=ownership,
            queue=queue,
            telling=Telling(queue, publish),
        )
        for tenants in tenants_by_keys(accounts.settings)
    ]


def _account_tasks(
    settings: Settings, clients: Mapping[str, CalcomClient], listing: Listing, audit_seconds: float
) -> dict[str, Callable[[], Awaitable[object]]]:
    """What is done for each account all the time, by the task's name."""
    sweeps = CalcomSweeps(
        settings=settings,
        clients=clients,
        ownership=listing.ownership,
        store=PassStore(listing.pool, "calcom"),
        publish=listing.publish,
        expect=listing.expect,
        tell_complete=listing.tell_complete,
    )
    tasks: dict[str, Callable[[], Awaitable[object]]] = {}
    for name, client in clients.items():
        tasks[f"poll-{name}"] = Poll(
            client=client,
            settings=settings,
            ownership=listing.ownership,
            pool=listing.pool,
            publish=listing.publish,
            expect=listing.expect,
        ).run
        tasks[f"sweep-{name}"] = partial(sweeps.keep, name)
        tasks[f"probe-{name}"] = partial(keep_probing, client)
        tasks[f"subscriptions-{name}"] = partial(keep_auditing, client, listing.pool, audit_seconds)
    return tasks
