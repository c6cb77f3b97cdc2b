"""Watches the database's feed: what comes out of Debezium, the slot that it reads from, and Connect's word."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import structlog
from prometheus_client import Gauge

from connectors.source.connector_look import ConnectorLook
from connectors.source.errors import SourceError
from connectors.source.feed_mending import FeedMending
from connectors.source.feed_records import FeedRecords
from connectors.source.feed_state import (
    FeedMemory,
    FeedPolicy,
    Signs,
    losses_of,
    remembered,
    silence_of,
    slot_word,
    told_bytes,
)
from connectors.source.log_lag import LogLag
from connectors.source.slot import Query, SlotLook, look
from streams.model.source_records import DATABASE, SourceWord
from streams.sources.report import SourceReport

log = structlog.get_logger()

#: How often positions are kept while nothing happens.
KEEP_EVERY_SECONDS = 5.0
UNREAD_EVERY_SECONDS = 10.0

LAG = Gauge("plumbline_source_lag_seconds", "How far a source is behind.", ["source"])
ACTIVE = Gauge("plumbline_slot_active", "Whether somebody reads from the replication slot.")
RETAINED = Gauge("plumbline_slot_retained_wal_bytes", "Log that the replication slot holds back.")


class Memory(Protocol):
    """Where the watcher's memory is kept."""

    async def recall(self) -> bytes | None: ...

    async def remember(self, memory: msgspec.Struct) -> None: ...


