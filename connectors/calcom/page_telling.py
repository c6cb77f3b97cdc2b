"""Telling what a list page shows: each booking as a read under its tenant, and the webhook that it lets expect."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from prometheus_client import Counter

from connectors.calcom.answers import Page
from connectors.calcom.booking import Booking, event_type_id
from connectors.calcom.ownership import Ownership
from connectors.calcom.reads import Publish, read_of_page_row
from connectors.webhook_expectation import Expectation, expectation_of
from streams.model.records import ReadReason

#: Records on their way to Kafka at once.
SENDS_AT_ONCE_MAX = 100

POLLED = Counter("plumbline_polled_bookings_total", "Bookings published by lists.", ["account", "reason"])

#: Keeps what webhooks should have told. Raises what the store raises.
Expect = Callable[[Sequence[Expectation]], Awaitable[None]]


class PageTeller:
    """Tells the pages of one account's lists."""

    def __init__(self, account: str, ownership: Ownership, publish: Publish, expect: Expect) -> None:
        self._account = account
        self._ownership = ownership
        self._publish = publish
        self._expect = expect

    async def tell(self, page: Page, bookings: Sequence[Booking], reason: ReadReason) -> None:
        """Publish these bookings of the page; return when all are acknowledged. Raises KafkaError, store errors."""
        shown = (event_type_id(booking) for booking in page.bookings)
        self._ownership.learn(self._account, {event_type for event_type in shown if event_type is not None})
        for at in range(0, len(bookings), SENDS_AT_ONCE_MAX):
            part = bookings[at : at + SENDS_AT_ONCE_MAX]
            await asyncio.gather(*(self._tell(booking, page, reason) for booking in part))
        seen_at = datetime.fromtimestamp(page.began_at, UTC)
        expected = [
            expectation
            for booking in bookings
            if (expectation := expectation_of(booking, self._account, self._tenant_of(booking), seen_at)) is not None
        ]
        if expected:
            await self._expect(expected)

    async def _tell(self, booking: Booking, page: Page, reason: ReadReason) -> None:
        await self._publish(self._tenant_of(booking), read_of_page_row(booking, self._account, page.began_at, reason))
        POLLED.labels(self._account, reason).inc()

    def _tenant_of(self, booking: Booking) -> str:
        return self._ownership.tenant_of(self._account, booking)
