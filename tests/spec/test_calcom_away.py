"""An account's API is stalled: Cal.com does not answer, or answers and shows nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.calcom.account_reports import AccountHearing, AccountPolicy, calcom_report
from connectors.calcom.breaker import BreakerState
from streams.sources.report import SourceReport

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
NEVER_OPENED = BreakerState()


def at(seconds: float) -> datetime:
    return NINE + timedelta(seconds=seconds)


def opened(seconds: float, *, failed: float, state: str = "open") -> BreakerState:
    """A breaker that left `closed` then, and whose newest failure was then."""
    word: Any = state
    return BreakerState(state=word, opened_at=at(seconds).timestamp(), last_failure_at=at(failed).timestamp())


def closed(seconds: float) -> BreakerState:
    return BreakerState(closed_at=at(seconds).timestamp())


def report(
    now: float,
    breaker: BreakerState = NEVER_OPENED,
    *,
    failing: tuple[float, float] | None = None,
    watching_since: float = -3600,
) -> SourceReport | None:
    """`failing`: since when each round of the poll failed, and when the newest did."""
    since, newest = failing or (None, None)
    heard = AccountHearing(
        account="harbor",
        tenants=("1",),
        breaker=breaker,
        polled_through=at(-30),
        poll_failing_since=None if since is None else at(since),
        poll_failed_at=None if newest is None else at(newest),
        poll_failure="status 401",
    )
    return calcom_report(heard, at(now), at(watching_since), AccountPolicy())


def word(*args: Any, **more: Any) -> str | None:
    found = report(*args, **more)
    return None if found is None else found.word


@pytest.mark.parametrize(
    ("now", "breaker", "expected"),
    [
        (59, opened(0, failed=45), "live"),
        (60, opened(0, failed=45), "stalled"),
        (90, opened(0, failed=80, state="half_open"), "stalled"),  # one success is no return yet
        (90, closed(85), "live"),
    ],
)
def test_a_breaker_that_is_not_closed_for_a_minute_is_a_stall(now: float, breaker: BreakerState, expected: str) -> None:
    assert word(now, breaker) == expected


def test_a_breaker_left_open_by_a_former_process_says_nothing_before_its_next_probe() -> None:
    assert word(7200, opened(0, failed=100), watching_since=7190) is None
    assert word(7200, opened(0, failed=7195), watching_since=7190) == "stalled"


def test_a_key_that_was_taken_back_answers_and_shows_nothing() -> None:
    assert word(179, failing=(0, 175)) == "live"
    found = report(180, failing=(0, 175))
    assert found is not None
    assert found.word == "stalled"
    assert "status 401" in found.why


def test_rounds_that_failed_while_calcom_was_away_are_no_refusal() -> None:
    assert word(700, closed(690), failing=(0, 685)) == "live"


def test_a_poll_that_waits_for_its_turn_is_not_refused() -> None:
    assert word(400, failing=(0, 20)) == "live"


def test_what_was_heard_is_what_was_polled() -> None:
    found = report(0)
    assert found is not None
    assert found.heard_through == round(at(-30).timestamp() * 1000)
