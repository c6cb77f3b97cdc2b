"""`source.mode = "poll"`: changed rows are found by their `updated_at`, for databases that allow no replication.

Rounds overlap: a transaction may commit after one that began later, and hosts' clocks differ. What is older than the
overlap is looked at again every minute, and a row that is shown unchanged is not told again. Deletes, rows without
`updated_at`, and whatever came later still, are found by the passes.
"""

import asyncio
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
import structlog
from prometheus_client import Counter, Gauge

from connectors.crm.answers import Publish
from connectors.crm.database import Kind, NotAnswered, TooSlow
from connectors.crm.listing import CrmLists, ListPage, Mark
from connectors.crm.row_telling import Row, RowTeller
from streams.model.ids import NO_TENANT

log = structlog.get_logger()

#: Changes are told within two of these.
INTERVAL_SECONDS = 5.0
OVERLAP = timedelta(seconds=30)
RECHECK_EVERY_SECONDS = 60.0
RECHECK_OVERLAP = timedelta(minutes=10)
PAGE_ROWS_MAX, PAGE_ROWS_MIN = 500, 10
#: Rows remembered as told in their present version.
TOLD_MAX = 50_000

POLLED = Counter("plumbline_polled_rows_total", "Rows published by the poll of the database.", ["table"])
THROUGH = Gauge("plumbline_rows_polled_through_seconds", "Instant up to which a table was polled.", ["table"])

_LOAD = "SELECT polled_through FROM row_poll_cursors WHERE table_name = $1"
_SAVE = """
INSERT INTO row_poll_cursors (table_name, polled_through) VALUES ($1, $2)
ON CONFLICT (table_name) DO UPDATE SET polled_through = excluded.polled_through, updated_at = now()
"""

# A table that is no longer there must not look like one that stands still.
_FORGET_OTHERS = "DELETE FROM row_poll_cursors WHERE table_name <> ALL($1)"


class RowPoll:
    """The poll of both tables. `pool` is the store's."""

    def __init__(self, *, lists: CrmLists, pool: Any, publish: Publish) -> None:
        self._lists = lists
        self._pool = pool
        self._teller = RowTeller(publish, "poll")
        self._told: OrderedDict[tuple[Kind, str], bytes] = OrderedDict()
        self._rechecked_at = float("-inf")
        self._page_rows = PAGE_ROWS_MAX

    async def run(self) -> None:
        """Poll for ever. Raises NotAnswerable for a table that cannot be polled, KafkaError, and store errors."""
        known: list[Kind] = []
        while True:
            is_recheck = time.monotonic() - self._rechecked_at >= RECHECK_EVERY_SECONDS
            self._page_rows = PAGE_ROWS_MAX if is_recheck else self._page_rows
            try:
                kinds = await self._lists.kinds()
                if kinds != known:
                    await self._pool.execute(_FORGET_OTHERS, kinds)
                    known = kinds
                for kind in kinds:
                    await self.round(kind, RECHECK_OVERLAP if is_recheck else OVERLAP)
            except NotAnswered as away:
                log.warning("database not polled", reason=str(away))
            else:
                self._rechecked_at = time.monotonic() if is_recheck else self._rechecked_at
            await asyncio.sleep(INTERVAL_SECONDS)

    async def round(self, kind: Kind, overlap: timedelta) -> None:
        """Tell what changed since the round before, less the overlap. Raises NotAnswered, NotAnswerable."""
        through: datetime | None = await self._pool.fetchval(_LOAD, kind)
        since = (through or datetime.now(UTC)) - overlap
        after: Mark | None = None
        upper: datetime | None = None
        while True:
            began = time.monotonic()
            page = await self._page(kind, since, after)
            # Fixed at the first page: what changes while we page belongs to the next round.
            upper = upper or page.read_at
            await self._tell(kind, page, began)
            after = page.last
            if after is None:
                break
        await self._pool.execute(_SAVE, kind, upper)
        THROUGH.labels(kind).set(upper.timestamp())

    async def _page(self, kind: Kind, since: datetime, after: Mark | None) -> ListPage:
        while True:
            try:
                page = await self._lists.changed(kind, since, after, self._page_rows)
            except TooSlow:
                if self._page_rows <= PAGE_ROWS_MIN:
                    raise
                self._page_rows = max(PAGE_ROWS_MIN, self._page_rows // 2)
            else:
                return page

    async def _tell(self, kind: Kind, page: ListPage, began: float) -> None:
        fresh = {(kind, str(row["id"])): digest for row, digest in _digests(page.rows)}
        fresh = {key: digest for key, digest in fresh.items() if self._told.get(key) != digest}
        by_tenant: defaultdict[str, list[Row]] = defaultdict(list)
        for row in page.rows:
            if (kind, str(row["id"])) in fresh:
                tenant = row.get("company_id")
                by_tenant[NO_TENANT if tenant in (None, "") else str(tenant)].append(row)
        for tenant, rows in by_tenant.items():
            await self._teller.tell(tenant, kind, rows, page.snapshot, began)
        POLLED.labels(kind).inc(len(fresh))
        # Only now: what was not acknowledged must be told again.
        for key, digest in fresh.items():
            self._told.pop(key, None)
            self._told[key] = digest
        while len(self._told) > TOLD_MAX:
            self._told.popitem(last=False)


def _digests(rows: Iterable[Row]) -> Iterable[tuple[Row, bytes]]:
    for row in rows:
        yield row, blake2b(msgspec.json.encode(row), digest_size=16).digest()
