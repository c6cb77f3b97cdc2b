"""The simulated Cal.com's model: what a write does, and what a read of the past would have shown."""

import random

import pytest
from msgspec.structs import replace

from connectors.world.calcom.booking import FIRST_ID, Attendee, Booking, Draft, new_uid
from connectors.world.calcom.bookings import Bookings, NoSuchBooking, Refused
from connectors.world.calcom.event_types import event_types_of
from connectors.world.calcom.listing import BadQuery, chosen, page_of
from connectors.world.calcom.shapes import pagination
from connectors.world.config import EventKind, default_accounts
from connectors.world.instants import DAY, HOUR, MINUTE, with_millis

# The words of this specification -----------------------------------------------------

T0 = 1_790_000_000_000
KINDS = {kind.kind: kind for kind in event_types_of(default_accounts(None)[0]).values()}


def model() -> Bookings:
    return Bookings(random.Random(1))


def draft(kind: EventKind = "plain", start: int = T0 + DAY, email: str = "marta@mail.example") -> Draft:
    attendee = Attendee(name="Marta Lindqvist", email=email)
    return Draft(account="acct-1", event_type=KINDS[kind], start=start, end=start + 30 * MINUTE, attendee=attendee)


def uids(bookings: list[Booking]) -> list[str]:
    return [booking.uid for booking in bookings]


# Identity ----------------------------------------------------------------------------


def test_a_uid_has_22_signs_and_is_never_a_number() -> None:
    rng = random.Random(3)
    for _ in range(500):
        uid = new_uid(rng)
        assert len(uid) == 22
        assert not uid.isdigit()
        assert not set(uid) & set("0OIl")


def test_numeric_ids_grow_and_leave_gaps() -> None:
    bookings = model()
    ids = [bookings.create(draft(), T0).id for _ in range(50)]
    assert ids == sorted(set(ids))
    assert ids[0] > FIRST_ID
    assert ids[-1] - ids[0] > 49


def test_the_same_seed_gives_the_same_ids() -> None:
    assert model().create(draft(), T0) == model().create(draft(), T0)


# Writes ------------------------------------------------------------------------------


def test_a_reschedule_makes_a_new_uid_and_cancels_the_old_one() -> None:
    bookings = model()
    first = bookings.create(draft(), T0)
    old, new = bookings.reschedule(first.uid, T0 + 2 * DAY, "marta@mail.example", T0 + 5)
    assert (old.uid, old.status, old.rescheduled_to) == (first.uid, "cancelled", new.uid)
    assert old.cancellation_reason is None
    assert new.uid != first.uid
    assert new.id > first.id
    assert (new.status, new.rescheduled_from, new.start) == ("accepted", first.uid, T0 + 2 * DAY)
    assert new.end - new.start == first.end - first.start
    assert new.ical_uid == first.ical_uid
    assert new.ical_sequence == first.ical_sequence + 1


def test_a_dead_uid_cannot_be_moved_and_names_its_successor() -> None:
    bookings = model()
    first = bookings.create(draft(), T0)
    _, new = bookings.reschedule(first.uid, T0 + 2 * DAY, "x", T0 + 5)
    with pytest.raises(Refused, match=new.uid):
        bookings.reschedule(first.uid, T0 + 3 * DAY, "x", T0 + 6)


def test_a_customers_move_of_a_confirmed_type_is_only_asked_for() -> None:
    bookings = model()
    first = bookings.create(draft("confirmed"), T0)
    assert first.status == "pending"
    accepted = bookings.confirm(first.uid, T0 + 1)
    old, asked = bookings.reschedule(accepted.uid, T0 + 2 * DAY, "marta@mail.example", T0 + 2)
    assert (old.status, asked.status) == ("cancelled", "pending")
    assert bookings.decline(asked.uid, "full", T0 + 3).status == "rejected"


def test_a_host_who_moves_confirms_by_it() -> None:
    bookings = model()
    first = bookings.create(draft("confirmed"), T0)
    _, new = bookings.reschedule(first.uid, T0 + 2 * DAY, "ines@acct-1.example", T0 + 2, host=True)
    assert new.status == "accepted"


