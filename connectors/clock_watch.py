"""Watches the clock: topic `plumbline.ticks`. Without ticks nothing is judged, and nothing falls due.

The broker is asked where each partition ends; an end that moves is a tick. So no clocks are compared: silence is the
time for which somebody looked and no end moved, and an outage of the broker, where nobody could look, adds nothing.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.clock_health import CLOCK_SECONDS_MAX
from streams.kafka_connection import connection_arguments
from streams.model.source_records import CLOCK
from streams.settings import Settings
from streams.sources.report import SourceReport
from streams.topics import Topic, topic_name

#: More than this between two looks is not silence but not looking.
LOOK_SECONDS_MAX = 3.0


class ClockPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When the clock is worth an alert."""

    #: No tick on any partition.
    silent_seconds: float = CLOCK_SECONDS_MAX
    #: No tick on some partitions: longer than workers take to share them out anew.
    partition_seconds: float = 45.0
    #: At the start of everything the worker may come up later than its watcher.
    start_seconds: float = 60.0


class TickSilence:
    """For how long each partition has been silent while somebody looked. Instants in seconds of one steady clock."""

    def __init__(self, policy: ClockPolicy) -> None:
        self._policy = policy
        self._ends: dict[int, int] = {}
        self._silent: dict[int, float] = {}
        self._looked_at: float | None = None
        self._ever_moved = False

    def look(self, ends: Mapping[int, int], now: float) -> bool:
        """The partitions end there now; whether a tick came since the last look."""
        passed = 0.0 if self._looked_at is None else min(now - self._looked_at, LOOK_SECONDS_MAX)
        moved = {number for number, end in ends.items() if end != self._ends.get(number, end)}
        for number in ends:
            self._silent[number] = 0.0 if number in moved else self._silent.get(number, 0.0) + passed
        self._ends, self._looked_at = dict(ends), now
        self._ever_moved = self._ever_moved or bool(moved)
        return bool(moved)

    def why_stalled(self) -> str | None:
        """What is wrong with the clock, for people; None if nothing is."""
        least = min(self._silent.values(), default=0.0)
        if least >= (self._policy.silent_seconds if self._ever_moved else self._policy.start_seconds):
            return f"no tick for {least:.0f} s: no worker judges"
        silent = sum(seconds >= self._policy.partition_seconds for seconds in self._silent.values())
        if silent and self._ever_moved:
            return f"no tick on {silent} of {len(self._silent)} partitions: what lies there is not judged"
        return None

    @property
    def is_known(self) -> bool:
        """Whether there was anything to see yet."""
        return self._ever_moved or self.why_stalled() is not None


class ClockWatcher:
    """The source `clock`. Its consumer is opened at the first look."""

    def __init__(self, settings: Settings, policy: ClockPolicy) -> None:
        topic = topic_name(Topic.TICKS, settings.kafka.topic_prefix)
        self._connection = connection_arguments(settings.kafka)
        self._partitions = [TopicPartition(topic, number) for number in range(settings.kafka.partitions)]
        self._silence = TickSilence(policy)
        self._heard_through: int | None = None
        self._consumer: Any = None

    @property
    def sources(self) -> Sequence[str]:
        """The clock alone."""
        return (CLOCK,)

    async def report(self) -> Sequence[SourceReport]:
        """How the clock fares; nothing while it was not seen yet. Raises KafkaError."""
        ends = await (await self._opened()).end_offsets(self._partitions)
        if self._silence.look({one.partition: end for one, end in ends.items()}, time.monotonic()):
            self._heard_through = int(time.time() * 1000)
        if not self._silence.is_known:
            return ()
        why = self._silence.why_stalled()
        return (
            SourceReport(
                source=CLOCK,
                word="live" if why is None else "stalled",
                why=why or "it ticks",
                heard_through=self._heard_through,
            ),
        )

    async def close(self) -> None:
        """Close the connection to the broker."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _opened(self) -> Any:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(**self._connection, enable_auto_commit=False)
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer
