"""The partitions that a worker owns: state loaded on the first record, judged at ticks, dropped on revoke.

Order of one step (design §1.6): the case's state written and acknowledged, the finding sent and acknowledged, then the
mark "to announce" goes; offsets are committed only after everything handed out before was acknowledged.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec
import structlog

from streams.barrier import Barrier
from streams.configured import Decode
from streams.decode import DecodeError
from streams.engine import Effects, Partition
from streams.model.ids import Instant
from streams.model.observation import Origin
from streams.model.records import FindingRecord, Tick
from streams.outbound import Outbound, State
from streams.positions import Positions
from streams.settings import Settings
from streams.state_log import load_states
from streams.topics import INPUTS, Topic, topic_name

log = structlog.get_logger()

#: How often a record is tried before it becomes a dead letter.
ATTEMPTS_MAX = 2

_ticks = msgspec.json.Decoder(Tick)


class Incoming(NamedTuple):
    """One record as it came. `timestamp` is the broker's, ms."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class OwnedPartition:
    """One partition's engine with its barrier. `first_tick`: offset of the first tick that is not of the past."""

    def __init__(self, engine: Partition, barrier: Barrier, first_tick: int) -> None:
        self.engine = engine
        self.barrier = barrier
        self.first_tick = first_tick
        self.passed_at = time.monotonic()


