"""Where each rule begins to speak: the bounds themselves, and the neighbours about which it is silent (design §5)."""

from typing import Any

import pytest

from streams.model.judgement import Judgement
from streams.model.rule import Severity
from streams.rules import judge
from streams.rules.violation import Violation
from tests.fact_words import END, START, Facts, change, lookup, read, row, told
from tests.judged_worlds import JUDGED, agreed, call_alone, call_beside, made, moved, replaced
from tests.truth import at

MINUTE = 60_000


def said(facts: Facts) -> list[str]:
    return [f"{violation.rule} {violation.subject}" for violation in judge(facts.all(), Judgement())]


@pytest.mark.parametrize(
    ("start", "end", "rules"),
    [
        (MINUTE, MINUTE, []),
        (-MINUTE, -MINUTE, []),
        (MINUTE + 1, MINUTE + 1, ["start_time_drift 17"]),
        (-MINUTE - 1, 0, ["start_time_drift 17"]),
        (0, MINUTE + 1, ["end_time_drift 17"]),
        (0, -MINUTE - 1, ["end_time_drift 17"]),
        (MINUTE, 2 * MINUTE, ["end_time_drift 17"]),
        (MINUTE + 1, 2 * MINUTE, ["start_time_drift 17"]),
    ],
)
def test_times_drift_by_more_than_a_minute(start: int, end: int, rules: list[str]) -> None:
    assert said(agreed(start=START + start, end=END + end)) == rules


@pytest.mark.parametrize(
    ("here", "there", "differs"),
    [
        ("completed", "accepted", False),
        ("no_show", "accepted", False),
        ("completed", "cancelled", True),
        ("no_show", "pending", True),
        ("confirmed", "accepted", False),
        ("scheduled", "accepted", False),
        ("pending", "accepted", True),
        ("scheduled", "pending", False),
        ("confirmed", "pending", True),
        ("cancelled", "rejected", False),
        ("cancelled", "pending", True),
        ("odd", "cancelled", False),  # an unknown word gives no judgement
        ("confirmed", "awaiting_host", False),
        (None, "cancelled", False),
    ],
)
def test_status_words_differ(here: str | None, there: str, differs: bool) -> None:
    facts = Facts().booking("4fQx", read(2, there)).appointment("17", row(booking="4fQx", status=here))
    assert ("status_drift 17" in said(facts)) is differs