class FeedWatcher:
    """The watcher of source `database`. `open_records` makes a reader that begins at the given positions."""

    sources = (DATABASE,)

    def __init__(
        self,
        *,
        open_records: Callable[[dict[str, int]], FeedRecords],
        query: Query,
        connector: ConnectorLook,
        slot: str,
        memory: Memory,
        mending: FeedMending,
        policy: FeedPolicy | None = None,
        wall_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        self._open_records = open_records
        self._query = query
        self._connector = connector
        self._slot = slot
        self._store = memory
        self._mending = mending
        self._policy = policy or FeedPolicy()
        self._wall_ms = wall_ms
        self._records: FeedRecords | None = None
        self._memory = FeedMemory()
        self._kept_at = self._unread_at = 0.0
        self._opened_at = time.monotonic()
        self._snapshot_seen: float | None = None
        self._loss_at: float | None = None
        self._unread: str | None = None
        self._lag = LogLag()
        self._heard_through: int | None = None
        #: When the slot last got on, and how far it was.
        self._advanced: tuple[float, int] = (self._opened_at, -1)

    async def report(self) -> Sequence[SourceReport]:
        """One report; none while nothing was heard since we began to listen. Raises SourceError and KafkaError."""
        records = await self._opened()
        beat_at = records.beat_at
        seen = await self._look()
        caught_up = await records.catch_up()
        await self._look_for_unread(records)
        # In this order: whatever lies before these positions is in these signs.
        positions, snapshot_at = dict(records.positions), records.snapshot_at
        signs = self._signs(records, seen, settled=caught_up and _is_over(records, beat_at))
        if any(losses_of(self._memory, signs)):
            self._loss_at = time.monotonic()
            self._lag.forget()
        await self._keep(remembered(self._memory, signs, self._wall_ms()), positions)
        self._snapshot_seen = snapshot_at  # once it is kept: a sign is not lost to a store that is away
        slot = seen.slot if seen is not None else None
        live_again = signs.settled and slot is not None and slot.active and _after(beat_at, self._loss_at)
        memory, ended = await self._mending.step(self._memory, slot, live_again=live_again)
        await self._keep(memory, positions)
        return self._told(signs, self._connector.word(), ended)

    async def close(self) -> None:
        """End the reading and what was being mended."""
        await self._mending.close()
        await self._connector.close()
        await self._forget_records()

    async def _forget_records(self) -> None:
        records, self._records = self._records, None
        if records is not None:
            await records.close()

    async def _opened(self) -> FeedRecords:
        if self._records is not None and self._records.ended:
            await self._forget_records()
        if self._records is None:
            if (document := await self._store.recall()) is not None:
                self._memory = msgspec.json.decode(document, type=FeedMemory)
            records = self._open_records(self._memory.positions)
            try:
                await records.open()
            except BaseException:
                await records.close()
                raise
            self._records, self._opened_at, self._snapshot_seen = records, time.monotonic(), None
        return self._records

    async def _look(self) -> SlotLook | None:
        try:
            return await look(self._query, self._slot)
        except SourceError:
            return None

    async def _look_for_unread(self, records: FeedRecords) -> None:
        if time.monotonic() - self._unread_at >= UNREAD_EVERY_SECONDS:
            self._unread = await records.unread_topic()
            self._unread_at = time.monotonic()

    def _signs(self, records: FeedRecords, seen: SlotLook | None, *, settled: bool) -> Signs:
        now = time.monotonic()
        since = [at for at in (records.heard_at, records.answered_since, self._opened_at) if at is not None]
        return Signs(
            look=seen,
            silent_seconds=now - max(since),
            heard=records.heard_at is not None,
            in_snapshot=records.snapshot_at is not None and not _is_over(records, records.beat_at),
            new_snapshot_rows=records.snapshot_at != self._snapshot_seen,
            settled=settled,
            unread=self._unread,
            held_seconds=self._held_seconds(seen, now),
        )

    def _held_seconds(self, seen: SlotLook | None, now: float) -> float:
        if seen is None or seen.slot is None or seen.slot.confirmed != self._advanced[1]:
            self._advanced = (now, seen.slot.confirmed if seen is not None and seen.slot is not None else -1)
        return now - self._advanced[0]

    async def _keep(self, memory: FeedMemory, positions: dict[str, int]) -> None:
        """A change of what matters at once, positions every few seconds. What fails is tried with the next report."""
        before, now = self._memory, time.monotonic()
        if (memory.lived, memory.gap) != (before.lived, before.gap) or now - self._kept_at >= KEEP_EVERY_SECONDS:
            memory = msgspec.structs.replace(memory, positions=positions)
            await self._store.remember(memory)
            self._kept_at = now
        self._memory = memory

    def _told(self, signs: Signs, connector: str, ended: str | None) -> list[SourceReport]:
        silence = silence_of(signs, self._policy)
        word, why = self._word(signs, silence, ended)
        if word is None:
            return []
        slot = signs.look.slot if signs.look is not None else None
        if word == "live" and slot is not None:
            self._lag.note(self._wall_ms(), slot.written)
            self._heard_through = self._lag.through(slot.confirmed) or self._heard_through
        ACTIVE.set(slot is not None and slot.active)
        details = {"connector": connector, "slot": slot_word(signs.look)}
        if slot is not None:
            RETAINED.set(slot.retained_bytes)
            details["log_held_back"] = told_bytes(slot.retained_bytes)
        if self._heard_through is not None:
            LAG.labels(DATABASE).set((self._wall_ms() - self._heard_through) / 1000)
        return [SourceReport(source=DATABASE, word=word, why=why, heard_through=self._heard_through, details=details)]

    def _word(self, signs: Signs, silence: str | None, ended: str | None) -> tuple[SourceWord | None, str]:
        if (gap := self._memory.gap) is not None:
            doing = "the back-fill is running" if self._mending.is_filling else silence or "waiting for the feed"
            causes = [self._mending.gave_up] if self._mending.gave_up is not None else []
            return "gap", "; ".join([*causes, *gap.signs, doing])
        if silence is not None:
            return "stalled", silence
        if signs.in_snapshot:
            return "snapshotting", "Debezium reads the tables from the start"
        return ("live", ended or "heartbeats come") if signs.heard else (None, "")


def _is_over(records: FeedRecords, beat_at: float | None) -> bool:
    """Whether a heartbeat came after the last row of a snapshot: none comes while one runs."""
    return beat_at is not None and (records.snapshot_at is None or records.snapshot_at < beat_at)


def _after(beat_at: float | None, loss_at: float | None) -> bool:
    return beat_at is not None and (loss_at is None or beat_at > loss_at)
