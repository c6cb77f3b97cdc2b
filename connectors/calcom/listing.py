"""Walking through list pages: the windows that are asked for, and what a walk found.

Cal.com's filters have been ignored where the version header was wrong (calcom.md §6.22), so each row is
checked against the window again: a list that shows what was not asked for proves no absence.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.calcom.answers import Found, Page, Unavailable, Unusable
from connectors.calcom.booking import Booking
from connectors.calcom.client import PAGE_ROWS_MAX, CalcomClient
from connectors.calcom.quota import Priority

#: More pages than this in two days are not read: 10 000 bookings within them are no calendar.
PAGES_MAX = 40
PAGES_MAX_SPAN = timedelta(days=2)
#: Rounding of instants on the server's side.
FILTER_SLACK = timedelta(seconds=60)


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A span of bookings: from `after`'s field to `before`'s field, and the order to list them in."""

    after: tuple[str, str]  # (parameter, field of the booking)
    before: tuple[str, str]
    sort: str
    begin: datetime
    end: datetime

    def params(self) -> dict[str, str | int]:
        """Cal.com's parameters."""
        return {
            self.after[0]: text_of(self.begin),
            self.before[0]: text_of(self.end),
            self.sort: "asc",
            "take": PAGE_ROWS_MAX,
        }

    @property
    def pages_max(self) -> int:
        """How many pages are read at most."""
        return PAGES_MAX * max(1, -(-(self.end - self.begin) // PAGES_MAX_SPAN))

    def holds(self, booking: Booking) -> bool:
        """Whether a row may stand on a page of this window; a row without the field may."""
        low, high = booking.get(self.after[1]), booking.get(self.before[1])
        if isinstance(low, str) and datetime.fromisoformat(low) < self.begin - FILTER_SLACK:
            return False
        return not (isinstance(high, str) and datetime.fromisoformat(high) > self.end + FILTER_SLACK)


def started_between(begin: datetime, end: datetime) -> Window:
    """Bookings that start at `begin` or later and end by `end`."""
    return Window(after=("afterStart", "start"), before=("beforeEnd", "end"), sort="sortStart", begin=begin, end=end)


def created_between(begin: datetime, end: datetime) -> Window:
    """Bookings made in this span."""
    return Window(
        after=("afterCreatedAt", "createdAt"),
        before=("beforeCreatedAt", "createdAt"),
        sort="sortCreated",
        begin=begin,
        end=end,
    )


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk brought: the wanted bookings, each with the read that showed it, and how the walk ended.

    `complete` is true only if every page was read, each row was usable and belonged there.
    """

    found: tuple[Found, ...]
    complete: bool
    pages: int
    failure: Unavailable | Unusable | None = None


async def walk(
    client: CalcomClient,
    window: Window,
    wanted: Callable[[Booking], bool],
    priority: Priority,
    worth_going_on: Callable[[int, int | None], bool] = lambda _found, _left: True,
) -> Walk:
    """Read the window page by page until its end, or until it is no longer worth it.

    `worth_going_on(bookings found so far, pages left if known)` is asked between pages.
    """
    found: dict[str, Found] = {}
    rejected = 0
    params = window.params()
    for number in range(window.pages_max):
        page = await client.page({**params, "skip": number * PAGE_ROWS_MAX}, priority)
        if not isinstance(page, Page):
            return Walk(found=tuple(found.values()), complete=False, pages=number + 1, failure=page)
        rejected += page.rejected + sum(not window.holds(booking) for booking in page.bookings)
        for booking in page.bookings:
            if wanted(booking):
                found[str(booking["uid"])] = Found(booking=booking, began_at=page.began_at, http_status=200)
        if not page.has_next:
            return _ended(tuple(found.values()), number + 1, rejected, page)
        left = None if page.pages_total is None else page.pages_total - number - 1
        if not worth_going_on(len(found), left):
            return Walk(found=tuple(found.values()), complete=False, pages=number + 1)
    return Walk(
        found=tuple(found.values()),
        complete=False,
        pages=window.pages_max,
        failure=Unusable(reason=f"more than {window.pages_max} pages in one window", began_at=page.began_at),
    )


def _ended(found: tuple[Found, ...], pages: int, rejected: int, last: Page) -> Walk:
    if rejected:
        failure = Unusable(reason=f"{rejected} rows of the list cannot be used", began_at=last.began_at)
        return Walk(found=found, complete=False, pages=pages, failure=failure)
    return Walk(found=found, complete=True, pages=pages)


def text_of(moment: datetime) -> str:
    """An instant as Cal.com's parameters take it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
