"""Plumbline's own records on Kafka: JSON in and out, keyed by tenant, acknowledged by all replicas."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.kafka_connection import connection_arguments
from streams.model.records import Record
from streams.settings import Settings
from streams.topics import Topic, topic_name

log = structlog.get_logger()

TRY_AGAIN_SECONDS = 1.0
LINGER_MS = 3
BATCH_BYTES_MAX = 256 * 1024
RECORD_BYTES_MAX = 2 * 1024 * 1024
#: A read tells its age when it is sent, so a record that waits for the broker longer than this is given up.
REQUEST_TIMEOUT_MS = 5_000
#: How long a batch may be worked on before the group gives its partitions to another member.
POLL_INTERVAL_MS_MAX = 5 * 60_000


class RecordSender:
    """Sends records and waits for their acknowledgement. Raises KafkaError."""

    def __init__(self, producer: Any, prefix: str) -> None:
        self._producer = producer
        self._prefix = prefix

    async def send(self, topic: Topic, tenant: str, record: Record) -> None:
        """One record under its tenant."""
        await self._producer.send_and_wait(
            topic_name(topic, self._prefix), value=msgspec.json.encode(record), key=tenant.encode()
        )

    async def send_everywhere(self, topic: Topic, key: str, record: Record, partitions: int) -> None:
        """One record to each partition of a topic: what concerns all tenants."""
        name, value = topic_name(topic, self._prefix), msgspec.json.encode(record)
        sent = [
            await self._producer.send(name, value=value, key=key.encode(), partition=partition)
            for partition in range(partitions)
        ]
        await asyncio.gather(*sent)


@asynccontextmanager
async def open_producer(settings: Settings) -> AsyncIterator[Any]:
    """A started producer; waits for a broker that is away."""
    while True:
        producer = AIOKafkaProducer(**_producer_arguments(settings))
        try:
            await producer.start()
            break
        except KafkaError as away:
            log.warning("waiting for Kafka", reason=str(away))
            await producer.stop()
            await asyncio.sleep(TRY_AGAIN_SECONDS)
    try:
        yield producer
    finally:
        await producer.stop()


def _producer_arguments(settings: Settings) -> dict[str, Any]:
    return {
        **connection_arguments(settings.kafka),
        "acks": "all",
        "linger_ms": LINGER_MS,
        "max_batch_size": BATCH_BYTES_MAX,
        "max_request_size": RECORD_BYTES_MAX,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
    }


@asynccontextmanager
async def open_consumer(settings: Settings, topic: Topic, group: str) -> AsyncIterator[Any]:
    """A started member of a group, from the first record on; its user commits. Raises KafkaError."""
    consumer = AIOKafkaConsumer(
        topic_name(topic, settings.kafka.topic_prefix),
        **connection_arguments(settings.kafka),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_interval_ms=POLL_INTERVAL_MS_MAX,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
