"""Whether the worker's clock runs: what the dead-man's switch rests on.

A tick is a barrier (design §9): the worker commits past it only once every input was worked through that far. So a
committed tick of the last minute on each partition says that the clock is fresh and that nothing is stuck.
"""

import time

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.kafka_connection import connection_arguments
from streams.settings import Settings
from streams.topics import Topic, topic_name

#: The newest tick is at most this old.
CLOCK_SECONDS_MAX = 10.0
#: The newest tick that was passed is at most this old.
STUCK_SECONDS_MAX = 60.0


async def clock_is_fresh(settings: Settings, group: str) -> bool:
    """Whether every partition has a fresh tick and the worker's `group` has passed a recent one.

    Raises KafkaError when no broker is there.
    """
    topic = topic_name(Topic.TICKS, settings.kafka.topic_prefix)
    partitions = [TopicPartition(topic, number) for number in range(settings.kafka.partitions)]
    consumer = AIOKafkaConsumer(
        **connection_arguments(settings.kafka), group_id=group, enable_auto_commit=False, auto_offset_reset="none"
    )
    try:
        await consumer.start()
        consumer.assign(partitions)
        now_ms = time.time() * 1000
        fresh = await consumer.offsets_for_times(dict.fromkeys(partitions, int(now_ms - CLOCK_SECONDS_MAX * 1000)))
        recent = await consumer.offsets_for_times(dict.fromkeys(partitions, int(now_ms - STUCK_SECONDS_MAX * 1000)))
        for partition in partitions:
            if fresh.get(partition) is None or recent.get(partition) is None:
                return False
            if (await consumer.committed(partition) or 0) <= recent[partition].offset:
                return False
        return True
    finally:
        await consumer.stop()
