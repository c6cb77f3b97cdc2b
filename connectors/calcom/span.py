"""Listing a span of bookings page by page, by value: where each page begins, and whether its rows belong there.

Pages are asked for by value, not by number: a row that changes while we page leaves its place, and the rows behind it
would slip by one and be skipped. Cal.com's filters have been ignored where the version header was wrong (calcom.md
§6.22), so each row is checked against what was asked.
"""

from datetime import datetime, timedelta

import msgspec

from connectors.calcom.answers import Page
from connectors.calcom.booking import Booking
from connectors.calcom.client import PAGE_ROWS_MAX
from connectors.calcom.listing import FILTER_SLACK, text_of


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field that lists can be cut and ordered by; `upper_name` is the one that the upper bound cuts."""

    name: str
    upper_name: str
    after: str
    before: str
    sort: str


UPDATED = Field(
    name="updatedAt", upper_name="updatedAt", after="afterUpdatedAt", before="beforeUpdatedAt", sort="sortUpdatedAt"
)
CREATED = Field(
    name="createdAt", upper_name="createdAt", after="afterCreatedAt", before="beforeCreatedAt", sort="sortCreated"
)
START = Field(name="start", upper_name="end", after="afterStart", before="beforeEnd", sort="sortStart")


class Position(msgspec.Struct, frozen=True):
    """Where a page begins: at this value of the field, and so many rows behind it."""

    after: str
    skip: int = 0


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Bookings whose field lies between two instants; `upper` None is without end."""

    field: Field
    lower: datetime
    upper: datetime | None

    def start(self) -> Position:
        """Where the first page begins."""
        return Position(text_of(self.lower))

    def params(self, position: Position) -> dict[str, str | int]:
        """Cal.com's parameters for one page."""
        params: dict[str, str | int] = {
            self.field.after: position.after,
            self.field.sort: "asc",
            "take": PAGE_ROWS_MAX,
            "skip": position.skip,
        }
        if self.upper is not None:
            params[self.field.before] = text_of(self.upper)
        return params

    def flaw(self, page: Page, position: Position) -> str | None:
        """Why this page proves no absence: rows that are no bookings, that were not asked for, or out of order."""
        if page.rejected:
            return f"{page.rejected} rows of the list are no usable bookings"
        if strangers := sum(not self._holds(booking, position) for booking in page.bookings):
            return f"{strangers} rows were not asked for: a filter is ignored"
        values = _values(page, self.field)
        return None if values == sorted(values) else "the order is ignored"

    def after(self, page: Page, position: Position) -> Position:
        """Where the page behind this one begins: at the last row's value; by number while that does not move."""
        values = _values(page, self.field)
        # A server that does not sort as asked is paged by number: jumping to its greatest value would skip rows.
        if values and values == sorted(values):
            # A bound may be exclusive: begin a millisecond before, so that rows of the same instant are not lost.
            moved = values[-1] - timedelta(milliseconds=1)
            if moved > datetime.fromisoformat(position.after):
                return Position(text_of(moved))
        return Position(position.after, position.skip + PAGE_ROWS_MAX)

    def _holds(self, booking: Booking, position: Position) -> bool:
        low, high = booking.get(self.field.name), booking.get(self.field.upper_name)
        begin = datetime.fromisoformat(position.after) - FILTER_SLACK
        if isinstance(low, str) and datetime.fromisoformat(low) < begin:
            return False
        if self.upper is None or not isinstance(high, str):
            return True
        return datetime.fromisoformat(high) <= self.upper + FILTER_SLACK


def _values(page: Page, field: Field) -> list[datetime]:
    return [
        datetime.fromisoformat(value) for booking in page.bookings if isinstance(value := booking.get(field.name), str)
    ]
