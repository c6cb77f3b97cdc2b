"""How long a worker needs to have its state back: realistic entries in `plumbline.state`, made by the engine itself."""

import asyncio
import time
from datetime import datetime
from pathlib import Path

import msgspec

from api.bench.feed import Feed, feeding
from api.bench.life import agreeing
from api.bench.worker import POLL_SECONDS, WatchedWorker, worker
from streams.configured import decoder_from, judgement_from
from streams.engine import Partition
from streams.model.ids import Instant
from streams.model.observation import Origin
from streams.settings import Settings
from streams.topics import Topic

#: Of ten agreeing records become nine entries: four bookings, four appointments, one call.
RECORDS_PER_ENTRY = 10 / 9
BREATH_EVERY = 2_000


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """The loading of all partitions, from the begin of the first load to the end of the last."""

    entries: int
    state_mb: float
    seconds: float
    #: The partitions of each load, with its seconds.
    loads: tuple[tuple[list[int], float], ...]
    start_seconds: float
    resident_mb: float


class _Loaded(msgspec.Struct):
    """A line of the worker's log."""

    timestamp: datetime
    partitions: list[int]
    records: int
    seconds: float


async def recovery(settings: Settings, entries: int, folder: Path) -> Recovery:
    """Write the state, start a worker, and see it loaded. Raises ProcessEnded, TimeoutError."""
    size = await _write_state(settings, round(entries * RECORDS_PER_ENTRY))
    async with worker(settings.kafka, folder, "recovery") as watched:
        await watched.program.until(lambda: _has_all(watched, settings.kafka.partitions), every=POLL_SECONDS)
        lines = [_decoded(line) for line in watched.program.told().splitlines() if '"state loaded"' in line]
        began = min(line.timestamp.timestamp() - line.seconds for line in lines)
        ended = max(line.timestamp.timestamp() for line in lines)
        return Recovery(
            entries=sum(line.records for line in lines),
            state_mb=round(size / 2**20, 1),
            seconds=round(ended - began, 2),
            loads=tuple((line.partitions, line.seconds) for line in lines),
            start_seconds=round(began - watched.program.started_at, 2),
            resident_mb=round(watched.program.samples[-1].rss_bytes / 2**20),
        )


async def _has_all(watched: WatchedWorker, partitions: int) -> bool:
    await watched.look()
    return len(watched.state.rounds) == partitions


def _decoded(line: str) -> _Loaded:
    # Faust puts a terminal code before its first line.
    return msgspec.json.decode(line[line.index("{") :], type=_Loaded)


async def _write_state(settings: Settings, records: int) -> int:
    """What a worker would have written after `records` records, judged once; bytes of it."""
    now = round(time.time() * 1000)
    decode, judgement = decoder_from(settings), judgement_from(settings)
    engines = [Partition(judgement) for _ in range(settings.kafka.partitions)]
    async with feeding(settings.kafka) as feed:
        for number, sent in enumerate(agreeing(records, now)):
            key = sent.tenant.encode()
            partition = feed.partition_of(key)
            seen = decode(sent.topic, key, sent.value, sent.headers, now, Origin(partition, number))
            engines[partition].observe(seen)
            if number % BREATH_EVERY == 0:
                await asyncio.sleep(0)
        return sum([await _write(feed, number, engine, now) for number, engine in enumerate(engines)])


async def _write(feed: Feed, partition: int, engine: Partition, now: int) -> int:
    size, stands_at = 0, now + 1_000
    more = True
    while more:
        more = engine.tick(Instant(stands_at)).more
        await asyncio.sleep(0)
    for key, value in engine.take_writes():
        size += len(key) + len(value or b"")
        await feed.put(Topic.STATE, partition, key, value or b"")
    return size
