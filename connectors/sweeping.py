"""Passes over both sides put together: the database's passes and poll, and the back-fill of a gap."""

import asyncio
from functools import partial
from typing import Any

import structlog

from connectors.crm.listing import CrmLists
from connectors.crm.polling import RowPoll
from connectors.crm.sweep import UNIT as DATABASE_UNIT
from connectors.crm.sweep import CrmSweep
from connectors.parts import Parts
from connectors.pass_times import Pass, database_timetable_of
from connectors.passes import PassStore, Side
from connectors.supervision import supervised
from streams.model.source_records import PassComplete
from streams.settings import Settings
from streams.topics import Topic

log = structlog.get_logger()

#: How often a back-fill looks whether it is through.
LOOK_SECONDS = 1.0
#: A pass that proved no absence is asked for again after this pause.
ASK_AGAIN_SECONDS = 60.0

_REQUEST = """
INSERT INTO sweep_requests (side, requested_at) SELECT side, clock_timestamp() FROM unnest($1::text[]) AS side
ON CONFLICT (side) DO UPDATE SET requested_at = excluded.requested_at
"""


async def sweep_database(parts: Parts, _: Any) -> None:
    """Sweep the database, and poll it where change events may not be had; by one process, under a lock."""
    lists = CrmLists(parts.crm)
    publish = partial(parts.sender.send, Topic.ROWS)
    sweep = CrmSweep(
        lists=lists,
        store=PassStore(parts.pool, "database"),
        pool=parts.pool,
        publish=publish,
        tell_complete=partial(tell_complete, parts),
        timetable=database_timetable_of(parts.settings),
        configured=configured_tenants(parts.settings),
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(supervised("database-sweep", sweep.run))
        if parts.settings.source.mode == "poll":
            poll = RowPoll(lists=lists, pool=parts.pool, publish=publish)
            group.create_task(supervised("database-poll", poll.run))


async def tell_complete(parts: Parts, record: PassComplete) -> None:
    """Tell the worker of a complete pass, behind all that the pass has shown."""
    await parts.sender.send(Topic.SOURCES, record.tenant, record)


def configured_tenants(settings: Settings) -> frozenset[str]:
    """Tenants that the settings name, whether or not they have rows."""
    named = frozenset(tenant.id for tenant in settings.tenants)
    return named.union(*(account.tenants for account in settings.accounts))


async def backfill(parts: Parts) -> None:
    """Fill a gap: a window pass over both sides, begun now, whoever runs them; returns when both are complete.

    Asks again for a pass that proved no absence. Raises what the store raises; the caller bounds the time.
    """
    accounts = [account.name for account in parts.settings.accounts]
    units: dict[Side, list[str]] = {"calcom": accounts, "database": [DATABASE_UNIT]}
    missing = dict(units)
    while missing:
        await parts.pool.execute(_REQUEST, list(missing))
        flawed = {side: await _until_ended(PassStore(parts.pool, side), names) for side, names in missing.items()}
        missing = {side: units[side] for side, failed in flawed.items() if failed}
        if missing:
            log.warning("back-fill incomplete, asking again", missing=flawed)
            await asyncio.sleep(ASK_AGAIN_SECONDS)


async def _until_ended(store: PassStore, units: list[str]) -> list[str]:
    """Wait for the requested window passes; the units whose pass proved no absence."""
    while True:
        requested_at = await store.requested_at()
        passes = [found.get("window") for found in (await store.load(units)).values()]
        ended = [one for one in passes if one is not None and one.ended_at is not None and _is_since(one, requested_at)]
        if len(ended) == len(units):
            return [one.unit for one in ended if not one.complete]
        await asyncio.sleep(LOOK_SECONDS)


def _is_since(one: Pass, requested_at: Any) -> bool:
    return requested_at is None or one.begun_at >= requested_at
