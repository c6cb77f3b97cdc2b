"""Passes over the database: every row of every tenant, and word of it tenant by tenant.

The customer's database is in use: one statement at a time, each of two seconds at most, and between two of them a pause
as long as the one before took. What a complete pass did not show is then asked for by its key (by the worker).
"""

import asyncio
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
import structlog

from connectors.crm.answers import Publish
from connectors.crm.database import Kind, NotAnswered, TooSlow
from connectors.crm.listing import CrmLists, ListPage, Mark
from connectors.crm.row_telling import RowTeller
from connectors.pass_times import Pass, Timetable
from connectors.passes import PassStore, SweepInterrupted, TellComplete, keep_sweeping
from streams.model.ids import NO_TENANT

log = structlog.get_logger()

#: The one unit of this side.
UNIT = "database"
PAGE_ROWS_MAX, PAGE_ROWS_MIN = 500, 10
#: Between two pages the database is left alone at least so long, at most so long.
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.02, 2.0

_COVERED = "SELECT DISTINCT tenant FROM sweep_coverage WHERE side = 'database'"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the next page begins: in which tenant, begun when, in which of the tables, behind which key."""

    tenant: str
    begun_at: datetime
    table: int = 0
    after: str | None = None


class CrmSweep:
    """The passes over the database. `configured` are tenants that need no row to be swept."""

    def __init__(
        self,
        *,
        lists: CrmLists,
        store: PassStore,
        pool: Any,
        publish: Publish,
        tell_complete: TellComplete,
        timetable: Timetable,
        configured: Iterable[str],
        page_rows_max: int = PAGE_ROWS_MAX,
    ) -> None:
        self._lists = lists
        self._store = store
        self._pool = pool
        self._teller = RowTeller(publish, "sweep")
        self._tell_complete = tell_complete
        self._timetable = timetable
        self._configured = frozenset(configured)
        self._page_rows = self._page_rows_max = page_rows_max

    async def run(self) -> None:
        """Sweep for ever. Raises KafkaError, NotAnswerable (a table is wrong), and what the store raises."""
        await keep_sweeping(self._store, UNIT, self._timetable, self.sweep)

    async def sweep(self, one: Pass) -> None:
        """Make the pass from where it stands. Raises SweepInterrupted when the database does not answer."""
        # Halved pages stay so for the whole pass: trying for more would cost a timeout every few pages.
        self._page_rows = self._page_rows_max
        place = msgspec.json.decode(one.position, type=Place) if one.position else None
        try:
            kinds = await self._lists.kinds()
            for tenant in await self._tenants(kinds):
                if place is not None and tenant < place.tenant:
                    continue
                if place is None or tenant != place.tenant:
                    place = Place(tenant=tenant, begun_at=await self._store.now())
                await self._sweep_tenant(one, place, kinds)
        except NotAnswered as away:
            raise SweepInterrupted(str(away)) from away
        await self._store.end(one)

    async def _sweep_tenant(self, one: Pass, place: Place, kinds: list[Kind]) -> None:
        while place.table < len(kinds):
            kind, began = kinds[place.table], time.monotonic()
            page = await self._page(one, place, kind)
            took = time.monotonic() - began
            rows = page.rows if page is not None else ()
            if page is not None:
                await self._teller.tell(place.tenant, kind, rows, page.snapshot, began)
            last = page.last if page is not None else None
            table = place.table if last is not None else place.table + 1
            place = msgspec.structs.replace(place, table=table, after=last.id if last is not None else None)
            await self._store.advance(one, msgspec.json.encode(place), len(rows), None)
            await asyncio.sleep(min(PAUSE_SECONDS_MAX, max(PAUSE_SECONDS_MIN, took)))
        shown_by = msgspec.structs.replace(one, begun_at=place.begun_at)
        await self._store.tell_complete(self._tell_complete, place.tenant, shown_by)

    async def _page(self, one: Pass, place: Place, kind: Kind) -> ListPage | None:
        """The page at this place, halved as often as the database is too slow for it."""
        after = Mark(id=place.after) if place.after is not None else None
        span = (one.starts_from, one.starts_to)
        while True:
            try:
                page = await self._lists.of_tenant(kind, place.tenant, after, span, self._page_rows)
            except TooSlow:
                if self._page_rows <= PAGE_ROWS_MIN:
                    raise
                self._page_rows = max(PAGE_ROWS_MIN, self._page_rows // 2)
                log.info("page too slow, asking for less", table=kind, rows=self._page_rows)
                await asyncio.sleep(PAUSE_SECONDS_MAX)
            else:
                return page

    async def _tenants(self, kinds: Iterable[Kind]) -> list[str]:
        """Everybody who has, had or may have rows, in the order of the pass."""
        found = set(self._configured) | {NO_TENANT}
        for kind in kinds:
            try:
                found.update(await self._lists.tenants(kind))
            except TooSlow:
                # A huge table without an index: those of the passes before, and whom the settings name.
                log.info("tenants not listed: too slow", table=kind)
                found.update(row["tenant"] for row in await self._pool.fetch(_COVERED))
        return sorted(found)
