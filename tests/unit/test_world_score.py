"""The score that is drawn from the ledger of truth."""

from typing import Any

import pytest

from connectors.world.instants import SECOND, with_millis
from connectors.world.ledger import Bound, Fault, Subject, Trap
from connectors.world.score import percentile, score

T0 = 1_790_000_000_000

# The words of this specification -----------------------------------------------------


def at(seconds: float) -> str:
    return with_millis(T0 + round(seconds * SECOND))


def fault(
    rule: str = "status_drift",
    subject: str = "1",
    *,
    complete: float = 0,
    ended: float | None = None,
    bound: Bound | None = None,
) -> Fault:
    return Fault(
        id=f"{rule}-{subject}",
        rule=rule,
        way="somehow",
        tenant="1",
        subject=Subject(kind="appointment", id=subject),
        complete_at=at(complete),
        ended_at=None if ended is None else at(ended),
        bound=bound,
        changes=2,
    )


def alert(
    rule: str = "status_drift",
    subject: str = "1",
    *,
    readable: float = 5,
    detected: float | None = None,
    tenant: str = "1",
) -> dict[str, Any]:
    return {
        "id": f"alert-{rule}-{subject}",
        "rule": rule,
        "tenant": tenant,
        "subject": {"kind": "appointment", "id": subject},
        "detected_at": at(readable - 0.5 if detected is None else detected),
        "readable_at": at(readable),
    }


# The score ---------------------------------------------------------------------------


def test_a_fault_that_is_told_is_found_and_timed_from_its_completion() -> None:
    result = score([fault(complete=2)], [alert(readable=7.25)], events=12)
    assert result.passed
    assert result.board["rules"]["status_drift"] == {
        "planted": 1,
        "found": 1,
        "false_alarms": 0,
        "recall": 1.0,
        "precision": 1.0,
        "detection_seconds": {"p50": 5.25, "p95": 5.25, "max": 5.25},
        "poll_bound": {"planted": 0, "found": 0, "detection_seconds": {"p50": None, "p95": None, "max": None}},
        "settle_bound": {"planted": 0, "found": 0, "detection_seconds": {"p50": None, "p95": None, "max": None}},
        "list_bound": {"planted": 0, "found": 0, "detection_seconds": {"p50": None, "p95": None, "max": None}},
        "events": 2,
    }
    assert result.board["total"]["events"] == 12


def test_a_fault_that_is_not_told_is_missed() -> None:
    result = score([fault()], [])
    assert not result.passed
    assert result.missed == ("status_drift-1",)
    assert result.board["total"]["recall"] == 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        alert("start_time_drift"),
        alert(subject="2"),
        alert(tenant="2"),
    ],
    ids=["another rule", "another subject", "another tenant"],
)
def test_an_alert_about_something_else_is_false_and_finds_nothing(wrong: dict[str, Any]) -> None:
    result = score([fault()], [wrong])
    assert (result.missed, len(result.false_alarms)) == (("status_drift-1",), 1)


def test_an_alert_of_a_rule_that_was_not_planted_counts_in_the_total_alone() -> None:
    result = score([fault()], [alert(), alert("source_stalled", "calcom")])
    assert not result.passed
    assert set(result.board["rules"]) == {"status_drift"}
    assert result.board["rules"]["status_drift"]["false_alarms"] == 0
    assert result.board["total"]["false_alarms"] == 1
    assert result.board["total"]["precision"] == 0.5


@pytest.mark.parametrize(
    ("ended", "detected", "is_true"),
    [
        (None, 500, True),
        (100, 90, True),
        (100, 110, True),  # it existed 10 s before
        (100, 110.1, False),
    ],
)
def test_an_alert_is_true_if_the_fault_was_there_ten_seconds_before_it_was_detected(
    ended: float | None, detected: float, is_true: bool
) -> None:
    result = score([fault(ended=ended)], [alert(detected=detected, readable=detected + 0.5)])
    assert (not result.false_alarms) is is_true
    assert (not result.missed) is is_true


@pytest.mark.parametrize(
    ("rule", "lived", "counts"),
    [
        ("status_drift", 13.9, False),
        ("status_drift", 14.0, True),
        ("phantom_booking", 11.9, False),
        ("phantom_booking", 12.0, True),
        ("missing_appointment", 15.9, False),
        ("recent_failure", 10.0, True),
        ("stuck_pending", 29.9, False),
    ],
)
def test_a_fault_that_lived_less_than_grace_and_ten_seconds_counts_neither_way(
    rule: str, lived: float, counts: bool
) -> None:
    short = fault(rule, ended=lived)
    assert short.counts is counts
    untold, told = score([short], []), score([short], [alert(rule)])
    assert untold.passed is not counts
    assert told.passed
    assert told.board["rules"][rule]["planted"] == int(counts)


def test_bound_faults_stand_apart_and_are_missed_all_the_same() -> None:
    ledger = [fault(), fault(subject="2", bound="poll_bound"), fault(subject="3", bound="list_bound")]
    result = score(ledger, [alert(), alert(subject="2", readable=95)])
    line = result.board["rules"]["status_drift"]
    assert (line["planted"], line["found"], line["false_alarms"]) == (1, 1, 0)
    assert line["detection_seconds"]["max"] == 5.0
    assert line["poll_bound"] == {
        "planted": 1,
        "found": 1,
        "detection_seconds": {"p50": 95.0, "p95": 95.0, "max": 95.0},
    }
    assert (line["list_bound"]["planted"], line["list_bound"]["found"]) == (1, 0)
    assert result.missed == ("status_drift-3",)
    assert result.late == ("status_drift-2",)
    assert not result.passed


def test_the_first_episode_that_tells_it_counts() -> None:
    result = score([fault()], [alert(readable=40), alert(readable=6)])
    assert result.board["total"]["detection_seconds"]["p50"] == 6.0


def test_traps_are_no_faults() -> None:
    trap = Trap(id="t", way="row_late", tenant="1", text="row late", subjects=(), at=at(0))
    assert score([trap], []).passed


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([3.0], 0.95, 3.0), ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0), (list(range(1, 101)), 0.95, 95)],
)
def test_percentiles_are_nearest_ranks(values: list[float], share: float, expected: float | None) -> None:
    assert percentile(values, share) == expected
