"""Which webhook still needs a read, and what is kept of a booking when histories are joined (design §4a)."""

from typing import Any

import pytest

from streams.facts.booking import denied_at, join_booking, needs_settling
from streams.model.facts import BookingFacts, Lookup, Snapshot
from tests.fact_words import END, START, booking, lookup, read, told
from tests.truth import at

CREATED, CANCELLED = told(1), told(5, "BOOKING_CANCELLED", "cancelled")


# Settling --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "unsettled"),
    [
        ((), None),
        ((CREATED,), CREATED),
        ((CREATED, read(1)), None),  # agrees at once
        ((CREATED, read(0.999)), CREATED),
        ((CREATED, CANCELLED, read(2)), CANCELLED),
        ((CANCELLED, read(8)), CANCELLED),  # one denial settles nothing
        ((CANCELLED, read(8), read(12.199)), CANCELLED),  # asked again within 4 s of the answer
        ((CANCELLED, read(8), read(12.2)), None),
        ((CANCELLED, read(7.999), read(12.199)), CANCELLED),
        ((CANCELLED, read(7.999, None), read(12.199, "cancelled")), None),
    ],
)
def test_a_webhook_is_settled(facts: tuple[Any, ...], unsettled: Any) -> None:
    assert needs_settling(booking(*facts)) == unsettled


def test_a_webhook_without_status_is_settled_by_a_later_read_that_finds_the_booking() -> None:
    ended = told(5, "MEETING_ENDED", None)
    assert needs_settling(booking(ended, read(7.999))) == ended
    assert needs_settling(booking(ended, read(8, None))) == ended
    assert needs_settling(booking(ended, read(8))) is None
    assert needs_settling(booking(ended, told(4), read(6))) == ended
    # It claims no status: a 404 does not agree with it.
    plain = told(5, "NEW", None, start=None, end=None)
    assert needs_settling(booking(plain, read(6, None))) == plain


def test_the_webhook_that_came_last_is_settled_not_the_one_made_last() -> None:
    late = told(9, created_at=at(0))
    assert needs_settling(booking(CREATED, late)) == late


def test_a_claim_is_denied_when_a_read_that_counts_was_answered() -> None:
    assert denied_at(CANCELLED, booking(read(7.999), read(8), read(9))) == at(8.2)
    assert denied_at(CANCELLED, booking(read(7.999))) is None


# Joining -----------------------------------------------------------------------------------------------------


def test_a_repeat_of_a_body_moves_nothing() -> None:
    again = told(1, arrived=at(7), offset=9)
    assert booking(again, CREATED) == booking(CREATED, again) == BookingFacts(told=(CREATED,))
    slow = read(1, answered=at(7))
    assert booking(slow, read(1)) == booking(read(1), slow) == BookingFacts(reads=(read(1),))


@pytest.mark.parametrize(
    "more",
    [
        {"updated_at": 5},
        {"status": "pending"},
        {"start": START + 1},
        {"end": END + 1},
        {"predecessor": "3eZx"},
        {"successor": "5gRy"},
        {"numeric_id": "17"},
    ],
)
def test_reads_of_one_instant_that_differ_are_both_kept_the_one_that_knows_more_last(more: dict[str, Any]) -> None:
    one, other = read(1), read(1, **({"status": "accepted"} | more))
    assert booking(one, other).reads == booking(other, one).reads == (one, other)


def test_between_facts_that_differ_in_nothing_that_counts_arrival_does_not_decide() -> None:
    for one, other in ((told(1, offset=4), told(1, offset=5)), (read(1, offset=4), read(1, offset=5))):
        assert booking(one, other) == booking(other, one)
    both = [Lookup(Snapshot(5, 9), at(1), at(4), (name,)) for name in ("17", "18")]
    assert len({join_booking(booking(lookup=x), booking(lookup=y)) for x, y in (both, both[::-1])}) == 1


def test_within_one_instant_a_404_stands_before_what_was_found() -> None:
    gone, shown = read(1, None, updated_at=at(9)), read(1, "accepted")
    assert booking(shown, gone).reads == (gone, shown)
    older, newer = read(1, "pending", updated_at=at(3)), read(1, "accepted", updated_at=at(4))
    assert booking(newer, older).reads == (older, newer)


def test_beyond_the_bound_the_oldest_webhooks_and_the_inside_of_equal_reads_go() -> None:
    webhooks = [told(number) for number in range(26)]
    assert booking(*webhooks).told == tuple(webhooks[2:])
    first, reads = read(0, "pending"), [read(number, offset=number) for number in range(1, 12)]
    assert booking(first, *reads).reads == (first, reads[0], *reads[-6:])


def test_the_select_of_the_newer_snapshot_is_kept() -> None:
    older, newer = lookup(1, "17"), lookup(2, "18")
    for first, second in ((older, newer), (newer, older), (None, newer), (newer, None)):
        assert join_booking(BookingFacts(lookup=first), BookingFacts(lookup=second)).lookup == newer
    assert join_booking(booking(), booking()).lookup is None
    early, late = (Lookup(Snapshot(5, 9), at(second), at(4), (name,)) for second, name in ((1, "z"), (2, "a")))
    assert join_booking(BookingFacts(lookup=late), BookingFacts(lookup=early)).lookup == late
