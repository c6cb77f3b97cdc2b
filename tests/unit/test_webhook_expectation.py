"""Which webhook a state of a booking lets expect: only one that Cal.com surely sends."""

from datetime import UTC, datetime

import pytest

from connectors.webhook_expectation import expectation_of

SEEN = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
MADE, CHANGED = "2026-03-02T09:00:00.000Z", "2026-03-02T09:03:00.000Z"


def expected(**booking: object) -> tuple[str, ...]:
    """The trigger to expect and those that say as much."""
    whole = {"uid": "4fQ", "createdAt": MADE, "updatedAt": CHANGED, **booking}
    found = expectation_of(whole, "harbor", "1", SEEN)
    return () if found is None else found.satisfied_by


@pytest.mark.parametrize(
    ("booking", "triggers"),
    [
        ({"status": "accepted"}, ("BOOKING_CREATED", "BOOKING_PAID")),
        ({"status": "pending"}, ("BOOKING_REQUESTED", "BOOKING_PAYMENT_INITIATED")),
        ({"status": "rejected"}, ("BOOKING_REJECTED",)),
        ({"status": "cancelled"}, ("BOOKING_CANCELLED",)),
        # A confirmed reschedule is announced like a new booking.
        (
            {"status": "accepted", "rescheduledFromUid": "3dP"},
            ("BOOKING_RESCHEDULED", "BOOKING_CREATED", "BOOKING_PAID"),
        ),
        # Its successor tells the end of a booking that was moved.
        ({"status": "cancelled", "rescheduledToUid": "5gR"}, ()),
        # Of a series, one webhook tells the end and the confirmation of all.
        ({"status": "cancelled", "recurringBookingUid": "s1"}, ()),
        ({"status": "accepted", "recurringBookingUid": "s1"}, ("BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_PAID")),
        ({"status": "awaiting_host"}, ()),  # no trigger is known to tell of it
    ],
)
def test_only_what_is_surely_announced_is_expected(booking: dict[str, object], triggers: tuple[str, ...]) -> None:
    assert expected(**booking) == triggers


def test_a_live_booking_counts_from_its_making_and_a_dead_one_from_its_end() -> None:
    live = expectation_of({"uid": "4fQ", "status": "accepted", "createdAt": MADE, "updatedAt": CHANGED}, "a", "1", SEEN)
    dead = expectation_of(
        {"uid": "4fQ", "status": "cancelled", "createdAt": MADE, "updatedAt": CHANGED}, "a", "1", SEEN
    )
    assert live is not None
    assert dead is not None
    assert live.changed_at == datetime.fromisoformat(MADE)
    assert dead.changed_at == datetime.fromisoformat(CHANGED)


def test_without_an_instant_nothing_can_be_late() -> None:
    assert expected(status="accepted", createdAt=None, updatedAt=None) == ()
