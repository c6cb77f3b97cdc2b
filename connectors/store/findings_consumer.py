"""plumbline.findings and plumbline.verdicts into the store; group `plumbline-store`.

Order of one step: decode the batch, one transaction, dead letters acknowledged, offsets committed. Whatever
dies between leaves the batch to be read again, and what was written already changes nothing the second time.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import asyncpg
from aiokafka.errors import KafkaError

from connectors.dead_letters import DeadLetters
from connectors.kafka_batches import Membership, read_batches
from connectors.store.alerts import AlertStore
from connectors.store.database import Database, until_available
from connectors.store.decoding import decode_finding, decode_verdict
from connectors.store.standings import write_standings
from connectors.store.verdicts import write_verdicts
from streams.model.records import Finding, FindingRecord, Restatement, Verdict
from streams.model.source_records import TenantStanding
from streams.settings import Settings
from streams.topics import Topic, topic_name

logger = logging.getLogger(__name__)

GROUP = "plumbline-store"
RESTART_SECONDS = 1.0
MEMBERSHIP = Membership(
    group=GROUP,
    topics=(Topic.FINDINGS, Topic.VERDICTS),
    records_per_batch_max=500,
    # A record must be readable in the API well within 200 ms.
    fetch_wait_ms=50,
)

_Decoded = tuple[Any, FindingRecord | Verdict | TenantStanding]


class FindingsConsumer:
    """One member of the group, for as long as `run` runs."""

    def __init__(self, settings: Settings, database: Database, store: AlertStore) -> None:
        self._settings = settings
        self._verdicts = topic_name(Topic.VERDICTS, settings.kafka.topic_prefix)
        self._database = database
        self._store = store

    async def run(self) -> None:
        """Until cancelled; store and broker may come and go."""
        while True:
            try:
                await read_batches(self._settings, MEMBERSHIP, self.take)
            except KafkaError as lost:
                logger.warning("the findings are read again from the last commit: %s", lost)
            await asyncio.sleep(RESTART_SECONDS)

    async def take(self, records: Sequence[Any], letters: DeadLetters) -> None:
        """Store a batch, waiting for a store that is away; what cannot be used becomes a dead letter."""
        decoded: list[_Decoded] = []
        for record in records:
            try:
                decoded.append((record, self._decode(record)))
            except ValueError as error:
                await letters.send(record, reason="undecodable", error=str(error))
        await self._keep(decoded, letters)

    def _decode(self, record: Any) -> FindingRecord | Verdict | TenantStanding:
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
        standings = [value for _, value in decoded if isinstance(value, TenantStanding)]
        if verdicts or standings:
            async with self._database.transaction() as connection:
                await write_verdicts(connection, verdicts)
                await write_standings(connection, standings)
