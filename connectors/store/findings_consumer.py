"""plumbline.findings and plumbline.verdicts into the store; group `plumbline-store`.

Order of one step: decode the batch, one transaction, dead letters acknowledged, offsets committed. Whatever
dies between leaves the batch to be read again, and what was written already changes nothing the second time.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from connectors.dead_letters import DeadLetters
from connectors.store.alerts import AlertStore
from connectors.store.database import Database, until_available
from connectors.store.decoding import decode_finding, decode_verdict
from connectors.store.verdicts import write_verdicts
from streams.kafka_connection import connection_arguments
from streams.model.records import Finding, FindingRecord, Restatement, Verdict
from streams.settings import Settings
from streams.topics import Topic, topic_name

logger = logging.getLogger(__name__)

GROUP = "plumbline-store"
RECORDS_PER_BATCH_MAX = 500
POLL_MS = 1_000
RESTART_SECONDS = 1.0
#: A record must be readable in the API well within 200 ms; the broker answers at once when there is one.
FETCH_WAIT_MS = 50
#: A store that is away for longer costs a rebalance, nothing more.
POLL_INTERVAL_MS_MAX = 15 * 60_000

_Decoded = tuple[Any, FindingRecord | Verdict]


class FindingsConsumer:
    """One member of the group, for as long as `run` runs."""

    def __init__(self, settings: Settings, database: Database, store: AlertStore) -> None:
        self._connection = connection_arguments(settings.kafka)
        self._prefix = settings.kafka.topic_prefix
        self._findings = topic_name(Topic.FINDINGS, self._prefix)
        self._verdicts = topic_name(Topic.VERDICTS, self._prefix)
        self._database = database
        self._store = store

    async def run(self) -> None:
        """Until cancelled; store and broker may come and go."""
        while True:
            try:
                await self._consume()
            except KafkaError as lost:
                logger.warning("the findings are read again from the last commit: %s", lost)
            await asyncio.sleep(RESTART_SECONDS)

    async def _consume(self) -> None:
        consumer = AIOKafkaConsumer(
            self._findings,
            self._verdicts,
            **self._connection,
            group_id=f"{self._prefix}{GROUP}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_poll_interval_ms=POLL_INTERVAL_MS_MAX,
        )
        producer = AIOKafkaProducer(**self._connection, acks="all", enable_idempotence=True)
        try:
            await consumer.start()
            await producer.start()
            letters = DeadLetters(producer, self._prefix)
            while True:
                batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_PER_BATCH_MAX)
                records = [record for batch in batches.values() for record in batch]
                if records:
                    await self.take(records, letters)
                    await _commit(consumer)
        finally:
            await consumer.stop()
            await producer.stop()

    async def take(self, records: Sequence[Any], letters: DeadLetters) -> None:
        """Store a batch, waiting for a store that is away; what cannot be used becomes a dead letter."""
        decoded: list[_Decoded] = []
        for record in records:
            try:
                decoded.append((record, self._decode(record)))
            except ValueError as error:
                await letters.send(record, reason="undecodable", error=str(error))
        await self._keep(decoded, letters)

    def _decode(self, record: Any) -> FindingRecord | Verdict:
        if record.value is None:
            raise ValueError("the record is empty")
        return decode_verdict(record.value) if record.topic == self._verdicts else decode_finding(record.value)

    async def _keep(self, decoded: Sequence[_Decoded], letters: DeadLetters) -> None:
        """All in one transaction; a batch that the store refuses is halved until the one record is found."""
        if not decoded:
            return
        try:
            await until_available(lambda: self._write(decoded))
        except (asyncpg.PostgresError, ValueError) as refused:
            if len(decoded) == 1:
                await letters.send(decoded[0][0], reason="refused_by_store", error=str(refused))
                return
            half = len(decoded) // 2
            await self._keep(decoded[:half], letters)
            await self._keep(decoded[half:], letters)

    async def _write(self, decoded: Sequence[_Decoded]) -> None:
        findings = [value for _, value in decoded if isinstance(value, Finding | Restatement)]
        verdicts = [value for _, value in decoded if isinstance(value, Verdict)]
        if findings:
            await self._store.apply(findings)
        if verdicts:
            async with self._database.transaction() as connection:
                await write_verdicts(connection, verdicts)


async def _commit(consumer: Any) -> None:
    try:
        await consumer.commit()
    except (CommitFailedError, IllegalStateError) as lost:
        # The partitions went to another member; it reads the batch again, to no effect.
        logger.info("offsets not committed, partitions were given away: %s", lost)
    except KafkaError as error:
        if not error.retriable:
            raise
        logger.warning("offsets not committed, the next batch will: %s", error)
