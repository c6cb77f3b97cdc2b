"""What a booking is after its webhooks and reads (design §4a, "Which fact counts"), and since when."""

from typing import Any

import pytest

from streams.facts.booking import (
    BookingState,
    Standing,
    changed_at,
    newest_told,
    state_of,
    unpaid,
)
from streams.model.facts import BookingFacts
from tests.fact_words import END, START, booking, read, told
from tests.truth import at

PROVED, CLAIMED, IMPLIED = Standing.PROVED, Standing.CLAIMED, Standing.IMPLIED
CREATED, CANCELLED = told(1), told(5, "BOOKING_CANCELLED", "cancelled")
PAYMENT = "BOOKING_PAYMENT_INITIATED"


def state(*facts: Any, **how: Any) -> BookingState:
    found = state_of(booking(*facts), **how)
    assert found is not None
    return found


# Claims and proofs ---------------------------------------------------------------------------------------


def test_of_a_booking_without_facts_nothing_is_known() -> None:
    assert state_of(BookingFacts()) is None
    assert state_of(booking(told(1, "MEETING_ENDED", None))) is None


def test_a_webhook_claims() -> None:
    claimed = told(1, created_at=at(0.5))
    assert state(claimed) == BookingState("accepted", CLAIMED, START, END, source_at=at(0.5))


def test_a_read_proves() -> None:
    shown = read(1, updated_at=at(0.4))
    assert state(shown) == BookingState("accepted", PROVED, START, END, read=shown, source_at=at(0.4))
    gone = read(1, None)
    assert state(gone) == BookingState("missing", PROVED, read=gone)


def test_a_read_that_agrees_counts_from_the_webhooks_arrival_on() -> None:
    agreeing = read(5, "cancelled")
    assert state(CREATED, CANCELLED, agreeing).standing is PROVED
    assert state(CREATED, CANCELLED, read(4.999, "cancelled")).standing is CLAIMED


@pytest.mark.parametrize("seconds", [5, 7.999])
def test_a_read_that_contradicts_does_not_count_within_three_seconds(seconds: float) -> None:
    """Older senders announce a cancellation before it is done."""
    assert state(CREATED, CANCELLED, read(seconds)) == BookingState("cancelled", CLAIMED, START, END, source_at=at(5))


def test_a_read_that_contradicts_counts_after_three_seconds() -> None:
    late = read(8)
    assert state(CREATED, CANCELLED, late) == BookingState("accepted", PROVED, START, END, read=late)


@pytest.mark.parametrize("shown", [{"status": "pending"}, {"start": START + 1}, {"end": END + 1}])
def test_to_agree_is_to_show_the_same_status_start_and_end(shown: dict[str, Any]) -> None:
    assert state(CREATED, read(2, **({"status": "accepted"} | shown))).standing is CLAIMED
    assert state(CREATED, read(2)).standing is PROVED


def test_a_payment_that_was_initiated_leaves_the_booking_pending() -> None:
    """Whatever status the body claims (facts/calcom.md §1.5)."""
    initiated = told(1, PAYMENT, "accepted")
    assert state(initiated) == BookingState("pending", CLAIMED, START, END, source_at=at(1))
    assert state(initiated, read(2, "pending")).standing is PROVED
    assert state(initiated, read(2, "accepted")).status == "pending"


@pytest.mark.parametrize(
    ("triggers", "is_unpaid"),
    [
        ([PAYMENT], True),
        ([PAYMENT, "BOOKING_PAID"], False),
        (["BOOKING_CREATED", PAYMENT], False),
        (["BOOKING_REQUESTED", PAYMENT], True),
        (["BOOKING_PAID"], False),
        ([], False),
    ],
)
def test_a_booking_is_unpaid(triggers: list[str], is_unpaid: bool) -> None:
    assert unpaid(booking(*(told(second, trigger) for second, trigger in enumerate(triggers)))) is is_unpaid


def test_webhooks_are_ranked_by_making_then_by_sequence_then_by_body() -> None:
    older = told(5, "A", "pending", created_at=at(1))
    assert state(older, told(2, "B", "cancelled", created_at=at(1.001))).status == "cancelled"
    first = told(5, "A", "pending", created_at=at(1), sequence=2, body="a")
    assert state(told(9, "B", "cancelled", created_at=at(1), sequence=1, body="z"), first).status == "pending"
    assert state(told(3, "B", "cancelled", created_at=at(1), sequence=2, body="b"), first).status == "cancelled"


@pytest.mark.parametrize("more", [{"status": None}, {"start": None}])
def test_a_webhook_without_status_or_times_says_nothing_of_the_state(more: dict[str, Any]) -> None:
    flat = told(3, "MEETING_ENDED", **more)
    assert newest_told(booking(CREATED, flat)) == CREATED
    assert newest_told(booking(flat)) is None


# Which read --------------------------------------------------------------------------------------------


