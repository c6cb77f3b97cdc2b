"""Writing records to the bench's topics: in batches, by key, as fast as the broker takes them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from api.bench.life import Headers, Sent
from streams.kafka_connection import connection_arguments
from streams.settings_sections import KafkaSettings
from streams.topics import Topic, topic_name

BATCH_BYTES = 512 * 1024
#: Batches on their way at a time.
UNACKNOWLEDGED_MAX = 16


class Feed:
    """Fills batches by topic and partition, and sends each when it is full."""

    def __init__(self, kafka: KafkaSettings, producer: Any) -> None:
        self._kafka = kafka
        self._producer = producer
        self._batches: dict[tuple[str, int], Any] = {}
        self._partitions: dict[bytes, int] = {}
        self._pending: list[Any] = []

    async def put(self, topic: Topic, partition: int, key: bytes, value: bytes, headers: Headers | None = None) -> None:
        """Onto a named partition."""
        headers = headers or []
        place = (topic_name(topic, self._kafka.topic_prefix), partition)
        batch = self._batches.get(place)
        if batch is not None and batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            await self._send(place)
            batch = None
        if batch is None:
            batch = self._batches[place] = self._producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=headers)

    def partition_of(self, key: bytes) -> int:
        """As Kafka's and Connect's default partitioner choose it."""
        if key not in self._partitions:
            self._partitions[key] = (murmur2(key) & 0x7FFFFFFF) % self._kafka.partitions
        return self._partitions[key]

    async def flush(self) -> None:
        """Return when all is acknowledged. Raises KafkaError."""
        for place in list(self._batches):
            await self._send(place)
        await asyncio.gather(*self._pending)
        self._pending.clear()

    async def _send(self, place: tuple[str, int]) -> None:
        batch = self._batches.pop(place)
        batch.close()
        self._pending.append(await self._producer.send_batch(batch, place[0], partition=place[1]))
        if len(self._pending) >= UNACKNOWLEDGED_MAX:
            await asyncio.gather(*self._pending)
            self._pending.clear()


@asynccontextmanager
async def feeding(kafka: KafkaSettings) -> AsyncIterator[Feed]:
    """A feed; all of it is acknowledged at the end."""
    producer = AIOKafkaProducer(**connection_arguments(kafka), max_batch_size=BATCH_BYTES, acks="all")
    await producer.start()
    try:
        feed = Feed(kafka, producer)
        yield feed
        await feed.flush()
    finally:
        await producer.stop()


async def write_records(kafka: KafkaSettings, records: Iterable[Sent]) -> Counter[Topic]:
    """How many went to each topic."""
    counts: Counter[Topic] = Counter()
    async with feeding(kafka) as feed:
        for sent in records:
            key = sent.tenant.encode()
            await feed.put(sent.topic, feed.partition_of(key), key, sent.value, sent.headers)
            counts[sent.topic] += 1
    return counts
