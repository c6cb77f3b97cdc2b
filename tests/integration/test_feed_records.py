"""The reader of Debezium's topics on a real broker: what it hears, where it goes on, what went unread."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from connectors.source.feed_records import FeedRecords
from connectors.stack.stack import LocalStack
from streams.settings_sections import KafkaSettings
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

SNAPSHOT_ROW = b'{"op":"r","source":{"snapshot":"true"}}'
CHANGE = b'{"op":"u","source":{"snapshot":"false"}}'

_numbers = itertools.count(1)


class Lane:
    """A change topic and a heartbeat topic of one's own."""

    def __init__(self, kafka: KafkaSettings, producer: Any) -> None:
        number = next(_numbers)
        self.kafka = kafka
        self.changes, self.beats = f"feed{number}.changes", f"feed{number}.beats"
        self.readers = f"feed{number}-worker"
        self._producer = producer

    async def tell(self, topic: str, *values: bytes) -> None:
        for value in values:
            await self._producer.send_and_wait(topic, value=value, partition=0)

    @asynccontextmanager
    async def read(self, positions: dict[str, int] | None = None) -> AsyncIterator[FeedRecords]:
        records = FeedRecords(
            self.kafka,
            heartbeat_topic=self.beats,
            change_topics=(self.changes,),
            readers=self.readers,
            positions=positions or {},
        )
        try:
            await records.open()
            yield records
        finally:
            await records.close()


@pytest.fixture
async def lane(stack: LocalStack) -> AsyncIterator[Lane]:
    bootstrap = stack.endpoints.kafka_bootstrap
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await producer.start()
    await admin.start()
    made = Lane(KafkaSettings(bootstrap_servers=bootstrap, partitions=2), producer)
    await admin.create_topics([NewTopic(made.changes, 2, 1), NewTopic(made.beats, 1, 1)])
    yield made
    await admin.close()
    await producer.stop()


async def test_it_tells_heartbeats_changes_and_snapshot_rows_apart(lane: Lane) -> None:
    async with lane.read() as records:
        assert await until(records.catch_up)
        assert records.heard_at is None
        await until(lambda: _heard_a_beat(lane, records))
        assert (records.change_at, records.snapshot_at) == (None, None)
        await lane.tell(lane.changes, CHANGE)
        await until(lambda: records.change_at)
        assert records.snapshot_at is None
        await lane.tell(lane.changes, SNAPSHOT_ROW)
        await until(lambda: records.snapshot_at)


async def test_it_goes_on_where_it_ended_and_begins_at_the_end(lane: Lane) -> None:
    await lane.tell(lane.changes, CHANGE, SNAPSHOT_ROW)
    async with lane.read() as records:
        assert await until(records.catch_up)
        assert records.snapshot_at is None
        ended = dict(records.positions)
    await lane.tell(lane.changes, SNAPSHOT_ROW)
    async with lane.read(ended) as records:
        await until(lambda: records.snapshot_at)
    async with lane.read({f"{lane.changes}:0": 1_000}) as records:  # the topic was made anew
        assert await until(records.catch_up)


async def test_records_that_were_deleted_before_the_worker_read_them_are_named(lane: Lane) -> None:
    await lane.tell(lane.changes, *[CHANGE] * 5)
    place = TopicPartition(lane.changes, 0)
    async with lane.read() as records:
        assert await records.unread_topic() is None  # the worker never was here
        await _commit(lane, place, 3)
        assert await records.unread_topic() is None
        await _delete_before(lane, place, 3)
        assert await records.unread_topic() is None  # all that is gone was read
        await _delete_before(lane, place, 4)
        assert await records.unread_topic() == lane.changes


async def _heard_a_beat(lane: Lane, records: FeedRecords) -> bool:
    await lane.tell(lane.beats, b"{}")
    return records.beat_at is not None


async def _commit(lane: Lane, place: TopicPartition, offset: int) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=lane.kafka.bootstrap_servers, group_id=lane.readers, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([place])
        await consumer.commit({place: offset})
    finally:
        await consumer.stop()


async def _delete_before(lane: Lane, place: TopicPartition, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=lane.kafka.bootstrap_servers)
    await admin.start()
    try:
        await admin.delete_records({place: RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()
