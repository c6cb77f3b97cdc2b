"""What a worker sends, without a broker."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from streams.outbound import Outbound
from streams.settings import Settings


class KeepingProducer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka publishes no types
    """aiokafka's own, up to where a batch would leave for the broker."""

    def __init__(self) -> None:
        super().__init__(bootstrap_servers="127.0.0.1:1")
        self.batches: list[tuple[str, int, Any]] = []

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> "asyncio.Future[None]":
        self.batches.append((topic, partition, batch))
        acknowledged = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged


@pytest.mark.parametrize(("key", "value"), [(None, None), (b"7", None), (None, b"{"), (b"\xff", b"x" * 1_500_000)])
async def test_any_record_can_become_a_dead_letter_where_it_lay(key: bytes | None, value: bytes | None) -> None:
    outbound = Outbound(Settings.model_validate({"kafka": {"bootstrap_servers": "127.0.0.1:1"}}))
    producer = outbound._producer = KeepingProducer()
    await outbound.dead_letter(3, key, value, [("reason", b"wrong_shape")])
    [(topic, partition, batch)] = producer.batches
    assert (topic, partition, batch.record_count()) == ("plumbline.dead-letters", 3, 1)
    await producer.stop()