def test_of_reads_within_five_seconds_the_newest_version_counts() -> None:
    """Two hosts of Cal.com may be seconds apart; a 404 has no version at all."""
    fresh, lagging, gone = read(1, updated_at=at(9)), read(3, "pending", updated_at=at(8)), read(6, None)
    assert state(fresh, lagging, gone).read == fresh
    assert state(fresh, lagging, read(6.001, None)).read == lagging
    assert state(lagging, read(8.001, None)).missing


def test_of_equal_versions_the_read_begun_last_counts() -> None:
    again = read(3, updated_at=at(9), start=START + 1)
    assert state(read(1, updated_at=at(9)), again).read == again


def test_of_reads_begun_together_the_one_that_knows_more_counts() -> None:
    fuller = read(1, successor="5gRy")
    assert state(fuller, read(1)).read == state(read(1), fuller).read == fuller


def test_a_round_is_proved_by_its_own_answers_alone() -> None:
    older, own = read(4, updated_at=at(3)), read(5, None)
    assert state(older, own, since=at(4)).read == older
    assert state(older, own, since=at(4.001)).read == own
    assert state(older, own, since=at(5)).read == own
    assert state_of(booking(older, own), since=at(5.001)) is None


# Links with a successor -----------------------------------------------------------------------------------


def test_a_link_with_a_successor_is_over_whatever_is_said() -> None:
    lagging = read(3, updated_at=at(2))
    assert state(lagging, superseded=True) == BookingState("cancelled", IMPLIED, START, END, source_at=at(2))
    moved = told(4, start=START + 60_000, end=END + 60_000)
    claimed = BookingState("cancelled", IMPLIED, START + 60_000, END + 60_000, source_at=at(4))
    assert state(moved, lagging, superseded=True) == claimed
    assert state(told(1), read(3, updated_at=at(7)), superseded=True).source_at == at(7)
    assert state(told(1), superseded=True).source_at == at(1)
    assert state_of(BookingFacts(), superseded=True) == BookingState("cancelled", IMPLIED)


@pytest.mark.parametrize("status", ["cancelled", "rejected", "awaiting_host"])
def test_its_own_read_says_better_how_it_ended(status: str) -> None:
    over = read(3, status)
    assert state(CREATED, over, superseded=True) == BookingState(status, PROVED, START, END, read=over)


def test_a_404_of_a_link_with_a_successor_says_nothing() -> None:
    assert state(read(3, None), superseded=True) == BookingState("cancelled", IMPLIED)


# Since when ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "seconds"),
    [
        ((), None),
        ((CREATED,), 1),
        ((CREATED, CANCELLED), 5),
        ((told(5, created_at=at(0)), told(2, created_at=at(1))), 5),  # by arrival, not by rank
        ((CREATED, read(4)), 1),  # the webhook had said it
        ((told(4.2), read(4)), 4.2),
        ((told(4.201), read(4)), 4.201),
        ((told(4), read(3.8)), 4),  # a webhook that comes while the read is answered says it too
        ((read(1),), 1.2),
        ((read(1), read(9)), 1.2),  # an answer that changes nothing
        ((read(1), read(9, "cancelled")), 9.2),
        ((CREATED, read(9, "cancelled")), 9.2),
        ((read(0), read(1, "cancelled"), read(1, updated_at=at(1))), 1.2),  # shown otherwise at the same instant
        ((read(1), read(9, start=START + 1)), 9.2),
        ((read(1), read(9, end=END + 1)), 9.2),
        ((read(1), read(9, successor="5gRy")), 9.2),
        ((read(1), read(9, None)), 9.2),
        ((read(1, None), read(9, None)), 1.2),
        ((CANCELLED, read(6), read(9, "cancelled")), 5),  # denied within three seconds is not denied
        ((CANCELLED, read(8), read(20, "cancelled")), 20.2),  # denied, and done much later
        ((CANCELLED, read(7.999), read(20, "cancelled")), 5),
        ((told(2, created_at=at(0)), read(1), read(9, "cancelled"), read(12)), 12.2),  # back again
    ],
)
def test_a_booking_is_as_it_is_since(facts: tuple[Any, ...], seconds: float | None) -> None:
    assert changed_at(booking(*facts)) == (0 if seconds is None else at(seconds))


def test_an_end_that_a_successor_had_implied_is_no_news() -> None:
    ended = booking(read(9, "cancelled"))
    assert changed_at(ended, implied_at=at(9.199)) == 0
    assert changed_at(ended, implied_at=at(9.2)) == at(9.2)
    assert changed_at(booking(read(9, "rejected")), implied_at=at(2)) == 0
    assert changed_at(booking(read(9)), implied_at=at(2)) == at(9.2)
    assert changed_at(booking(read(9, None)), implied_at=at(2)) == at(9.2)


def test_a_read_behind_the_one_that_decides_learns_nothing() -> None:
    """A 404 of a lagging host does not make the state younger."""
    assert changed_at(booking(read(1), read(4, None))) == at(1.2)
    assert changed_at(booking(read(0.5), read(1), read(4, None))) == at(0.7)
