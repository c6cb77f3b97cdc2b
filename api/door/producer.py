"""The door's Kafka producer: one webhook, acknowledged by all replicas within a deadline, or refused.

Kafka may be away when the door opens and may go away later; neither may hold a request beyond its deadline,
and both must pass by themselves.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.kafka_connection import connection_arguments
from streams.settings import Settings
from streams.topics import Topic, topic_name

log = structlog.get_logger()

LINGER_MS = 3
#: A body of 1 MiB and its headers must fit.
RECORD_BYTES_MAX = 2 * 1024 * 1024
#: How long an unacknowledged record is kept and tried again; the request itself was answered long before.
REQUEST_TIMEOUT_MS = 5_000
RECONNECT_SECONDS = 0.5


class NotAccepted(Exception):
    """Kafka did not acknowledge the record in time."""


class DoorProducer:
    """Sends records with acks=all. `connection` are aiokafka's connection arguments (bootstrap servers,
    security)."""

    def __init__(self, connection: Mapping[str, Any], topic: str) -> None:
        self._connection = dict(connection)
        self._topic = topic
        self._producer: Any = None
        self._connected = asyncio.Event()
        self._connecting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to connect and return at once: the door is open also while Kafka is away."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="door-producer")

    async def stop(self) -> None:
        """Close the connection; what waits for an acknowledgement is given up after the request timeout."""
        if self._connecting is not None:
            self._connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._connecting
            self._connecting = None
        self._connected.clear()
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def send(self, *, tenant: str, body: bytes, headers: Sequence[tuple[str, bytes]], deadline: float) -> None:
        """Put one webhook on Kafka; returns once all in-sync replicas have it.

        `deadline` is an instant of the running loop's clock. Raises NotAccepted when it passes or Kafka
        refuses; the record may still arrive later, which the worker's merge makes harmless.
        """
        try:
            async with asyncio.timeout_at(deadline):
                await self._connected.wait()
                # send() itself may wait, for metadata or for room in a full batch, so it stands inside the
                # deadline.
                acknowledged = await self._producer.send(
                    self._topic, value=body, key=tenant.encode(), headers=list(headers)
                )
                acknowledged.add_done_callback(_retrieve)
                await asyncio.shield(acknowledged)
        except (TimeoutError, KafkaError) as refused:
            raise NotAccepted(str(refused) or type(refused).__name__) from refused

    async def _connect(self) -> None:
        while True:
            producer = AIOKafkaProducer(
                **self._connection,
                acks="all",
                linger_ms=LINGER_MS,
                max_request_size=RECORD_BYTES_MAX,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
            )
            try:
                await producer.start()
            except (KafkaError, OSError) as away:
                log.warning("kafka unreachable, the door answers 503 until it is", error=str(away))
                await producer.stop()
                await asyncio.sleep(RECONNECT_SECONDS)
            except asyncio.CancelledError:
                await producer.stop()
                raise
            else:
                self._producer = producer
                self._connected.set()
                return


def door_producer(settings: Settings) -> DoorProducer:
    """The producer of topic `calcom.webhooks`, not yet started."""
    topic = topic_name(Topic.WEBHOOKS, settings.kafka.topic_prefix)
    return DoorProducer(connection_arguments(settings.kafka), topic)


def _retrieve(acknowledged: asyncio.Future[Any]) -> None:
    # A record given up after its request was answered has nobody left to hear of its failure.
    if not acknowledged.cancelled():
        acknowledged.exception()