def test_a_seated_booking_moves_in_place() -> None:
    bookings = model()
    first = bookings.create(draft("seated"), T0)
    _, moved = bookings.reschedule(first.uid, T0 + 2 * DAY, "x", T0 + 5)
    assert (moved.uid, moved.id, moved.start) == (first.uid, first.id, T0 + 2 * DAY)


def test_a_seat_given_back_leaves_the_booking_until_it_is_the_last() -> None:
    bookings = model()
    first = bookings.create(draft("seated"), T0)
    two = bookings.add_seat(first.uid, Attendee(name="Ewan", email="ewan@mail.example"), T0 + 1)
    seats = [each.seat for each in two.attendees]
    assert None not in seats
    gone, left = bookings.cancel_seat(first.uid, seats[1] or "", T0 + 2)
    assert (gone.email, left.status, len(left.attendees)) == ("ewan@mail.example", "accepted", 1)
    _, ended = bookings.cancel_seat(first.uid, seats[0] or "", T0 + 3)
    assert ended.status == "cancelled"


def test_a_paid_booking_waits_for_its_payment() -> None:
    bookings = model()
    first = bookings.create(draft("paid"), T0)
    assert (first.status, first.paid) == ("pending", False)
    paid = bookings.pay(first.uid, T0 + 1)
    assert (paid.status, paid.paid) == ("accepted", True)


def test_what_was_only_drawn_is_nowhere() -> None:
    bookings = model()
    forgotten = bookings.draw(draft(), T0)
    with pytest.raises(NoSuchBooking):
        bookings.current(forgotten.uid)


# Replica lag -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen_until", "status"),
    [(T0 - 1, None), (T0, "accepted"), (T0 + 999, "accepted"), (T0 + 1000, "cancelled"), (T0 + DAY, "cancelled")],
)
def test_a_replica_shows_the_state_of_its_instant(seen_until: int, status: str | None) -> None:
    bookings = model()
    booking = bookings.create(draft(), T0)
    bookings.cancel(booking.uid, "ill", "host", T0 + 1000)
    seen = bookings.as_of(booking.uid, seen_until)
    assert (seen.status if seen else None) == status
    assert len(list(bookings.all_as_of(seen_until))) == (status is not None)


# Lists -------------------------------------------------------------------------------


def three() -> tuple[list[Booking], list[str]]:
    """Bookings made, starting and changed an hour apart; the second was cancelled last."""
    bookings = model()
    made = [
        bookings.create(draft(start=T0 + (n + 1) * DAY, email=f"c{n}@mail.example"), T0 + n * HOUR) for n in range(3)
    ]
    bookings.cancel(made[1].uid, None, "host", T0 + 5 * HOUR)
    return [bookings.current(each.uid) for each in made], uids(made)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ({}, [0, 1, 2]),
        ({"status": "upcoming"}, [0, 2]),
        ({"status": "cancelled"}, [1]),
        ({"status": "upcoming,cancelled"}, [0, 1, 2]),
        ({"status": "past"}, []),
        ({"status": "unconfirmed"}, []),
        ({"afterStart": with_millis(T0 + 2 * DAY)}, [1, 2]),
        ({"beforeEnd": with_millis(T0 + 2 * DAY)}, [0]),
        ({"afterCreatedAt": with_millis(T0 + HOUR)}, [1, 2]),
        ({"beforeCreatedAt": with_millis(T0 + HOUR)}, [0, 1]),
        ({"afterUpdatedAt": with_millis(T0 + 2 * HOUR)}, [1, 2]),
        ({"beforeUpdatedAt": with_millis(T0 + 2 * HOUR)}, [0, 2]),
        ({"attendeeEmail": "C1@mail.example"}, [1]),
        ({"attendeeName": "Nobody"}, []),
        ({"eventTypeId": str(KINDS["plain"].id)}, [0, 1, 2]),
        ({"eventTypeIds": f"{KINDS['paid'].id},{KINDS['seated'].id}"}, []),
        ({"sortStart": "desc"}, [2, 1, 0]),
        ({"sortUpdatedAt": "asc"}, [0, 2, 1]),
        ({"sortCreated": "desc"}, [2, 1, 0]),
    ],
)
def test_a_list_is_filtered_and_sorted(query: dict[str, str], kept: list[int]) -> None:
    bookings, names = three()
    assert uids(chosen(bookings, query, T0)) == [names[n] for n in kept]


