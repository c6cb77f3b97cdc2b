"""Both sides, read once: list pages of every account, and the rows of both tables by key."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from connectors.calcom.answers import Unavailable, Unusable
from connectors.calcom.booking import event_type_id
from connectors.calcom.client import CalcomClient
from connectors.calcom.listing import started_between, walk
from connectors.calcom.ownership import Ownership
from connectors.calcom.quota import Priority
from connectors.calcom.reads import read_of_page_row
from connectors.check.judge import Judge
from connectors.crm.database import CrmDatabase, Kind
from connectors.crm.walking import WalkedPage, walk_rows
from streams.model.ids import NO_TENANT, iso
from streams.model.records import RowsQuestion, RowsRead

log = structlog.get_logger()

AHEAD = timedelta(days=400)
#: Rows of one table that are walked over; a larger one is not read to its end.
PAGES_MAX = 5_000


class NotLoaded(Exception):
    """A side could not be read to the end; the message says why and what to do."""


async def load_bookings(client: CalcomClient, ownership: Ownership, judge: Judge, since: datetime) -> Counter[str]:
    """Everything the account lists from `since` on. Bookings by tenant. Raises NotLoaded."""
    window = started_between(since, datetime.now(UTC) + AHEAD)
    shown = await walk(client, window, lambda _: True, Priority.PROOF)
    if shown.failure is not None or not shown.complete:
        raise NotLoaded(f"account {client.account}: {_why(shown.failure)}")
    types = (event_type_id(found.booking) for found in shown.found)
    ownership.learn(client.account, {each for each in types if each is not None})
    bookings: Counter[str] = Counter()
    for found in shown.found:
        tenant = ownership.tenant_of(client.account, found.booking)
        judge.hear(tenant, read_of_page_row(found.booking, client.account, found.began_at, "backfill"))
        bookings[tenant] += 1
    log.info("bookings read", account=client.account, bookings=len(shown.found), pages=shown.pages)
    return bookings


async def load_rows(
    database: CrmDatabase, kind: Kind, judge: Judge, since: datetime, wanted: Callable[[str], bool]
) -> Counter[str]:
    """Every row of late of the tenants wanted. Rows by tenant, those unwanted too.

    Raises NotLoaded, NotAnswered, NotAnswerable.
    """
    rows: Counter[str] = Counter()
    pages, began = 0, time.time()
    async for page in walk_rows(database, kind, since):
        pages += 1
        if pages > PAGES_MAX:
            raise NotLoaded("it has more rows than are read in one go")
        for row in page.rows:
            tenant = NO_TENANT if row.get("company_id") in (None, "") else str(row["company_id"])
            rows[tenant] += 1
            if wanted(tenant):
                judge.note_words(kind, row)
                judge.hear(tenant, _read(tenant, kind, row, page, began))
        began = time.time()
    log.info("rows read", table=kind, rows=rows.total())
    return rows


def _read(tenant: str, kind: Kind, row: dict[str, object], page: WalkedPage, began: float) -> RowsRead:
    """One row as the worker is told of it; a row of its own, so that one that makes no sense spoils no other."""
    now = time.time()
    asked_at = iso(round(began * 1000)) or ""
    return RowsRead(
        request_id="check",
        question=RowsQuestion(request_id="check", tenant=tenant, asked_at=asked_at, purpose="reread", table=kind),
        read_at=iso(round(now * 1000)) or "",
        reason="sweep",
        result="found",
        rows=(row,),
        snapshot=page.snapshot,
        duration_ms=round((now - began) * 1000) + 1,
    )


def _why(failure: Unavailable | Unusable | None) -> str:
    """What a person should know of a list that could not be read."""
    status = failure.http_status if failure is not None else None
    if status in (401, 403):
        return f"Cal.com refuses its key (status {status}): correct accounts.api_key"
    if isinstance(failure, Unavailable):
        return f"Cal.com does not answer ({failure.reason})"
    return failure.reason if failure is not None else "the list was not read to its end"
