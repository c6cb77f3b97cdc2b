"""The table for docs/reliability.md: what was measured beside what is promised."""

from typing import Any

import pytest

from connectors.world.report import keeps_promise, markdown, target_seconds


def line(p95: float | None) -> dict[str, Any]:
    seconds = {"p50": p95, "p95": p95, "max": p95}
    bound = {"planted": 0, "found": 0, "detection_seconds": dict.fromkeys(("p50", "p95", "max"))}
    found = 0 if p95 is None else 1
    return {
        "planted": 1,
        "found": found,
        "false_alarms": 0,
        "recall": float(found),
        "precision": 1.0 if found else None,
        "detection_seconds": seconds,
        "poll_bound": bound | {"planted": 1, "found": 1, "detection_seconds": seconds},
        "settle_bound": bound,
        "list_bound": bound,
        "events": 3,
    }


@pytest.mark.parametrize(
    ("rule", "seconds"),
    [
        ("phantom_booking", 3.5),  # 2 s of grace
        ("sync_failed", 1.5),  # none
        ("status_drift", 5.5),  # 2 s and the lag wait
        ("orphaned_local", 8.5),  # 3 s, the lag wait, and a second 404
        ("stuck_pending", 21.5),  # shortened to 20 s
    ],
)
def test_the_promise_is_grace_and_a_second_and_a_half_and_two_more_for_a_second_404(rule: str, seconds: float) -> None:
    assert target_seconds(rule) == seconds


@pytest.mark.parametrize(("p95", "kept"), [(5.5, True), (5.51, False), (None, False)])
def test_a_promise_is_kept_up_to_its_bound_and_never_where_nothing_was_found(p95: float | None, kept: bool) -> None:
    assert keeps_promise("status_drift", line(p95)) is kept


def test_the_table_has_a_row_a_rule_and_says_ok_or_short() -> None:
    told = markdown({"rules": {"status_drift": line(4.62), "sync_failed": line(2.0)}, "total": line(4.6)})
    rows = told.splitlines()
    assert rows[2] == "| `status_drift` | 1 | 1 | 0 | 100.00% | 100.00% | 4.6 | 4.6 | 4.6 | 5.5 | ok |"
    assert rows[3].endswith("| 2.0 | 1.5 | short |")
    assert rows[4].startswith("| **total** | 1 | 1 |")
    assert "| poll bound | 1 | 1 | 4.6 | 4.6 | 4.6 | 90 |" in rows
    assert "| list bound | 0 | 0 | – | – | – | 90 |" in rows
    assert len({row.count("|") for row in rows[:5]}) == 1
