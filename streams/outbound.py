"""What a worker sends: one idempotent producer, and the difference between sent and acknowledged."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaProducer

from streams.kafka_connection import connection_arguments
from streams.model.records import FindingRecord, Record
from streams.settings import Settings
from streams.topics import Topic, topic_name

log = structlog.get_logger()

LINGER_MS = 5
BATCH_BYTES_MAX = 256 * 1024
RECORD_BYTES_MAX = 2 * 1024 * 1024
#: What is not acknowledged within this ends the process: nothing may be committed past it.
ACK_SECONDS_MAX = 30.0

State = Sequence[tuple[bytes, bytes | None]]


class Outbound:
    """Sends records of one worker. Started and stopped with it."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.kafka.topic_prefix
        self._arguments = {
            **connection_arguments(settings.kafka),
            "acks": "all",
            "enable_idempotence": True,
            "linger_ms": LINGER_MS,
            "max_batch_size": BATCH_BYTES_MAX,
            "max_request_size": RECORD_BYTES_MAX,
            "request_timeout_ms": round(ACK_SECONDS_MAX * 1000),
        }
        self._producer: Any = None
        self._locks: dict[int, asyncio.Lock] = {}

    async def start(self) -> None:
        """Raises KafkaError when no broker answers."""
        self._producer = AIOKafkaProducer(**self._arguments)
        await self._producer.start()

    async def stop(self) -> None:
        if self._producer is not None:
            await asyncio.wait_for(self._producer.stop(), ACK_SECONDS_MAX)

    async def state(self, partition: int, records: State) -> None:
        """Write changelog records and return once each is acknowledged. Raises KafkaError, TimeoutError."""
        if not records:
            return
        topic = topic_name(Topic.STATE, self._prefix)
        async with asyncio.timeout(ACK_SECONDS_MAX):
            # One writer at a time a partition, so that two flushes cannot change places.
            async with self._locks.setdefault(partition, asyncio.Lock()):
                pending = await self._batches(topic, partition, records)
            await asyncio.gather(*pending)

    async def _batches(self, topic: str, partition: int, records: State) -> list[Any]:
        """Whole batches rather than single sends: a tenth of the work a record."""
        pending = []
        batch = self._producer.create_batch()
        for key, value in records:
            if batch.append(key=key, value=value, timestamp=None) is None:
                pending.append(await self._send_batch(batch, topic, partition))
                batch = self._producer.create_batch()
                if batch.append(key=key, value=value, timestamp=None) is None:
                    raise ValueError(f"a state record of {len(value or b'')} bytes does not fit into a batch")
        pending.append(await self._send_batch(batch, topic, partition))
        return pending

    async def _send_batch(self, batch: Any, topic: str, partition: int) -> Any:
        batch.close()
        return await self._producer.send_batch(batch, topic, partition=partition)

    async def findings(self, findings: Iterable[FindingRecord]) -> None:
        """Send findings and return once each is acknowledged. Raises KafkaError, TimeoutError."""
        topic = topic_name(Topic.FINDINGS, self._prefix)
        async with asyncio.timeout(ACK_SECONDS_MAX):
            pending = [
                await self._producer.send(topic, key=finding.tenant.encode(), value=msgspec.json.encode(finding))
                for finding in findings
            ]
            await asyncio.gather(*pending)

    async def soon(self, topic: Topic, tenant: str, record: Record) -> None:
        """Send without waiting for the acknowledgement: what is lost is asked, or told, again."""
        async with asyncio.timeout(ACK_SECONDS_MAX):
            name = topic_name(topic, self._prefix)
            future = await self._producer.send(name, key=tenant.encode(), value=msgspec.json.encode(record))
        future.add_done_callback(_told_if_lost)

    async def tick(self, partition: int, value: bytes) -> None:
        """Send a tick to one partition. Raises TimeoutError while the broker takes nothing."""
        async with asyncio.timeout(ACK_SECONDS_MAX):
            name = topic_name(Topic.TICKS, self._prefix)
            future = await self._producer.send(name, value=value, partition=partition)
        future.add_done_callback(_told_if_lost)

    async def dead_letter(
        self, partition: int, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> None:
        """The bytes as they came, acknowledged. Raises KafkaError, TimeoutError.

        As a batch of one: a single send refuses a record with neither key nor value, and would end every worker.
        """
        async with asyncio.timeout(ACK_SECONDS_MAX):
            batch = self._producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=headers)
            await (await self._send_batch(batch, topic_name(Topic.DEAD_LETTERS, self._prefix), partition))


def _told_if_lost(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        log.warning("a record was not acknowledged; it is sent again by itself", error=repr(error))
