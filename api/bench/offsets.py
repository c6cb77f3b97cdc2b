"""How far a consumer group has committed, seen from outside."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.kafka_connection import connection_arguments
from streams.settings_sections import KafkaSettings
from streams.topics import Topic, topic_name


class Offsets:
    """Of one group on the bench's topics, whose ends no longer move."""

    def __init__(self, kafka: KafkaSettings, group: str) -> None:
        self._kafka = kafka
        self._group = group
        self._ends: dict[Any, int] = {}

    async def all_committed(self, topics: Sequence[Topic]) -> bool:
        """Whether nothing is left to commit."""
        if not self._ends:
            self._ends = await end_offsets(self._kafka, topics)
        admin = AIOKafkaAdminClient(**connection_arguments(self._kafka))
        try:
            await admin.start()
            held = await admin.list_consumer_group_offsets(self._group, partitions=list(self._ends))
        except KafkaError:
            return False  # the group is not known yet
        finally:
            await admin.close()
        return all(place in held and held[place].offset >= end for place, end in self._ends.items())


async def end_offsets(kafka: KafkaSettings, topics: Sequence[Topic]) -> dict[Any, int]:
    """Of every partition that holds anything."""
    places = [
        TopicPartition(topic_name(topic, kafka.topic_prefix), n) for topic in topics for n in range(kafka.partitions)
    ]
    async with reader(kafka) as consumer:
        ends = await consumer.end_offsets(places)
    return {place: end for place, end in ends.items() if end}


async def read_all(kafka: KafkaSettings, topic: Topic) -> list[bytes]:
    """Every value on the topic."""
    ends = await end_offsets(kafka, [topic])
    values: list[bytes] = []
    if not ends:
        return values
    async with reader(kafka) as consumer:
        consumer.assign(list(ends))
        await consumer.seek_to_beginning(*ends)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            batches = await consumer.getmany(timeout_ms=500)
            values += [record.value for batch in batches.values() for record in batch]
    return values


@asynccontextmanager
async def reader(kafka: KafkaSettings) -> AsyncIterator[Any]:
    """A consumer without a group."""
    consumer = AIOKafkaConsumer(**connection_arguments(kafka), group_id=None, enable_auto_commit=False)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()
