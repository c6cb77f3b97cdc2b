"""Cal.com's API v2 as far as Plumbline asks it (calcom.md §4): one booking by uid, pages of the list.

Every outcome is a value of `answers`; nothing is raised for what a server may do.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import httpx

from connectors.calcom.answers import Answer, BookingAnswer, Found, Missing, Page, PageAnswer, Unavailable, Unusable
from connectors.calcom.booking import Booking, UnusableBooking, cut
from connectors.calcom.quota import Priority
from connectors.calcom.transport import Reply, Transport, Unanswered
from streams.model.ids import is_numeric, parse_iso
from streams.settings_sections import AccountSettings, CalcomSettings

PAGE_ROWS_MAX = 250
#: A recurring series answers for its uid with all its bookings; the one meant starts within this of the row.
SAME_START_MS_MAX = 60_000

See = Callable[[str, Answer], None]
Seen = TypeVar("Seen", bound=Answer)


def open_http(calcom: CalcomSettings, account: AccountSettings) -> httpx.AsyncClient:
    """The connections of one account. Raises ValueError if no base_url is configured."""
    if not calcom.base_url:
        raise ValueError("calcom.base_url is missing: allowed is an address such as https://api.cal.com")
    return httpx.AsyncClient(
        base_url=calcom.base_url,
        headers={
            "authorization": f"Bearer {account.api_key.get_secret_value()}",
            # A missing or malformed version silently selects an older endpoint of another shape.
            "cal-api-version": calcom.api_version,
            "accept": "application/json",
        },
        timeout=calcom.timeout_seconds,
        limits=httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=60),
    )


class CalcomClient:
    """One account's view of Cal.com."""

    def __init__(self, account: str, transport: Transport, *, see: See | None = None) -> None:
        """`see` hears of each answer, with the account."""
        self.account = account
        self.transport = transport
        self._see = see

    async def booking(self, uid: str, priority: Priority, starts_at: str | None = None) -> BookingAnswer:
        """One booking by uid. `starts_at` tells which of a recurring series is meant, should the uid name
        one.

        Raises ValueError for a numeric id: it is 404 for every one of them, and would prove an orphan
        falsely.
        """
        if not uid or is_numeric(uid):
            raise ValueError(f"not a uid: {uid!r}")
        return self._seen(await self._booking(uid, priority, starts_at))

    async def page(self, params: Mapping[str, str | int], priority: Priority) -> PageAnswer:
        """One page of `GET /v2/bookings`; `params` are Cal.com's own. Without `status` it lists every
        status."""
        return self._seen(await self._page(params, priority))

    def _seen(self, answer: Seen) -> Seen:
        if self._see is not None:
            self._see(self.account, answer)
        return answer

    async def _booking(self, uid: str, priority: Priority, starts_at: str | None) -> BookingAnswer:
        try:
            reply = await self.transport.get(f"/v2/bookings/{_path_part(uid)}", {}, priority)
        except Unanswered as none:
            return _unavailable(none)
        if reply.status == 404:
            return _missing(reply)
        if reply.status != 200:
            return _unusable(reply, f"status {reply.status}")
        try:
            booking = _the_one(_data(reply), uid, starts_at)
        except UnusableBooking as error:
            return _unusable(reply, str(error))
        return Found(booking=booking, began_at=reply.began_at, http_status=200)

    async def _page(self, params: Mapping[str, str | int], priority: Priority) -> PageAnswer:
        try:
            reply = await self.transport.get("/v2/bookings", params, priority)
        except Unanswered as none:
            return _unavailable(none)
        if reply.status != 200:
            return _unusable(reply, f"status {reply.status}")
        rows = _data(reply)
        if not isinstance(rows, list):
            return _unusable(reply, "a list of bookings was expected")
        return _page(reply, rows, int(params.get("take", 100)))


def _path_part(uid: str) -> str:
    # A reference comes from a column that may hold anything; it must not become another path.
    return str(httpx.QueryParams({"u": uid}))[2:].replace("+", "%20").replace(".", "%2E")


def _data(reply: Reply) -> object:
    return reply.json.get("data") if isinstance(reply.json, dict) else None


def _the_one(found: object, uid: str, starts_at: str | None) -> Booking:
    """The booking meant by `uid`. Raises UnusableBooking."""
    if not isinstance(found, list):
        booking = cut(found)
        if booking["uid"] != uid:
            raise UnusableBooking("the answer is about another booking")
        return booking
    series = [cut(one) for one in found]
    for booking in series:
        if booking["uid"] == uid:
            return booking
    meant = parse_iso(starts_at)
    for booking in series:
        start = parse_iso(str(booking["start"]))
        if meant is not None and start is not None and abs(start - meant) <= SAME_START_MS_MAX:
            return booking
    raise UnusableBooking("the uid names a recurring series, and no booking of it starts then")


def _page(reply: Reply, rows: list[object], take: int) -> Page:
    bookings: list[Booking] = []
    rejected = 0
    for row in rows:
        try:
            bookings.append(cut(row))
        except UnusableBooking:
            rejected += 1
    told = reply.json.get("pagination") if isinstance(reply.json, dict) else None
    pagination = told if isinstance(told, dict) else {}
    has_next = pagination.get("hasNextPage")
    total = pagination.get("totalPages")
    return Page(
        bookings=tuple(bookings),
        has_next=has_next if isinstance(has_next, bool) else len(rows) >= take,
        pages_total=total if isinstance(total, int) else None,
        rejected=rejected,
        began_at=reply.began_at,
        http_status=200,
    )


def _missing(reply: Reply) -> Missing | Unusable:
    """Only Cal.com's own word counts: a proxy's 404, or a wrong address, is no absence of a booking."""
    body = reply.json
    if not isinstance(body, dict):
        return _unusable(reply, "a 404 that is not Cal.com's")
    error = body.get("error")
    message = error.get("message") if isinstance(error, dict) else body.get("message")
    if isinstance(message, str) and message.startswith("Cannot GET"):
        return _unusable(reply, "no such path: is calcom.base_url right?")
    return Missing(began_at=reply.began_at, http_status=404)


def _unavailable(none: Unanswered) -> Unavailable:
    return Unavailable(reason=none.reason, began_at=none.began_at, http_status=none.status)


def _unusable(reply: Reply, reason: str) -> Unusable:
    return Unusable(reason=reason, began_at=reply.began_at, http_status=reply.status)
