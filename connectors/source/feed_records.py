"""What comes out of Debezium, as it lies on Kafka: heartbeats, changes, and rows of a snapshot.

A snapshot row after the feed had been live is the sure sign of a loss. With `snapshot.mode = when_needed` Debezium 3.7
reads the tables anew whenever it cannot go on where it ended (each tried): slot dropped while it runs (new slot and
snapshot after 1.3 s), dropped while it is away, dropped and made by somebody else, stored offsets deleted. It goes on
by itself each time but one: a slot that Postgres invalidated must be dropped first (slot_replacement.py).
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.kafka_connection import connection_arguments
from streams.settings_sections import KafkaSettings

log = structlog.get_logger()

POLL_MS = 200
ANSWER_SECONDS_MAX = 3.0
CATCH_UP_SECONDS_MAX = 2.0
LOOK_AGAIN_SECONDS = 0.02
#: What lies further back is left out: a snapshot in it would go unnoticed, the sweeps remain.
BACKLOG_RECORDS_MAX = 500_000
#: Debezium makes the heartbeat topic with its first heartbeat.
TOPIC_AGAIN_SECONDS = 0.5
RECORDS_PER_POLL_MAX = 5_000

#: In each snapshot row; inside of a text the quotes would be escaped.
_SNAPSHOT_MARK = b'"op":"r"'


class _Source(msgspec.Struct):
    snapshot: str | None = None


class _Change(msgspec.Struct):
    op: str
    source: _Source


_change = msgspec.json.Decoder(_Change)


class FeedRecords:
    """Reads heartbeat and change topics; all `*_at` are seconds of `time.monotonic`, None for never.

    `readers` is the worker's group, whose offsets are looked at. `positions`: the next offset of each partition of the
    change topics by `topic:partition`.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        heartbeat_topic: str,
        change_topics: tuple[str, ...],
        readers: str,
        positions: dict[str, int],
    ) -> None:
        self.positions = dict(positions)
        self.beat_at: float | None = None
        self.change_at: float | None = None
        self.snapshot_at: float | None = None
        #: Since when the broker has answered without a break.
        self.answered_since: float | None = None
        self._heartbeat_topic = heartbeat_topic
        self._changes = [TopicPartition(topic, n) for topic in change_topics for n in range(kafka.partitions)]
        arguments = {**connection_arguments(kafka), "enable_auto_commit": False, "auto_offset_reset": "latest"}
        # It assigns itself and never commits, so it is no member of the group that it looks at.
        self._consumer = AIOKafkaConsumer(**arguments, group_id=readers)
        self._beats = AIOKafkaConsumer(heartbeat_topic, **arguments)
        self._reading: asyncio.Task[None] | None = None

    @property
    def heard_at(self) -> float | None:
        """When anything was heard last."""
        return max((at for at in (self.beat_at, self.change_at, self.snapshot_at) if at is not None), default=None)

    @property
    def ended(self) -> bool:
        """Whether the reading has failed; another reader must take over."""
        return self._reading is not None and self._reading.done()

    async def open(self) -> None:
        """Begin where the positions say, at the end where they say nothing. Raises KafkaError; `close` it then."""
        await self._consumer.start()
        self._consumer.assign(self._changes)
        await self._seek()
        self._reading = asyncio.create_task(self._read(), name="feed-records")

    async def _seek(self) -> None:
        ends = await self._consumer.end_offsets(self._changes)
        starts = await self._consumer.beginning_offsets(self._changes)
        backlog = sum(ends[place] - self.positions.get(_key(place), ends[place]) for place in self._changes)
        if backlog > BACKLOG_RECORDS_MAX:
            log.warning("changes not looked through for a lost slot", records=backlog, most=BACKLOG_RECORDS_MAX)
            self.positions.clear()
        for place in self._changes:
            # A topic that was made anew has less than what is remembered of it.
            at = min(max(self.positions.get(_key(place), ends[place]), starts[place]), ends[place])
            self.positions[_key(place)] = at
            self._consumer.seek(place, at)

    async def close(self) -> None:
        """End both consumers."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await asyncio.gather(self._consumer.stop(), self._beats.stop(), return_exceptions=True)

    async def catch_up(self) -> bool:
        """Whether all that lies on the change topics now was looked at. Raises KafkaError, TimeoutError.

        Silence counts only while the broker answers: this is how it is asked.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                ends = await self._consumer.end_offsets(self._changes)
        except BaseException:
            self.answered_since = None
            raise
        self.answered_since = self.answered_since or time.monotonic()
        due = time.monotonic() + CATCH_UP_SECONDS_MAX
        while not all(self.positions[_key(place)] >= end for place, end in ends.items()):
            if time.monotonic() > due:
                return False
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return True

    async def unread_topic(self) -> str | None:
        """A topic whose records the worker had not read when they became too old. Raises KafkaError, TimeoutError."""
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            starts = await self._consumer.beginning_offsets(self._changes)
            for place in self._changes:
                committed = await self._consumer.committed(place)
                if committed is not None and committed < starts[place]:
                    return str(place.topic)
        return None

    async def _read(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read_beats())
            group.create_task(self._read_changes())

    async def _read_beats(self) -> None:
        while self._heartbeat_topic not in await self._consumer.topics():  # noqa: ASYNC110 - nobody tells of topics
            await asyncio.sleep(TOPIC_AGAIN_SECONDS)
        await self._beats.start()
        while True:
            if await self._beats.getmany(timeout_ms=POLL_MS):
                self.beat_at = time.monotonic()

    async def _read_changes(self) -> None:
        while True:
            batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_PER_POLL_MAX)
            for place, records in batches.items():
                self._take(records)
                self.positions[_key(place)] = records[-1].offset + 1

    def _take(self, records: Iterable[Any]) -> None:
        now = time.monotonic()
        for record in records:
            if is_snapshot_row(record.value):
                self.snapshot_at = now
            else:
                self.change_at = now


def is_snapshot_row(value: bytes | None) -> bool:
    """Whether it is a row of a snapshot that Debezium made by itself, not of one that somebody asked for."""
    if value is None or _SNAPSHOT_MARK not in value:
        return False
    try:
        change = _change.decode(value)
    except msgspec.MsgspecError:
        return False  # the worker's dead letter
    return change.op == "r" and change.source.snapshot != "incremental"


def _key(place: TopicPartition) -> str:
    return f"{place.topic}:{place.partition}"
