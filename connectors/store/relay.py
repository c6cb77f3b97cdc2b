"""The outbox to plumbline.alerts: one leader numbers and sends; key alert id, value the whole alert.

The leader is whoever holds the session lock, and does all its statements on that very session: with the
session goes the lock, and with the lock the power to write. A new leader sends again what was sent in the
last ten minutes, because its predecessor may have died between; readers drop a lower `version`.
"""

import asyncio
import contextlib
import logging
import time
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from connectors.leadership import lead
from connectors.store.database import Connection
from connectors.store.rows import OUTBOX_CHANNEL
from connectors.store.tail import NUMBERED_CHANNEL
from streams.kafka_connection import connection_arguments
from streams.settings import Settings
from streams.topics import Topic, topic_name

logger = logging.getLogger(__name__)

JOB = "outbox relay"
BATCH_MAX = 500
#: NOTIFY wakes the leader at once; this is for a notification that was lost.
POLL_SECONDS = 1.0
UPKEEP_SECONDS = 600.0
RESEND = "10 minutes"
OUTBOX_KEPT = "7 days"
RESOLVED_KEPT = "90 days"

# The live stream's tails hear of the numbers when these are committed.
_NUMBER = """
WITH given AS (
    UPDATE outbox SET sequence = numbered.sequence
    FROM (
        SELECT id, nextval('outbox_sequence') AS sequence
        FROM (SELECT id FROM outbox WHERE sequence IS NULL ORDER BY id LIMIT $1) AS next
    ) AS numbered
    WHERE outbox.id = numbered.id
    RETURNING outbox.sequence
)
SELECT pg_notify($2, '') FROM given LIMIT 1
"""
_TO_SEND = """
SELECT sequence, alert_id, action, alert FROM outbox
WHERE sequence IS NOT NULL AND published_at IS NULL ORDER BY sequence LIMIT $1
"""
_SENT = "UPDATE outbox SET published_at = now() WHERE sequence = ANY($1::bigint[])"
_SEND_AGAIN = f"UPDATE outbox SET published_at = NULL WHERE published_at > now() - interval '{RESEND}'"
# Who resumes the live stream below what is gone must hear of it.
_PRUNE = f"""
WITH gone AS (
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE published_at < now() - interval '{OUTBOX_KEPT}' ORDER BY sequence LIMIT 10000)
    RETURNING sequence
)
UPDATE outbox_pruned SET through = GREATEST(through, (SELECT max(sequence) FROM gone))
"""
_TO_TOMBSTONE = f"""
SELECT id FROM data_consistency_alerts
WHERE status = 'resolved' AND tombstoned_at IS NULL AND resolved_at < now() - interval '{RESOLVED_KEPT}'
LIMIT 1000
"""
_TOMBSTONED = "UPDATE data_consistency_alerts SET tombstoned_at = now() WHERE id = ANY($1::uuid[])"


class Relay:
    """A candidate for the leadership, and the leader once elected."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        self._connection_arguments = connection_arguments(settings.kafka)
        self._topic = topic_name(Topic.ALERTS, settings.kafka.topic_prefix)
        self._dsn = dsn
        self.leading = False

    async def run(self) -> None:
        """Until cancelled. Raises what a lost store or broker raises; to be started again (`supervised`)."""
        try:
            await lead(self._dsn, JOB, self._lead)
        finally:
            self.leading = False

    async def _lead(self, connection: Connection) -> None:
        wake = asyncio.Event()
        await connection.add_listener(OUTBOX_CHANNEL, lambda *_: wake.set())
        producer = AIOKafkaProducer(**self._connection_arguments, acks="all", enable_idempotence=True)
        try:
            await producer.start()
            await connection.execute(_SEND_AGAIN)
            self.leading = True
            upkeep_due = time.monotonic()
            while True:
                wake.clear()
                sent = await self._relay(connection, producer)
                if time.monotonic() >= upkeep_due:
                    await self._upkeep(connection, producer)
                    upkeep_due = time.monotonic() + UPKEEP_SECONDS
                if not sent:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(POLL_SECONDS):
                            await wake.wait()
        finally:
            await producer.stop()

    async def _relay(self, connection: Connection, producer: Any) -> int:
        """Number and send one batch in order of sequence; how many."""
        await connection.execute(_NUMBER, BATCH_MAX, NUMBERED_CHANNEL)
        entries = await connection.fetch(_TO_SEND, BATCH_MAX)
        sending = [await self._send(producer, entry) for entry in entries]
        await asyncio.gather(*(future for future in sending if future is not None))
        if entries:
            await connection.execute(_SENT, [entry["sequence"] for entry in entries])
        return len(entries)

    async def _send(self, producer: Any, entry: Any) -> asyncio.Future[Any] | None:
        headers = [("sequence", str(entry["sequence"]).encode()), ("action", entry["action"].encode())]
        key, value = str(entry["alert_id"]).encode(), entry["alert"].encode()
        try:
            future: asyncio.Future[Any] = await producer.send(self._topic, value=value, key=key, headers=headers)
        except MessageSizeTooLargeError:
            # It stays in the store and the API; waiting for it would stop every other alert.
            logger.exception("alert %s is too large for %s", entry["alert_id"], self._topic)
            return None
        return future

    async def _upkeep(self, connection: Connection, producer: Any) -> None:
        """Old entries go; alerts long resolved leave the compacted topic by a tombstone."""
        await connection.execute(_PRUNE)
        old = [row["id"] for row in await connection.fetch(_TO_TOMBSTONE)]
        for alert_id in old:
            await producer.send_and_wait(self._topic, value=None, key=str(alert_id).encode())
        if old:
            await connection.execute(_TOMBSTONED, old)
