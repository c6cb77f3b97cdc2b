"""Finds the tenant of what lies under `~<account>`, and tells its facts again under that tenant: the one re-keying.

    taken ──lookup: a row of one tenant names it──▶ told under the tenant, remembered
      │  ▲
      └──┘ no row yet: looked up again, 7 times within 2 minutes ──▶ given up, told once an event type

What is given up is not lost: the row that names it comes with questions of its own, and the next pass over the
account shows the booking again. Told at least once: what dies between telling and remembering is told again, and two
equal records are one fact.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from prometheus_client import Counter

from connectors.dead_letters import DeadLetters
from connectors.kafka_batches import Membership, read_batches
from connectors.unmapped.record import UnmappedRecord, account_of_key, aged, unmapped_read, unmapped_webhook
from connectors.unmapped.store import UnmappedStore
from streams.model.records import BookingRead
from streams.settings import Settings
from streams.topics import Topic, topic_name

log = structlog.get_logger()

MEMBERSHIP = Membership(
    group="plumbline-unmapped",
    topics=(Topic.WEBHOOKS, Topic.BOOKINGS),
    records_per_batch_max=500,
    fetch_wait_ms=100,
)
#: Between the lookups of one record: two minutes in all.
PAUSES_SECONDS = (2.0, 3.0, 5.0, 10.0, 20.0, 40.0, 40.0)
RECORDS_AT_ONCE_MAX = 500
LOOK_SECONDS = 1.0
DATABASE_AWAY_SECONDS = 5.0
TIDY_SECONDS = 3600.0

UNMAPPED = Counter("plumbline_unmapped_records_total", "Records of event types without tenant.", ["account", "outcome"])

#: Which tenants' rows name these references. Raises LookupFailed.
Lookup = Callable[[Collection[str]], Awaitable[Mapping[str, frozenset[str]]]]


class LookupFailed(Exception):
    """The database does not answer now."""


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """Where facts are told again under their tenant; both return after the acknowledgement and raise KafkaError."""

    webhook: Callable[[str, UnmappedRecord], Awaitable[None]]
    read: Callable[[str, BookingRead], Awaitable[None]]


async def keep_unmapped(settings: Settings, store: UnmappedStore) -> None:
    """Keep what comes under `~<account>`, until cancelled. Raises KafkaError, and what asyncpg raises."""
    webhooks = topic_name(Topic.WEBHOOKS, settings.kafka.topic_prefix)

    async def take(records: Sequence[Any], _: DeadLetters) -> None:
        kept: list[UnmappedRecord] = []
        for record in records:
            account = account_of_key(record.key)
            if account is None or settings.account(account) is None:
                continue
            read = unmapped_webhook if record.topic == webhooks else unmapped_read
            one = read(record, account)
            kept += [one] if one is not None else []
        if kept:
            await store.keep(kept)

    await read_batches(settings, MEMBERSHIP, take)


class Mapper:
    """Looks up what is kept. One of a kind: whoever runs it holds a lock."""

    def __init__(
        self,
        settings: Settings,
        store: UnmappedStore,
        lookup: Lookup,
        telling: Telling,
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
    ) -> None:
        self._settings = settings
        self._store = store
        self._lookup = lookup
        self._telling = telling
        self._pauses = tuple(pauses_seconds)

    async def run(self) -> None:
        """Until cancelled. Raises KafkaError, and what asyncpg raises."""
        clock = asyncio.get_running_loop().time
        tidied_at = -TIDY_SECONDS
        while True:
            if clock() - tidied_at >= TIDY_SECONDS:
                tidied_at = clock()
                await self._store.tidy({one.name: list(one.event_types) for one in self._settings.accounts})
            if not await self.step():
                await asyncio.sleep(LOOK_SECONDS)

    async def step(self) -> int:
        """Look up those that are due; how many there were."""
        due = await self._store.due(RECORDS_AT_ONCE_MAX)
        if not due:
            return 0
        refs = {ref for record in due for ref in record.refs}
        try:
            named = await self._lookup(refs)
        except LookupFailed as away:
            log.warning("unmapped bookings wait for the database", records=len(due), reason=str(away))
            await self._store.later([one.place for one in due], DATABASE_AWAY_SECONDS, looked_up=False)
            return 0
        known = await self._store.known(refs)
        nobodys: defaultdict[int, list[UnmappedRecord]] = defaultdict(list)
        for record in due:
            tenant = self._tenant(record, named, known)
            if tenant is None:
                nobodys[record.lookups].append(record)
            else:
                await self._tell(record, tenant)
        for lookups, records in nobodys.items():
            await self._put_off(records, lookups)
        return len(due)

    def _tenant(
        self, record: UnmappedRecord, named: Mapping[str, frozenset[str]], known: Mapping[str, str]
    ) -> str | None:
        """Whose it is: by the settings of now, by the rows that name it, else as it was once found."""
        mapped = self._settings.tenant_of(record.account, record.event_type)
        if not mapped.startswith("~"):
            return mapped
        by_rows = {tenant for ref in record.refs for tenant in named.get(ref, ()) if self._uses(tenant, record)}
        if not by_rows:
            by_rows = {known[ref] for ref in record.refs if ref in known and self._uses(known[ref], record)}
        # Two tenants that name one booking are a fault of theirs, and no reason to show either the other's.
        return by_rows.pop() if len(by_rows) == 1 else None

    def _uses(self, tenant: str, record: UnmappedRecord) -> bool:
        return any(account.name == record.account for account in self._settings.accounts_of(tenant))

    async def _tell(self, record: UnmappedRecord, tenant: str) -> None:
        if record.kind == "webhook":
            await self._telling.webhook(tenant, record)
        else:
            await self._telling.read(tenant, aged(record.value, datetime.now(UTC)))
        await self._store.mapped(record, tenant)
        UNMAPPED.labels(record.account, "mapped").inc()

    async def _put_off(self, records: Sequence[UnmappedRecord], lookups: int) -> None:
        """No row names them. Look again later, or never."""
        if lookups < len(self._pauses):
            return await self._store.later([one.place for one in records], self._pauses[lookups], looked_up=True)
        for record in records:
            UNMAPPED.labels(record.account, "given_up").inc()
            if await self._store.given_up(record):
                told = {"account": record.account, "event_type": record.event_type}
                log.warning("an event type is mapped to no tenant, and no row names its booking", **told)
        return None
