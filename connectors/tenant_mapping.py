"""Bookings of shared accounts that are nobody's yet: the database, Kafka and the store put together for them."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from connectors.calcom.deliveries import REPUBLISHED_HEADER
from connectors.crm.database import By, CrmDatabase, NotAnswerable, NotAnswered
from connectors.parts import Parts
from connectors.unmapped.mapping import LookupFailed, Mapper, Telling
from connectors.unmapped.record import UnmappedRecord
from connectors.unmapped.store import UnmappedStore
from streams.model.records import BookingRead
from streams.settings import Settings
from streams.topics import Topic, topic_name

#: Where the database names bookings.
_NAMED_BY: tuple[By, ...] = (("appointments", "calcom_v2_booking_id"), ("calls", "booking_id"))


def has_unmapped(settings: Settings) -> bool:
    """Whether a booking may be nobody's: some account is shared and has no tenant for the rest."""
    return any(account.tenant is None for account in settings.accounts)


async def map_tenants(parts: Parts, database: CrmDatabase, _: Any) -> None:
    """Find out whose they are, until cancelled; to be run by one process only, under a lock."""

    async def lookup(refs: Collection[str]) -> Mapping[str, frozenset[str]]:
        return await tenants_naming(database, refs)

    async def tell_read(tenant: str, read: BookingRead) -> None:
        await parts.sender.send(Topic.BOOKINGS, tenant, read)

    async def tell_webhook(tenant: str, record: UnmappedRecord) -> None:
        headers = [(name, value.encode("latin-1")) for name, value in record.headers]
        await parts.producer.send_and_wait(
            topic_name(Topic.WEBHOOKS, parts.settings.kafka.topic_prefix),
            value=record.value,
            key=tenant.encode(),
            headers=[*headers, (REPUBLISHED_HEADER, record.place.encode())],
        )

    telling = Telling(webhook=tell_webhook, read=tell_read)
    await Mapper(parts.settings, UnmappedStore(parts.pool), lookup, telling).run()


async def tenants_naming(database: CrmDatabase, refs: Collection[str]) -> Mapping[str, frozenset[str]]:
    """The tenants whose rows name each reference, never filtered by tenant. Raises LookupFailed."""
    tenants: defaultdict[str, set[str]] = defaultdict(set)
    for by in _NAMED_BY:
        try:
            found = await database.read(by, sorted(refs))
        except NotAnswered as away:
            raise LookupFailed(str(away)) from away
        except NotAnswerable:  # a database without calls, or without this column
            continue
        for ref, row in found.rows:
            if row.get("company_id") is not None:
                tenants[ref].add(str(row["company_id"]))
    return {ref: frozenset(named) for ref, named in tenants.items()}
