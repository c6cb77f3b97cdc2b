"""What lies on a topic of the tests' broker now, and where it ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition


@asynccontextmanager
async def _consumer(bootstrap: str) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def end_offsets(bootstrap: str, topic: str, partitions: int) -> dict[TopicPartition, int]:
    """The offset behind the last record of each partition."""
    async with _consumer(bootstrap) as consumer:
        return dict(await consumer.end_offsets([TopicPartition(topic, number) for number in range(partitions)]))


async def all_records(bootstrap: str, topic: str, partitions: int) -> list[Any]:
    """Every record, each partition in order."""
    places = [TopicPartition(topic, number) for number in range(partitions)]
    async with _consumer(bootstrap) as consumer:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning()
        found: list[Any] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for batch in (await consumer.getmany(timeout_ms=200, max_records=5000)).values():
                found += batch
        return found