@pytest.mark.parametrize(
    "query", [{"status": "accepted"}, {"afterStart": "soon"}, {"sortStart": "up"}, {"eventTypeId": "x"}]
)
def test_a_bad_filter_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadQuery):
        chosen([], query, T0)


@pytest.mark.parametrize("query", [{"take": "0"}, {"take": "251"}, {"skip": "-1"}, {"take": "many"}])
def test_a_bad_page_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadQuery):
        page_of(query)


@pytest.mark.parametrize(
    ("total", "skip", "take", "returned", "current", "pages", "remaining", "following"),
    [
        (0, 0, 100, 0, 0, 0, 0, False),
        (5, 0, 2, 2, 1, 3, 3, True),
        (5, 2, 2, 2, 2, 3, 1, True),
        (5, 4, 2, 1, 3, 3, 0, False),
        (5, 9, 2, 0, 5, 3, 0, False),
    ],
)
def test_the_page_says_where_it_stands(
    total: int, skip: int, take: int, returned: int, current: int, pages: int, remaining: int, following: bool
) -> None:
    told = pagination(total, skip, take, returned)
    assert told["totalItems"] == total
    assert (told["currentPage"], told["totalPages"]) == (current, pages)
    assert (told["remainingItems"], told["hasNextPage"]) == (remaining, following)


# Series, hosts, meetings -------------------------------------------------------------


def series(kind: EventKind, count: int = 3) -> tuple[Bookings, list[Booking]]:
    bookings = model()
    weeks = [draft(kind, start=T0 + DAY + n * 7 * DAY) for n in range(count)]
    return bookings, [bookings.create(replace(week, series="s"), T0) for week in weeks]


def test_the_rest_of_a_series_ends_with_the_one_that_is_named() -> None:
    bookings, weeks = series("series")
    assert bookings.cancel_remaining(weeks[1].uid, "ill", "host", T0 + 1).uid == weeks[1].uid
    assert [bookings.current(each.uid).status for each in weeks] == ["accepted", "cancelled", "cancelled"]


def test_a_course_is_confirmed_as_a_whole() -> None:
    bookings, weeks = series("course")
    assert {each.status for each in weeks} == {"pending"}
    assert bookings.confirm(weeks[1].uid, T0 + 1).uid == weeks[1].uid
    assert {bookings.current(each.uid).status for each in weeks} == {"accepted"}


def test_a_booking_that_its_host_asked_to_move_is_dead_until_the_customer_moves_it() -> None:
    bookings = model()
    first = bookings.create(draft(), T0)
    asked = bookings.request_move(first.uid, "Please reschedule.", "host", T0 + 1)
    assert (asked.status, asked.rescheduled_to) == ("cancelled", None)
    _, new = bookings.reschedule(first.uid, T0 + 3 * DAY, "marta@mail.example", T0 + 2)
    assert (new.status, new.rescheduled_from) == ("accepted", first.uid)
    assert bookings.current(first.uid).rescheduled_to == new.uid
    with pytest.raises(Refused, match=new.uid):
        bookings.reschedule(first.uid, T0 + 4 * DAY, "marta@mail.example", T0 + 3)


def test_an_instant_meeting_waits_for_its_host() -> None:
    bookings = model()
    waiting = bookings.create(replace(draft(), instant=True), T0)
    assert waiting.status == "awaiting_host"
    assert bookings.confirm(waiting.uid, T0 + 1).status == "accepted"


def test_nobody_came_and_the_status_stays() -> None:
    bookings = model()
    first = bookings.create(draft(), T0)
    absent = bookings.mark_absent(first.uid, T0 + 1)
    assert (absent.status, [each.absent for each in absent.attendees]) == ("accepted", [True])


def test_a_list_of_one_account_holds_its_bookings_alone() -> None:
    bookings = model()
    own = bookings.create(draft(), T0)
    bookings.create(replace(draft(), account="acct-2"), T0)
    assert uids(list(bookings.all_as_of(T0, "acct-1"))) == [own.uid]
    assert len(list(bookings.all_as_of(T0))) == 2
