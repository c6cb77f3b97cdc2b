"""Records that cannot be used go to plumbline.dead-letters, as they came, with where from and why."""

from typing import Any

from aiokafka import AIOKafkaProducer

from streams.topics import Topic, topic_name

ERROR_CHARACTERS_MAX = 500


class DeadLetters:
    """Sends dead letters; each is acknowledged before its offset may be committed."""

    def __init__(self, producer: AIOKafkaProducer, prefix: str) -> None:
        self._producer = producer
        self._topic = topic_name(Topic.DEAD_LETTERS, prefix)

    async def send(self, record: Any, *, reason: str, error: str) -> None:
        """Keep one record (of aiokafka) durably. Raises KafkaError."""
        headers = [
            ("topic", record.topic.encode()),
            ("partition", str(record.partition).encode()),
            ("offset", str(record.offset).encode()),
            ("reason", reason.encode()),
            ("error", error[:ERROR_CHARACTERS_MAX].encode("utf-8", "replace")),
        ]
        await self._producer.send_and_wait(self._topic, value=record.value, key=record.key, headers=headers)
