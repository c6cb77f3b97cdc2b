"""Webhooks are silent: Cal.com must have sent some, and none came. Seldom said, and never without reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.calcom.account_reports import AccountHearing, AccountPolicy, webhooks_report
from connectors.calcom.announced import AnnouncedChanges, ChangeCounter
from connectors.calcom.booking import Booking

POLICY = AccountPolicy()
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NINE + timedelta(seconds=seconds)


def booking(uid: str, status: str = "accepted", made: float = -86_400, **more: Any) -> Booking:
    text = at(made).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"uid": uid, "status": status, "createdAt": text, "eventTypeId": 7, **more}


class Poll:
    """Rounds of an account's poll, each of which begins and ends at once."""

    def __init__(self, *known: Booking, event_types: tuple[str, ...] = ()) -> None:
        self.counter = ChangeCounter(event_types)
        self.found: list[AnnouncedChanges] = []
        self.shows(0, *known)

    def shows(self, seconds: float, *bookings: Booking) -> int:
        """A round; how many changes it found that a webhook must have told."""
        self.counter.see(bookings)
        changes = self.counter.round_ended(at(seconds), at(seconds))
        if changes is None:
            return 0
        self.found.append(changes)
        return changes.changes

    def state(self, now: float, *, delivered: float | None = None, listened: float | None = None) -> str | None:
        heard = AccountHearing(
            account="harbor",
            tenants=("1",),
            changes=tuple(self.found),
            delivered_at=None if delivered is None else at(delivered),
            listened_at=at(now if listened is None else listened),
        )
        report = webhooks_report(heard, at(now), POLICY)
        return None if report is None else report.word


# Which changes count ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [
        (None, booking("a", made=30), 1),  # made since the last round
        (None, booking("a", "pending", made=30), 1),  # asked for, to be confirmed
        (None, booking("a", made=-86_400), 0),  # old, and seen for the first time: edited, who knows how
        (booking("a"), booking("a", "cancelled"), 1),
        (booking("a", "pending"), booking("a", "rejected"), 1),
        (booking("a", "pending"), booking("a", "accepted"), 1),
        (booking("a"), booking("a"), 0),  # host, place or times changed in place: no trigger
        (booking("a"), booking("a", "cancelled", rescheduledToUid="b"), 0),  # its successor tells it
        (booking("a"), booking("a", "awaiting_host"), 0),  # a word that nobody announces
    ],
)
def test_a_change_counts_if_a_trigger_exists_for_it(before: Booking | None, after: Booking, counted: int) -> None:
    poll = Poll(*([before] if before else []))
    assert poll.shows(45, after) == counted


def test_the_first_round_after_a_start_counts_nothing() -> None:
    assert not Poll(booking("a", made=-5), booking("b", "cancelled", made=-5)).found


def test_a_series_is_told_by_one_webhook() -> None:
    poll = Poll(*(booking(uid, recurringBookingUid="s") for uid in "abc"))
    assert poll.shows(45, *(booking(uid, "cancelled", recurringBookingUid="s") for uid in "abc")) == 1


def test_a_booking_shown_by_two_pages_of_a_round_counts_once() -> None:
    poll = Poll()
    poll.counter.see([booking("a", made=30)])
    assert poll.shows(45, booking("a", made=30)) == 1


def test_event_types_out_of_scope_do_not_count() -> None:
    poll = Poll(event_types=("8",))
    assert poll.shows(45, booking("a", made=30), booking("b", made=30, eventTypeId=8)) == 1


def test_what_a_failed_round_saw_counts_with_the_next_and_may_be_as_old_as_the_last_good_one() -> None:
    poll = Poll()
    poll.counter.see([booking("a", made=30)])  # and then a page could not be read
    assert poll.shows(90) == 1
    assert poll.found[0].made_after < at(0)


# When they are silent --------------------------------------------------------------


def three_changes() -> Poll:
    poll = Poll()
    for number in (1, 2, 3):
        poll.shows(45 * number, booking(str(number), made=45 * number - 10))
    return poll


def test_three_changes_without_any_webhook_for_two_minutes_are_silence() -> None:
    poll = three_changes()
    assert [poll.state(now) for now in (136, 164, 165, 900)] == ["live", "live", "stalled", "stalled"]


def test_two_changes_are_not_enough_however_long_ago() -> None:
    poll = Poll()
    poll.shows(45, booking("a", made=30), booking("b", made=30))
    assert poll.state(7200) == "live"


def test_webhooks_that_came_in_time_are_none_however_quiet_it_is_afterwards() -> None:
    poll = Poll()
    poll.shows(45, *(booking(uid, made=5) for uid in "abc"))
    # All were told before the poll saw them.
    assert poll.state(7200, delivered=6) == "live"


def test_silence_ends_with_the_next_webhook() -> None:
    poll = three_changes()
    assert poll.state(300, delivered=-3600) == "stalled"
    assert poll.state(300, delivered=299) == "live"


def test_changes_that_could_be_older_than_the_last_webhook_do_not_count() -> None:
    # The replica may have lagged: the change may have been made, and told, before the round before.
    poll = three_changes()
    assert poll.state(7200, delivered=31) == "live"  # only the third is certainly later


def test_while_nobody_listens_nobody_is_called_silent() -> None:
    poll = three_changes()
    assert poll.state(300, listened=150) is None


def test_silence_is_measured_by_what_was_listened_to() -> None:
    poll = three_changes()
    assert poll.state(170, listened=145) == "live"
