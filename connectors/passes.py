"""Passes in the store: where each stands, which are wanted, which tenants were shown completely; and their rhythm."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from prometheus_client import Counter, Gauge, Histogram

from connectors.pass_times import Kind, Pass, Timetable, due, may_go_on, span_at
from streams.model.ids import iso
from streams.model.source_records import PassComplete

log = structlog.get_logger()

Side = Literal["calcom", "database"]
#: How often the timetable and wishes are looked at.
LOOK_SECONDS = 2.0
#: A side that does not answer is asked again after this pause; the pass goes on where it stands.
AFTER_FAILURE_SECONDS = 5.0
#: A record counts from its arrival at the broker: this much earlier never claims too much.
SENDING_TIME = timedelta(seconds=2)

SECONDS = Histogram(
    "plumbline_pass_seconds", "From a pass's begin to its end.", ["side", "kind"],
    buckets=(1, 5, 15, 60, 300, 900, 3600, 10800, 21600),
)  # fmt: skip
PAGES = Counter("plumbline_pass_pages_total", "Pages that passes have read.", ["side", "kind"])
ROWS = Counter("plumbline_pass_rows_total", "Bookings and rows that passes have shown.", ["side", "kind"])
ENDED = Counter("plumbline_passes_total", "Passes by how they ended.", ["side", "kind", "outcome"])
COMPLETE = Gauge(
    "plumbline_last_complete_pass_seconds", "Instant of the newest complete pass.", ["side", "tenant", "kind"]
)

_LOAD = """
SELECT unit, kind, begun_at, starts_from, starts_to, position, pages, rows, flaw, ended_at
  FROM sweep_passes WHERE side = $1 AND unit = ANY($2)
"""
_BEGIN = """
INSERT INTO sweep_passes (side, unit, kind, begun_at, starts_from, starts_to) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (side, unit, kind) DO UPDATE
   SET begun_at = excluded.begun_at, starts_from = excluded.starts_from, starts_to = excluded.starts_to,
       position = NULL, pages = 0, rows = 0, flaw = NULL, ended_at = NULL
"""
_ADVANCE = """
UPDATE sweep_passes
   SET position = $4::jsonb, pages = pages + 1, rows = rows + $5, flaw = coalesce(flaw, $6)
 WHERE side = $1 AND unit = $2 AND kind = $3
"""
_END = """
UPDATE sweep_passes SET ended_at = now(), flaw = coalesce(flaw, $4) WHERE side = $1 AND unit = $2 AND kind = $3
"""
_COMPLETED = """
INSERT INTO sweep_coverage (side, tenant, kind, begun_at, completed_at, starts_from, starts_to)
VALUES ($1, $2, $3, $4, now(), $5, $6)
ON CONFLICT (side, tenant, kind) DO UPDATE
   SET begun_at = excluded.begun_at, completed_at = excluded.completed_at,
       starts_from = excluded.starts_from, starts_to = excluded.starts_to
