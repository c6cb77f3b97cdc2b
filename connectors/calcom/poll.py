"""The incremental poll: what webhooks lost is found here (design §4a). One per account.

Each round lists what was updated, and what was created, between the last round less an overlap and a fixed
upper bound. Both: `updatedAt` is null until a booking is changed for the first time, and no updated-filter
shows it then. The first round of an account is a back-fill of everything around today.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Gauge

from connectors.calcom.announced import ChangeCounter
from connectors.calcom.answers import Page
from connectors.calcom.booking import Booking
from connectors.calcom.client import CalcomClient
from connectors.calcom.hearing import Hearing
from connectors.calcom.ownership import Ownership
from connectors.calcom.pace import poll_interval_seconds
from connectors.calcom.page_telling import Expect, PageTeller
from connectors.calcom.poll_cursor import load_cursor, save_cursor
from connectors.calcom.quota import Priority
from connectors.calcom.reads import Publish
from connectors.calcom.span import CREATED, START, UPDATED, Field, Span
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

THROUGH = Gauge("plumbline_polled_through_seconds", "Instant up to which an account was polled.", ["account"])


class PollFailed(Exception):
    """A page could not be read; the cursor stays, and the round is tried again."""


class Poll:
    """The poll of one account."""

    def __init__(
        self,
        *,
        client: CalcomClient,
        settings: Settings,
        ownership: Ownership,
        pool: Any,
        publish: Publish,
        expect: Expect,
    ) -> None:
        self._client = client
        self._account = client.account
        self._interval_seconds = settings.calcom.poll_interval_seconds
        self._ownership = ownership
        self._pool = pool
        self._teller = PageTeller(client.account, ownership, publish, expect)
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
                left = self._client.transport.quota.left_share()
                await asyncio.sleep(poll_interval_seconds(self._interval_seconds, left))

    async def round(self) -> None:
        """One round: the back-fill if it is due, else what changed. Raises PollFailed."""
        cursor = await load_cursor(self._pool, self._account)
        # The upper bound is fixed before the first request: what changes while we page belongs to the next
        # round.
        upper = datetime.now(UTC)
        if cursor is None or not cursor.backfilled:
            await self._tell(START, upper - BACKFILL_BACK, upper + BACKFILL_AHEAD, "backfill")
            await self._save(upper, backfilled=True)
        else:
            lower = cursor.polled_through - OVERLAP
            await self._tell(UPDATED, lower, upper, "sweep")
            await self._tell(CREATED, lower, upper, "sweep")
            await self._save(upper)
        changes = self._changes.round_ended(upper, datetime.now(UTC))
        await self._hearing.poll_succeeded(self._account, changes)
        THROUGH.labels(self._account).set(upper.timestamp())

    async def _save(self, through: datetime, *, backfilled: bool = False) -> None:
        event_types = self._ownership.event_types_of(self._account)
        await save_cursor(self._pool, self._account, through, event_types, backfilled=backfilled)

    async def _tell(self, field: Field, lower: datetime, upper: datetime, reason: ReadReason) -> None:
        async for page in self._pages(Span(field=field, lower=lower, upper=upper)):
            self._changes.see(page.bookings)
            is_backfill = reason == "backfill"
            fresh = [one for one in page.bookings if is_backfill or _version(one) not in self._published]
            await self._teller.tell(page, fresh, reason)
            self._remember(fresh)

    def _remember(self, bookings: Iterable[Booking]) -> None:
        """They are told: only now, since an unacknowledged one must be told again."""
        for booking in bookings:
            self._published[_version(booking)] = None
        while len(self._published) > PUBLISHED_MAX:
            self._published.popitem(last=False)

    async def _pages(self, span: Span) -> AsyncIterator[Page]:
        """Every page of the span. Raises PollFailed when one cannot be read."""
        position = span.start()
        while True:
            page = await self._client.page(span.params(position), Priority.POLL)
            if not isinstance(page, Page):
                raise PollFailed(page.reason)
            if page.rejected:
                log.warning("unusable rows in a list", account=self._account, rows=page.rejected)
            yield page
            if not page.has_next:
                return
            position = span.after(page, position)


def _version(booking: Booking) -> tuple[object, object]:
    return booking["uid"], booking["updatedAt"]