class Ownership:
    """Takes records of the partitions that are ours, one at a time and in order."""

    def __init__(
        self,
        settings: Settings,
        *,
        engine: Callable[[], Partition],
        decode: Decode,
        outbound: Outbound,
        positions: Positions,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._decode = decode
        self._outbound = outbound
        self._positions = positions
        self._topics = {topic_name(topic, settings.kafka.topic_prefix): topic for topic in INPUTS}
        self._ours: frozenset[int] = frozenset()
        self.partitions: dict[int, OwnedPartition] = {}
        self._announcing: dict[int, asyncio.Task[None]] = {}
        self.counts: Counter[str] = Counter()
        self.recovery_seconds = 0.0

    # Assignment ---------------------------------------------------------------------------------------------

    def assign(self, partitions: Iterable[int]) -> None:
        """These are ours from now on; state is loaded when their first record comes."""
        self._ours = frozenset(partitions)

    @property
    def ours(self) -> frozenset[int]:
        return self._ours

    async def release(self) -> None:
        """Write what is not written, then forget everything: somebody else may own it next."""
        self._ours = frozenset()
        held, self.partitions = self.partitions, {}
        announcing, self._announcing = self._announcing, {}
        await asyncio.gather(*announcing.values())
        for number, owned in held.items():
            await self._outbound.state(number, owned.engine.take_writes())

    async def _load(self) -> None:
        """State and positions of all that is ours and not loaded yet, in one go."""
        began, ours = time.monotonic(), self._ours
        engines = {number: self._engine() for number in ours - self.partitions.keys()}
        _, seeds, ends, tick_ends = await asyncio.gather(
            load_states(self._settings, engines),
            self._positions.seeds(engines),
            self._positions.ends(engines),
            self._positions.tick_ends(engines),
        )
        if ours is not self._ours:
            return  # assigned anew meanwhile: somebody else may have written
        self.recovery_seconds = time.monotonic() - began
        for number, engine in engines.items():
            barrier = Barrier(seeds[number], ends[number])
            self.partitions[number] = OwnedPartition(engine, barrier, tick_ends[number])

    # Records ------------------------------------------------------------------------------------------------

    async def take(self, record: Incoming) -> None:
        """Work one record through. Raises only what must end the process uncommitted."""
        while (owned := self.partitions.get(record.partition)) is None:
            if record.partition not in self._ours:
                return  # not ours any more: its offset cannot be committed either
            await self._load()
        topic = self._topics[record.topic]
        if topic is Topic.TICKS:
            await self._hold(owned, record)
        else:
            self.counts[topic] += 1
            await self._observe(owned, topic, record)
            owned.barrier.processed(record.topic, record.offset)
        if owned.barrier.waiting and (now := owned.barrier.release()) is not None:
            await self._tick(record.partition, owned, now)

    async def _observe(self, owned: OwnedPartition, topic: Topic, record: Incoming) -> None:
        origin = Origin(record.partition, record.offset)
        for attempt in range(ATTEMPTS_MAX):
            try:
                seen = self._decode(topic, record.key, record.value, record.headers, record.timestamp, origin)
                owned.engine.observe(seen)
            except DecodeError as error:
                await self._bury(record, error.reason, error.detail)
                return
            except Exception as error:
                log.exception("a record could not be merged", topic=topic, offset=record.offset, attempt=attempt)
                if attempt + 1 == ATTEMPTS_MAX:
                    await self._bury(record, "not_merged", repr(error))
            else:
                return

    async def _bury(self, record: Incoming, reason: str, error: str) -> None:
        """The bytes as they came go to the dead letters, with where they lay and why."""
        self.counts["dead_letters"] += 1
        headers = [
            ("topic", record.topic.encode()),
            ("partition", str(record.partition).encode()),
            ("offset", str(record.offset).encode()),
            ("reason", reason.encode()),
            ("error", error[:1000].encode("utf-8", "replace")),
        ]
        log.warning("dead letter", topic=record.topic, partition=record.partition, offset=record.offset, reason=reason)
        await self._outbound.dead_letter(record.partition, record.key, record.value, headers)

    async def _hold(self, owned: OwnedPartition, record: Incoming) -> None:
        try:
            tick = _ticks.decode(record.value or b"")
        except msgspec.MsgspecError as error:
            await self._bury(record, "wrong_shape", str(error))
        else:
            # One read again after a new start is passed over: what fell due then is judged by the time that it is now.
            if record.offset >= owned.first_tick:
                owned.barrier.hold(tick.ends, record.timestamp)

    # Ticks --------------------------------------------------------------------------------------------------

    async def _tick(self, number: int, owned: OwnedPartition, now: int) -> None:
        owned.passed_at = time.monotonic()
        more = True
        while more:
            await self._announced(number)
            effects = owned.engine.tick(Instant(now))
            for failure in effects.failures:
                self.counts["not_judged"] += 1
                log.error("a cause could not be judged", partition=number, error=failure)
            for note in effects.notes:
                log.info(note, partition=number)
            await self._carry_out(number, owned.engine, effects)
            more = effects.more
            if more:
                await asyncio.sleep(0)  # the consumer's heartbeat and the commits must go on

    async def _carry_out(self, number: int, engine: Partition, effects: Effects) -> None:
        for question in effects.questions:
            await self._outbound.soon(Topic.VERIFICATIONS, question.tenant, question)
        for verdict in effects.verdicts:
            await self._outbound.soon(Topic.VERDICTS, verdict.tenant, verdict)
        if effects.findings:
            writes = engine.take_writes()
            self._announcing[number] = asyncio.create_task(self._announce(number, engine, writes, effects.findings))
        self.counts["questions"] += len(effects.questions)
        self.counts["findings"] += len(effects.findings)

    async def _announce(self, number: int, engine: Partition, writes: State, findings: Sequence[FindingRecord]) -> None:
        """Beside the stream: from a broker that is far away, all partitions would wait for each one's answers."""
        await self._outbound.state(number, writes)
        await self._outbound.findings(findings)
        engine.announced(findings)

    async def _announced(self, number: int) -> None:
        """What this partition told last is acknowledged. Raises what must end the process uncommitted."""
        if (announcing := self._announcing.get(number)) is not None:
            await announcing  # named until it is done: a commit meanwhile must wait for it too
            if self._announcing.get(number) is announcing:
                del self._announcing[number]

    async def flush(self) -> None:
        """Write and have acknowledged all that changed and all that is being told: what must precede a commit."""
        # Shielded: a commit that is cancelled does not take back what is being told.
        announcing = [asyncio.shield(task) for task in self._announcing.values()]
        writes = [(number, owned.engine.take_writes()) for number, owned in self.partitions.items()]
        await asyncio.gather(*announcing, *(self._outbound.state(number, records) for number, records in writes))