"""

#: Puts one record on Kafka under its tenant; returns after the acknowledgement, raises KafkaError.
TellComplete = Callable[[PassComplete], Awaitable[None]]


class SweepInterrupted(Exception):
    """A side did not answer; the pass goes on where it stands once it does."""


class PassStore:
    """The passes of one side. `pool` is the store's; its errors are raised as they are."""

    def __init__(self, pool: Any, side: Side) -> None:
        self._pool = pool
        self.side: Side = side

    async def now(self) -> datetime:
        """The store's clock, by which all instants of passes are."""
        now: datetime = await self._pool.fetchval("SELECT clock_timestamp()")
        return now

    async def requested_at(self) -> datetime | None:
        """A window pass that begins after this instant is wanted; None if none ever was."""
        sql = "SELECT requested_at FROM sweep_requests WHERE side = $1"
        found: datetime | None = await self._pool.fetchval(sql, self.side)
        return found

    async def load(self, units: Iterable[str]) -> dict[str, dict[Kind, Pass]]:
        """The newest passes by unit and kind."""
        found: dict[str, dict[Kind, Pass]] = {unit: {} for unit in units}
        for row in await self._pool.fetch(_LOAD, self.side, list(found)):
            position = row["position"]
            one = Pass(**{**row, "position": None if position is None else str(position).encode()})
            found[one.unit][one.kind] = one
        return found

    async def begin(self, unit: str, kind: Kind, now: datetime, timetable: Timetable) -> Pass:
        """A new pass in the place of the one before."""
        starts_from, starts_to = span_at(kind, now, timetable)
        await self._pool.execute(_BEGIN, self.side, unit, kind, now, starts_from, starts_to)
        return Pass(unit=unit, kind=kind, begun_at=now, starts_from=starts_from, starts_to=starts_to)

    async def advance(self, one: Pass, position: bytes, rows: int, flaw: str | None) -> None:
        """A page was published; the next one begins at `position`. The first flaw is kept."""
        await self._pool.execute(_ADVANCE, self.side, one.unit, one.kind, position.decode(), rows, flaw)
        PAGES.labels(self.side, one.kind).inc()
        ROWS.labels(self.side, one.kind).inc(rows)

    async def end(self, one: Pass, flaw: str | None = None) -> None:
        """The last page was published, or the pass was given up for `flaw`."""
        await self._pool.execute(_END, self.side, one.unit, one.kind, flaw)
        outcome = "complete" if flaw is None and one.flaw is None else "incomplete"
        ENDED.labels(self.side, one.kind, outcome).inc()
        SECONDS.labels(self.side, one.kind).observe((await self.now() - one.begun_at).total_seconds())

    async def tell_complete(self, tell: TellComplete, tenant: str, shown_by: Pass) -> None:
        """Tell that everything of the tenant was shown by this pass; then remember it."""
        now = await self.now()
        await tell(
            PassComplete(
                side=self.side,
                tenant=tenant,
                starts_from=_text(shown_by.starts_from),
                starts_to=_text(shown_by.starts_to),
                duration_ms=round((now - shown_by.begun_at + SENDING_TIME) / timedelta(milliseconds=1)),
                at=_text(now),
                full=shown_by.kind == "full",
            )
        )
        span = (shown_by.starts_from, shown_by.starts_to)
        await self._pool.execute(_COMPLETED, self.side, tenant, shown_by.kind, shown_by.begun_at, *span)
        COMPLETE.labels(self.side, tenant, shown_by.kind).set(now.timestamp())


async def keep_sweeping(
    store: PassStore, unit: str, timetable: Timetable, sweep: Callable[[Pass], Awaitable[None]]
) -> None:
    """One unit's passes for ever, one at a time. `sweep` raises SweepInterrupted for a side that does not answer."""
    while True:
        one = await _next(store, unit, timetable)
        if one is None:
            await asyncio.sleep(LOOK_SECONDS)
            continue
        try:
            await sweep(one)
        except SweepInterrupted as away:
            log.warning("pass interrupted", side=store.side, unit=unit, kind=one.kind, reason=str(away))
            await asyncio.sleep(AFTER_FAILURE_SECONDS)


async def _next(store: PassStore, unit: str, timetable: Timetable) -> Pass | None:
    """The pass to make now: one that was interrupted, a new one, or none."""
    # In this order: a pass that begins now has begun after every request that is seen.
    requested_at = await store.requested_at()
    now = await store.now()
    passes: Mapping[Kind, Pass] = (await store.load([unit]))[unit]
    kind = due(passes, now, timetable, requested_at)
    if kind is None:
        return None
    found = passes.get(kind)
    if found is not None and may_go_on(found, now, requested_at):
        return found
    return await store.begin(unit, kind, now, timetable)


def _text(moment: datetime) -> str:
    return iso(round(moment.timestamp() * 1000)) or ""
