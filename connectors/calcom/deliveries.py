"""When each account's webhooks were last heard, from topic `calcom.webhooks`.

A silence can only be told by one who has listened all the time. So it is also kept through which instant every
webhook was heard: while Kafka does not answer, that instant stays where it is, and nobody is called silent.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.calcom.hearing import Hearing
from streams.kafka_connection import connection_arguments
from streams.settings import Settings
from streams.topics import Topic, topic_name

LISTEN_SECONDS = 2.0
READ_MS = 500
#: After a restart it is read from a little before the last word: the broker's clock is another than ours.
READ_AGAIN = timedelta(seconds=60)
#: Marks a webhook that Plumbline put there itself, under the tenant that its booking turned out to be of.
REPUBLISHED_HEADER = "republished"


async def hear_deliveries(settings: Settings, hearing: Hearing) -> None:
    """Listen until cancelled; to be run beside the poll, whose clock it shares. Raises KafkaError."""
    topic = topic_name(Topic.WEBHOOKS, settings.kafka.topic_prefix)
    partitions = [TopicPartition(topic, number) for number in range(settings.kafka.partitions)]
    accounts = frozenset(account.name for account in settings.accounts)
    consumer = AIOKafkaConsumer(
        **connection_arguments(settings.kafka), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        consumer.assign(partitions)
        await _begin(consumer, partitions, await hearing.listened_at())
        while True:
            at = datetime.now(UTC)
            heard = await _read_to(consumer, await consumer.end_offsets(partitions))
            await hearing.listened(accounts, accounts & heard, at)
            await asyncio.sleep(LISTEN_SECONDS)
    finally:
        await consumer.stop()


async def _begin(consumer: Any, partitions: Iterable[TopicPartition], listened_at: datetime | None) -> None:
    """Where the listening ended; at the end where there was none before."""
    ends = await consumer.end_offsets(partitions)
    found: Mapping[TopicPartition, Any] = {}
    if listened_at is not None:
        since_ms = int((listened_at - READ_AGAIN).timestamp() * 1000)
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
    for partition in partitions:
        place = found.get(partition)
        consumer.seek(partition, ends[partition] if place is None else place.offset)


async def _read_to(consumer: Any, ends: Mapping[TopicPartition, int]) -> set[str]:
    """Read on until every partition has reached its end; the accounts of the webhooks on the way."""
    heard: set[str] = set()
    while True:
        behind = [partition for partition, end in ends.items() if await consumer.position(partition) < end]
        if not behind:
            return heard
        batches = await consumer.getmany(timeout_ms=READ_MS)
        heard.update(name for batch in batches.values() for record in batch if (name := _account(record)) is not None)


def _account(record: Any) -> str | None:
    headers = dict(record.headers)
    if REPUBLISHED_HEADER in headers:
        return None
    name = headers.get("account")
    return None if name is None else name.decode("utf-8", "replace")
