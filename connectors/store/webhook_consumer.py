"""Topic `calcom.webhooks` into the ledger of webhooks, and the ledger's verdicts; group `plumbline-webhook-ledger`.

A webhook is called lost only after the topic was read to the end that it had two minutes after the list was: while
Kafka is behind or away, nothing is judged. One process runs it, under a lock, so that one member owns all partitions.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from connectors.store.database import Database, StoreUnavailable
from connectors.store.webhook_ledger import Arrival, WebhookLedger
from streams.decode.webhook import STATE_TRIGGERS
from streams.kafka_connection import connection_arguments
from streams.settings import Settings
from streams.topics import Topic, topic_name

log = structlog.get_logger()

GROUP = "plumbline-webhook-ledger"
RECORDS_AT_ONCE_MAX = 500
POLL_MS = 1_000
CYCLE_SECONDS = 2.0
FORGET_EVERY_SECONDS = 600.0
#: Longer is no uid of Cal.com's.
UID_CHARACTERS_MAX = 200
#: Plumbline's own copy of a webhook, under the tenant that it turned out to be of.
REPUBLISHED_HEADER = "republished"


class LedgerPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a webhook counts as lost (so long after the list that showed its state), and when as late."""

    lost_after: timedelta = timedelta(seconds=120)
    late_after: timedelta = timedelta(seconds=60)


class _Payload(msgspec.Struct):
    uid: str | None = None


class _Webhook(msgspec.Struct):
    triggerEvent: str
    createdAt: datetime | None = None
    payload: _Payload | None = None


_decoder = msgspec.json.Decoder(_Webhook)


async def keep_webhook_ledger(settings: Settings, database: Database, policy: LedgerPolicy) -> None:
    """Until cancelled. Raises KafkaError; a store that is away is waited for."""
    prefix = settings.kafka.topic_prefix
    topic = topic_name(Topic.WEBHOOKS, prefix)
    consumer = AIOKafkaConsumer(
        topic,
        **connection_arguments(settings.kafka),
        group_id=f"{prefix}{GROUP}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    partitions = [TopicPartition(topic, number) for number in range(settings.kafka.partitions)]
    ledger = WebhookLedger(database)
    clock = asyncio.get_running_loop().time
    forgotten_at = float("-inf")
    try:
        await consumer.start()
        while True:
            at = datetime.now(UTC)
            try:
                if await _read_to_end(consumer, partitions, ledger):
                    await ledger.judge(at - policy.lost_after, policy.late_after)
                if clock() - forgotten_at >= FORGET_EVERY_SECONDS:
                    await ledger.forget()
                    forgotten_at = clock()
            except StoreUnavailable as away:
                log.info("webhook ledger waits for the store", reason=str(away))
                await _back_to_commit(consumer)
            await asyncio.sleep(CYCLE_SECONDS)
    finally:
        await consumer.stop()


async def _read_to_end(consumer: Any, partitions: list[TopicPartition], ledger: WebhookLedger) -> bool:
    """Take everything up to the present end; False while not all partitions are ours."""
    ends = await consumer.end_offsets(partitions)
    while True:
        owned = consumer.assignment()
        behind = [one for one, end in ends.items() if one not in owned or await consumer.position(one) < end]
        if not behind:
            return True
        batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_AT_ONCE_MAX)
        records = [record for batch in batches.values() for record in batch]
        if not records and not set(partitions) <= owned:
            return False
        await ledger.arrived(list(arrivals_of(records)))
        try:
            await consumer.commit()
        except (CommitFailedError, IllegalStateError) as lost:
            log.info("offsets not committed, partitions were given away", reason=str(lost))


async def _back_to_commit(consumer: Any) -> None:
    """What was read and not kept is read again."""
    for partition in consumer.assignment():
        committed = await consumer.committed(partition)
        if committed is None:
            await consumer.seek_to_beginning(partition)
        else:
            consumer.seek(partition, committed)


def arrivals_of(records: Iterable[Any]) -> Iterable[Arrival]:
    """The webhooks about bookings' states among the records; others, and Plumbline's own copies, are passed over."""
    for record in records:
        headers = dict(record.headers)
        if REPUBLISHED_HEADER in headers or "account" not in headers:
            continue
        try:
            webhook = _decoder.decode(record.value or b"")
        except ValueError:  # the worker makes a dead letter of it
            continue
        uid = webhook.payload.uid if webhook.payload is not None else None
        if webhook.triggerEvent not in STATE_TRIGGERS or not uid or len(uid) > UID_CHARACTERS_MAX:
            continue
        arrived_at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        yield Arrival(
            account=headers["account"].decode("utf-8", "replace"),
            uid=uid,
            trigger=webhook.triggerEvent,
            created_at=_with_zone(webhook.createdAt) or arrived_at,
            arrived_at=arrived_at,
        )


def _with_zone(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
