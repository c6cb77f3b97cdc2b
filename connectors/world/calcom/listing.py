"""`GET /v2/bookings`: filters, order and pages of 2024-08-13 (calcom.md §4). Pure."""

from collections.abc import Callable, Iterable, Mapping

from connectors.world.calcom.booking import Booking
from connectors.world.instants import parse

TAKE_MAX, TAKE_DEFAULT = 250, 100


class BadQuery(Exception):
    """A parameter cannot be read; the text names it."""


Predicate = Callable[[Booking], bool]

_STATUS: dict[str, Callable[[Booking, int], bool]] = {
    "upcoming": lambda b, now: b.end >= now and b.status in ("accepted", "pending"),
    "recurring": lambda b, now: b.end >= now and b.series is not None and b.status in ("accepted", "pending"),
    "past": lambda b, now: b.end < now and b.status in ("accepted", "pending"),
    "cancelled": lambda b, _: b.status in ("cancelled", "rejected"),
    "unconfirmed": lambda b, now: b.end >= now and b.status == "pending",
}

_SORTS: dict[str, Callable[[Booking], int]] = {
    "sortStart": lambda b: b.start,
    "sortEnd": lambda b: b.end,
    "sortCreated": lambda b: b.created_at,
    "sortUpdatedAt": lambda b: b.updated_at,
}

_BOUNDS: dict[str, Callable[[Booking, int], bool]] = {
    "afterStart": lambda b, at: b.start >= at,
    "beforeEnd": lambda b, at: b.end <= at,
    "afterCreatedAt": lambda b, at: b.created_at >= at,
    "beforeCreatedAt": lambda b, at: b.created_at <= at,
    "afterUpdatedAt": lambda b, at: b.updated_at >= at,
    "beforeUpdatedAt": lambda b, at: b.updated_at <= at,
}


def chosen(bookings: Iterable[Booking], query: Mapping[str, str], now: int) -> list[Booking]:
    """Those that pass every filter, in the order asked for (by id where none is). Raises BadQuery."""
    predicates = [*_status_filter(query, now), *_time_filters(query), *_identity_filters(query)]
    kept = [booking for booking in bookings if all(test(booking) for test in predicates)]
    kept.sort(key=lambda booking: booking.id)
    for name, key in _SORTS.items():
        if name in query:
            kept.sort(key=key, reverse=_descending(name, query[name]))
    return kept


def page_of(query: Mapping[str, str], take_default: int = TAKE_DEFAULT) -> tuple[int, int]:
    """`skip` and `take`. Raises BadQuery."""
    skip, take = _whole("skip", query.get("skip", "0")), _whole("take", query.get("take", str(take_default)))
    if not 1 <= take <= TAKE_MAX:
        raise BadQuery(f"take must not be less than 1 or greater than {TAKE_MAX}")
    if skip < 0:
        raise BadQuery("skip must not be less than 0")
    return skip, take


def _status_filter(query: Mapping[str, str], now: int) -> list[Predicate]:
    if "status" not in query:
        return []
    words = query["status"].split(",")
    for word in words:
        if word not in _STATUS:
            raise BadQuery(f"Invalid status {word}. Allowed are {', '.join(_STATUS)}")
    return [lambda booking: any(_STATUS[word](booking, now) for word in words)]


def _time_filters(query: Mapping[str, str]) -> list[Predicate]:
    def bound(name: str) -> Predicate:
        try:
            at = parse(query[name])
        except ValueError as error:
            raise BadQuery(f"{name} must be a valid ISO 8601 date string") from error
        return lambda booking: _BOUNDS[name](booking, at)

    return [bound(name) for name in _BOUNDS if name in query]


def _identity_filters(query: Mapping[str, str]) -> list[Predicate]:
    tests: list[Predicate] = []
    if "bookingUid" in query:
        tests.append(lambda b: b.uid == query["bookingUid"])
    if "attendeeEmail" in query:
        email = query["attendeeEmail"].lower()
        tests.append(lambda b: any(each.email.lower() == email for each in b.attendees))
    if "attendeeName" in query:
        tests.append(lambda b: any(each.name == query["attendeeName"] for each in b.attendees))
    ids = [*query.get("eventTypeIds", "").split(","), query.get("eventTypeId", "")]
    wanted = {_whole("eventTypeIds", one) for one in ids if one}
    if wanted:
        tests.append(lambda b: b.event_type.id in wanted)
    if query.get("teamId") or query.get("teamsIds"):
        tests.append(lambda _: False)  # nobody here is in a team
    return tests


def _descending(name: str, word: str) -> bool:
    if word not in ("asc", "desc"):
        raise BadQuery(f"{name} must be either asc or desc")
    return word == "desc"


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise BadQuery(f"{name} must be an integer number") from error
