"""One member of a group that takes its records in batches: each is used, then committed, with dead letters beside."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from connectors.dead_letters import DeadLetters
from streams.kafka_connection import connection_arguments
from streams.settings import Settings
from streams.topics import Topic, topic_name

logger = logging.getLogger(__name__)

POLL_MS = 1_000
#: A store that is away for longer costs a rebalance, nothing more.
POLL_INTERVAL_MS_MAX = 15 * 60_000

Take = Callable[[Sequence[Any], DeadLetters], Awaitable[None]]


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """Which group reads which topics, and how eagerly. `group` is given without the topics' prefix."""

    group: str
    topics: tuple[Topic, ...]
    records_per_batch_max: int
    #: How long the broker may hold back an empty answer; a new record is answered at once.
    fetch_wait_ms: int


async def read_batches(settings: Settings, membership: Membership, take: Take) -> None:
    """Hand over batch after batch, from the first record on; what dies between is read again.

    Ends only by being cancelled. Raises KafkaError, and whatever `take` raises.
    """
    prefix, connection = settings.kafka.topic_prefix, connection_arguments(settings.kafka)
    consumer = AIOKafkaConsumer(
        *(topic_name(topic, prefix) for topic in membership.topics),
        **connection,
        group_id=f"{prefix}{membership.group}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=membership.fetch_wait_ms,
        max_poll_interval_ms=POLL_INTERVAL_MS_MAX,
    )
    producer = AIOKafkaProducer(**connection, acks="all", enable_idempotence=True)
    try:
        await consumer.start()
        await producer.start()
        letters = DeadLetters(producer, prefix)
        while True:
            batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=membership.records_per_batch_max)
            records = [record for batch in batches.values() for record in batch]
            if records:
                await take(records, letters)
                await _commit(consumer)
    finally:
        await consumer.stop()
        await producer.stop()


async def _commit(consumer: Any) -> None:
    try:
        await consumer.commit()
    except (CommitFailedError, IllegalStateError) as lost:
        # The partitions went to another member; it reads the batch again, to no effect.
        logger.info("offsets not committed, partitions were given away: %s", lost)
    except KafkaError as error:
        if not error.retriable:
            raise
        logger.warning("offsets not committed, the next batch will: %s", error)
