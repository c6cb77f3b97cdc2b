"""Requests to Cal.com that failed are counted by account, sort and minute, and handed on in few lines."""

import pytest

from connectors.calcom.answers import Answer, Missing, Unavailable, Unusable
from connectors.calcom.failures import LINES_MAX, FailureCount, failure_type_of

#: Noon, in epoch seconds.
NOON = 1_795_694_400.0


def timeout(seconds: float = 0.0) -> Unavailable:
    return Unavailable(reason="timeout", began_at=NOON + seconds)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (timeout(), "network_timeout"),
        (Unavailable(reason="status 503", began_at=NOON, http_status=503), "network_timeout"),
        (Unavailable(reason="rate limited", began_at=NOON, http_status=429), "rate_limit"),
        (Unusable(reason="status 401", began_at=NOON, http_status=401), "schema_error"),
        (Unusable(reason="a list of bookings was expected", began_at=NOON, http_status=200), "schema_error"),
        (Unavailable(reason="breaker open", began_at=NOON), None),  # nothing was asked
        (Missing(began_at=NOON, http_status=404), None),  # a good answer
    ],
)
def test_each_answer_is_one_sort_of_failure_or_none(answer: Answer, failure: str | None) -> None:
    assert failure_type_of(answer) == failure


def test_an_outage_is_a_line_a_minute_however_often_it_is_met() -> None:
    count = FailureCount()
    for second in range(3_600):
        count.see("harbor", timeout(second))
        count.see("harbor", timeout(second + 0.5))
    lines, answering = count.take()
    assert (len(lines), {line.occurrences for line in lines}, answering) == (60, {120}, frozenset())
    assert (lines[0].detected_at.second, lines[0].last_seen_at.second) == (0, 59)
    assert count.take() == ([], frozenset())


def test_an_account_answers_again_when_its_newest_request_was_answered() -> None:
    count = FailureCount()
    count.see("harbor", timeout())
    count.see("harbor", Missing(began_at=NOON + 1, http_status=404))
    count.see("quay", Missing(began_at=NOON, http_status=404))
    count.see("quay", timeout(1))
    lines, answering = count.take()
    assert ({line.account for line in lines}, answering) == ({"harbor", "quay"}, {"harbor"})


def test_what_nobody_took_is_counted_on() -> None:
    count = FailureCount()
    count.see("harbor", timeout(1))
    count.see("quay", Missing(began_at=NOON, http_status=404))
    taken = count.take()
    count.see("harbor", timeout(2))
    count.see("quay", timeout(3))
    count.give_back(*taken)
    lines, answering = count.take()
    assert [(line.account, line.occurrences) for line in lines] == [("harbor", 2), ("quay", 1)]
    assert answering == frozenset()


def test_a_store_that_stays_away_costs_no_more_than_so_many_lines() -> None:
    count = FailureCount()
    for minute in range(LINES_MAX + 10):
        count.see("harbor", timeout(60 * minute))
    lines, _ = count.take()
    assert len(lines) == LINES_MAX
    assert lines[0].detected_at.minute == 10  # the oldest went
