"""The incremental poll: what webhooks lost is found here (design §4a). One per account.

Each round lists what was updated, and what was created, between the last round less an overlap and a fixed
upper bound. Both: `updatedAt` is null until a booking is changed for the first time, and no updated-filter
shows it then. Pages are asked for by value, not by number: a row that changes while we page leaves its place,
and the rows behind it would slip by one and be skipped. The first round of an account is a back-fill of
everything around today.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog
from prometheus_client import Counter, Gauge

from connectors.calcom.announced import ChangeCounter
from connectors.calcom.answers import Page
from connectors.calcom.booking import Booking, event_type_id
from connectors.calcom.client import PAGE_ROWS_MAX, CalcomClient
from connectors.calcom.hearing import Hearing
from connectors.calcom.ownership import Ownership
from connectors.calcom.poll_cursor import load_cursor, save_cursor
from connectors.calcom.quota import Priority
from connectors.calcom.reads import Publish, read_of_page_row
from streams.model.records import ReadReason
from streams.settings import Settings

log = structlog.get_logger()

#: Read again behind the cursor: replicas lag, clocks differ, transactions commit late.
OVERLAP = timedelta(seconds=120)
BACKFILL_BACK = timedelta(days=30)
BACKFILL_AHEAD = timedelta(days=400)
AFTER_FAILURE_SECONDS = 5.0
#: Bookings remembered as published in their present version.
PUBLISHED_MAX = 20_000
#: Records on their way to Kafka at once.
SENDS_AT_ONCE_MAX = 100

POLLED = Counter("plumbline_polled_bookings_total", "Bookings published by the poll.", ["account", "reason"])
THROUGH = Gauge("plumbline_polled_through_seconds", "Instant up to which an account was polled.", ["account"])


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field that lists can be cut and ordered by."""

    name: str
    after: str
    before: str
    sort: str


UPDATED = Field(
    name="updatedAt",
    after="afterUpdatedAt",
    before="beforeUpdatedAt",
    sort="sortUpdatedAt",
)
CREATED = Field(
    name="createdAt",
    after="afterCreatedAt",
    before="beforeCreatedAt",
    sort="sortCreated",
)
START = Field(name="start", after="afterStart", before="beforeEnd", sort="sortStart")


class PollFailed(Exception):
    """A page could not be read; the cursor stays, and the round is tried again."""


class Poll:
    """The poll of one account."""

    def __init__(
        self, *, client: CalcomClient, settings: Settings, ownership: Ownership, pool: Any, publish: Publish
    ) -> None:
        self._client = client
        self._account = client.account
        self._interval_seconds = settings.calcom.poll_interval_seconds
        self._ownership = ownership
        self._pool = pool
        self._publish = publish
        self._hearing = Hearing(pool)
        self._changes = ChangeCounter(settings.scope.event_types)
        self._published: OrderedDict[tuple[object, object], None] = OrderedDict()

    async def run(self) -> None:
        """Poll for ever. Raises when Kafka or the store is away."""
        while True:
            try:
                await self.round()
            except PollFailed as failed:
                log.warning("poll failed", account=self._account, reason=str(failed))
                await self._hearing.poll_failed(self._account, datetime.now(UTC), str(failed))
                await asyncio.sleep(AFTER_FAILURE_SECONDS)
            else:
                await asyncio.sleep(self._interval_seconds)

    async def round(self) -> None:
        """One round: the back-fill if it is due, else what changed. Raises PollFailed."""
        cursor = await load_cursor(self._pool, self._account)
        # The upper bound is fixed before the first request: what changes while we page belongs to the next
        # round.
        upper = datetime.now(UTC)
        if cursor is None or not cursor.backfilled:
            await self._span(START, upper - BACKFILL_BACK, upper + BACKFILL_AHEAD, "backfill")
            await self._save(upper, backfilled=True)
        else:
            lower = cursor.polled_through - OVERLAP
            await self._span(UPDATED, lower, upper, "sweep")
            await self._span(CREATED, lower, upper, "sweep")
            await self._save(upper)
        changes = self._changes.round_ended(upper, datetime.now(UTC))
        await self._hearing.poll_succeeded(self._account, changes)
        THROUGH.labels(self._account).set(upper.timestamp())

    async def _save(self, through: datetime, *, backfilled: bool = False) -> None:
        event_types = self._ownership.event_types_of(self._account)
        await save_cursor(self._pool, self._account, through, event_types, backfilled=backfilled)

    async def _span(self, field: Field, lower: datetime, upper: datetime, reason: ReadReason) -> None:
        async for page in self._pages(field, lower, upper):
            self._changes.see(page.bookings)
            shown = (event_type_id(booking) for booking in page.bookings)
            self._ownership.learn(self._account, {event_type for event_type in shown if event_type is not None})
            fresh = [
                booking for booking in page.bookings if reason == "backfill" or _version(booking) not in self._published
            ]
            for at in range(0, len(fresh), SENDS_AT_ONCE_MAX):
                part = fresh[at : at + SENDS_AT_ONCE_MAX]
                await asyncio.gather(*(self._tell(booking, page, reason) for booking in part))

    async def _tell(self, booking: Booking, page: Page, reason: ReadReason) -> None:
        tenant = self._ownership.tenant_of(self._account, booking)
        await self._publish(tenant, read_of_page_row(booking, self._account, page.began_at, reason))
        # Only now: an unacknowledged one must be told again.
        self._published[_version(booking)] = None
        while len(self._published) > PUBLISHED_MAX:
            self._published.popitem(last=False)
        POLLED.labels(self._account, reason).inc()

    async def _pages(self, field: Field, lower: datetime, upper: datetime) -> AsyncIterator[Page]:
        """Every page between the bounds. Raises PollFailed when one cannot be read."""
        after, skip = _text(lower), 0
        while True:
            page = await self._client.page(
                {
                    field.after: after,
                    field.before: _text(upper),
                    field.sort: "asc",
                    "take": PAGE_ROWS_MAX,
                    "skip": skip,
                },
                Priority.POLL,
            )
            if not isinstance(page, Page):
                raise PollFailed(page.reason)
            if page.rejected:
                log.warning("unusable rows in a list", account=self._account, rows=page.rejected)
            yield page
            if not page.has_next:
                return
            after, skip = _next(page, field, after, skip)


def _next(page: Page, field: Field, after: str, skip: int) -> tuple[str, int]:
    """Where the next page begins: at the last row's value; by number only while that value does not move."""
    values = [
        datetime.fromisoformat(value) for booking in page.bookings if isinstance(value := booking.get(field.name), str)
    ]
    # A server that does not sort as asked is paged by number: jumping to its greatest value would skip rows.
    if values and values == sorted(values):
        # A bound may be exclusive: begin a millisecond before, so that rows of the same instant are not lost.
        moved = values[-1] - timedelta(milliseconds=1)
        if moved > datetime.fromisoformat(after):
            return _text(moved), 0
    return after, skip + PAGE_ROWS_MAX


def _version(booking: Booking) -> tuple[object, object]:
    return booking["uid"], booking["updatedAt"]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
