"""Where the inputs stand: committed offsets and log starts at assignment, end offsets for the ticks."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.kafka_connection import connection_arguments
from streams.settings import Settings
from streams.topics import BARRIER, INPUTS, Topic, topic_name

ANSWER_SECONDS_MAX = 20.0
REQUEST_MS_MAX = 10_000


class InputsDiffer(RuntimeError):
    """Input topics have other partition counts than configured."""

    def __init__(self, wanted: int, wrong: list[str]) -> None:
        super().__init__(
            f"kafka.partitions = {wanted}, but " + ", ".join(wrong) + ": start connectors, which makes them"
        )


class Positions:
    """Asks the broker; no member of any group."""

    def __init__(self, settings: Settings, group: str) -> None:
        self._settings = settings
        self._group = group
        self._topics = {topic: topic_name(topic, settings.kafka.topic_prefix) for topic in BARRIER}
        self._consumer: Any = None

    async def start(self) -> None:
        """Raises KafkaError when no broker answers."""
        self._consumer = AIOKafkaConsumer(
            **connection_arguments(self._settings.kafka),
            group_id=None,
            enable_auto_commit=False,
            request_timeout_ms=REQUEST_MS_MAX,
        )
        await self._consumer.start()

    async def stop(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()

    async def check_inputs(self) -> None:
        """Raises InputsDiffer unless every input has the configured number of partitions: never a hang."""
        wanted = self._settings.kafka.partitions
        names = [topic_name(topic, self._settings.kafka.topic_prefix) for topic in INPUTS]
        async with asyncio.timeout(ANSWER_SECONDS_MAX), self._admin() as admin:
            found = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics(names)}
        wrong = [f"{name} has {len(there)}" for name, there in sorted(found.items()) if len(there) != wanted]
        if wrong:
            raise InputsDiffer(wanted, wrong)

    async def seeds(self, partitions: Collection[int]) -> dict[int, dict[str, int]]:
        """The next offset to be read of each input, by partition and topic: the committed one, or the log's start."""
        places = self._places(partitions)
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            starts, committed = await asyncio.gather(self._consumer.beginning_offsets(places), self._committed(places))
        found: dict[int, dict[str, int]] = {partition: {} for partition in partitions}
        for place in places:
            found[place.partition][place.topic] = max(starts[place], committed.get(place, 0))
        return found

    async def ends(self, partitions: Collection[int]) -> dict[int, dict[str, int]]:
        """End offsets of the inputs, by partition and topic."""
        places = self._places(partitions)
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            ends = await self._consumer.end_offsets(places)
        found: dict[int, dict[str, int]] = {partition: {} for partition in partitions}
        for place, end in ends.items():
            found[place.partition][place.topic] = end
        return found

    async def tick_ends(self, partitions: Collection[int]) -> dict[int, int]:
        """Where the ticks end, by partition: those before are of the time before now."""
        name = topic_name(Topic.TICKS, self._settings.kafka.topic_prefix)
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            ends = await self._consumer.end_offsets([TopicPartition(name, number) for number in partitions])
        return {place.partition: end for place, end in ends.items()}

    async def _committed(self, places: list[TopicPartition]) -> Mapping[TopicPartition, int]:
        async with self._admin() as admin:
            offsets = await admin.list_consumer_group_offsets(self._group, partitions=places)
        return {place: meta.offset for place, meta in offsets.items()}

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[Any]:
        admin = AIOKafkaAdminClient(**connection_arguments(self._settings.kafka), request_timeout_ms=REQUEST_MS_MAX)
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()

    def _places(self, partitions: Collection[int]) -> list[TopicPartition]:
        return [TopicPartition(name, number) for name in self._topics.values() for number in partitions]