def two_bookings(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    facts = Facts()
    for number, uid, more in (("901", "4fQx", one), ("902", "5gRy", other)):
        facts.booking(uid, read(2, **({"status": "accepted", "hosts": ("7",), "numeric_id": number} | more)))
        held = {"status": "pending"} if more.get("status") == "pending" else {}
        facts.appointment(number, row(booking=uid, start=more.get("start", START), end=END, **held))
    return said(facts)


@pytest.mark.parametrize(
    ("one", "other", "told_of"),
    [
        ({}, {}, ["duplicate_booking 5gRy"]),
        ({"hosts": ("6", "7")}, {"hosts": ("7", "8")}, ["duplicate_booking 5gRy"]),
        ({"series": "s1"}, {"series": "s2"}, ["duplicate_booking 5gRy"]),
        ({"series": "s1"}, {}, ["duplicate_booking 5gRy"]),
        ({"series": "s1"}, {"series": "s1"}, []),
        ({"hosts": ("6",)}, {}, []),
        ({"hosts": ()}, {}, []),  # "unknown" names nobody
        ({"hosts": ()}, {"hosts": ()}, []),
        ({"seated": True}, {}, []),
        ({"status": "pending"}, {}, []),
        ({}, {"status": "pending"}, []),
        ({"start": START + 1}, {}, []),
    ],
)
def test_two_bookings_of_one_host_for_one_start(one: dict[str, Any], other: dict[str, Any], told_of: list[str]) -> None:
    assert two_bookings(one, other) == told_of


def test_a_chain_that_another_row_took_over_does_not_hide_the_next() -> None:
    facts = replaced().booking("8aa", told(1)).booking("8bb", told(2, predecessor="8aa"))
    assert said(facts.appointment("19", row(booking="8aa"))) == ["status_drift 17", "missed_reschedule 19"]


def test_a_booking_that_nobody_holds_does_not_hide_one_that_another_tenant_holds() -> None:
    facts = Facts().booking("4fQx", told(1)).booking("5gRy", told(1), lookup=lookup(3, foreign=("2|8",)))
    assert said(facts) == ["tenant_mismatch 5gRy", "orphaned_calcom 4fQx", "orphaned_calcom 5gRy"]


def test_a_call_whose_row_stands_unlinked_does_not_hide_the_next() -> None:
    facts = call_beside().call("6", change(5, made(booking=None)))
    assert said(facts) == ["missing_appointment 6", "missing_call_link 17"]


@pytest.mark.parametrize(
    ("call", "others"),
    [({"made": False}, ["phantom_booking 5"]), ({"made": None}, []), ({"outcome": None}, ["missing_appointment 5"])],
)
def test_a_call_made_an_appointment_only_where_it_says_so(call: dict[str, Any], others: list[str]) -> None:
    assert said(Facts().call("5", change(4, made(booking=None, **call)))) == others


def test_of_two_successors_the_one_that_is_not_the_newest_is_not_compared() -> None:
    facts = Facts().booking("3eZx", told(0)).booking("4fQx", told(1, predecessor="3eZx", numeric_id="901"))
    facts.booking("5gRy", told(2, predecessor="3eZx", numeric_id="902"))
    facts.appointment("17", row(booking="4fQx", start=START + 2 * MINUTE))
    assert said(facts) == ["missed_reschedule 17"]


@pytest.mark.parametrize("columns", [{"status": "cancelled"}, {"start": END}, {"end": START}, {"booking": None}])
def test_rows_of_a_source_out_of_scope_are_not_compared(columns: dict[str, Any]) -> None:
    """Cal.com's own bookings still are: one that no row holds is an orphan whoever else is out of scope."""
    facts = agreed(**({"source": "walk-in"} | columns))
    rules = {violation.rule for violation in judge(facts.all(), Judgement(synced_sources=frozenset({"web"})))}
    assert rules == ({"orphaned_calcom"} if "booking" in columns else set())


def test_a_row_made_after_its_start_waits_for_nothing() -> None:
    assert only(Facts().appointment("17", row(created_at=START))).grace_ms == 0
    assert only(Facts().appointment("17", row(created_at=START + MINUTE))).grace_ms == 0


def test_a_pending_successor_is_waited_for() -> None:
    assert said(moved([read(4, "pending", predecessor="4fQx")])) == []


def test_never_synced_is_critical_from_a_day_before_its_start() -> None:
    (violation,) = judge(JUDGED["a row without booking"]().all(), Judgement())
    day = 24 * 60 * MINUTE
    assert violation.severity_at(START - day - 1) is Severity.WARNING
    assert violation.severity_at(START - day) is Severity.CRITICAL


def only(facts: Facts) -> Violation:
    (violation,) = judge(facts.all(), Judgement())
    return violation


def test_any_other_rule_is_as_bad_as_it_is() -> None:
    assert only(agreed(start=START + 2 * MINUTE)).severity_at(at(0)) is Severity.CRITICAL
    assert only(agreed(end=END + 2 * MINUTE)).severity_at(END) is Severity.WARNING


def test_a_violation_is_about_its_rule_and_its_subject() -> None:
    assert only(call_alone("901")).identity == ("missing_appointment", "call", "5")


@pytest.mark.parametrize(
    ("attempts", "sync", "rules"),
    [
        (2, "pending", ["stuck_pending 17"]),
        (3, "pending", ["stuck_pending 17", "sync_failed 17"]),
        (3, None, ["sync_failed 17"]),
        (4, "synced", []),
        (None, "failed", ["sync_failed 17"]),
        (None, "synced", []),
    ],
)
def test_a_sync_gave_up_by_word_or_by_three_attempts(attempts: int | None, sync: str | None, rules: list[str]) -> None:
    assert said(agreed(attempts=attempts, sync=sync)) == rules
