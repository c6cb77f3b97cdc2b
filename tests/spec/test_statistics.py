"""Figures of a period: rates of what was counted, the objective's budget, the watched limits."""

import pytest

from streams.reports.figures import Figures, RuleFigures, Standing, Threshold, figures_of
from streams.reports.objective import Inconsistent, Measured
from tests.report_words import HOUR_MS, at, counted


def threshold(figures: Figures, name: str) -> Threshold:
    return next(one for one in figures.thresholds if one.name == name)


def measured(hours: float, bookings: int, tenant: str = "3", begin: float = 0) -> Measured:
    """So many bookings of a tenant were looked at for so many hours."""
    span = (at(begin), at(begin + hours))
    return Measured(tenant=tenant, spans=(span,), compared_ms=round(hours * HOUR_MS) * bookings)


def test_of_nothing_there_is_no_rate() -> None:
    figures = figures_of(counted())
    assert figures.recovery_rate is None
    assert figures.false_positive_rate is None
    assert figures.consistency_rate is None
    assert figures.objective.burn is None
    assert figures.objective.consistency_rate is None


def test_what_recovered_was_healed_or_came_late_has_recovered() -> None:
    figures = figures_of(counted(resolutions={"recovered": 6, "healed": 2, "late": 1, "manual": 1}))
    assert figures.recovery_rate == 0.9


def test_what_another_alert_spoke_for_is_neither_recovered_nor_false() -> None:
    figures = figures_of(counted(resolutions={"recovered": 1, "false_positive": 1, "superseded": 98}))
    assert figures.recovery_rate == 0.5
    assert figures.false_positive_rate == 0.5


def test_alerts_of_all_rules_are_added_up() -> None:
    figures = figures_of(
        counted(
            rules=(
                RuleFigures(rule="orphaned_calcom", severity="critical", opened=3, resolved=2, open=1),
                RuleFigures(rule="missing_direction", severity="warning", opened=4, resolved=5, open=0),
            )
        )
    )
    assert (figures.opened, figures.resolved, figures.open) == (7, 7, 1)


def test_the_consistency_rate_is_in_sync_over_compared_and_the_unknown_were_not_compared() -> None:
    standing = Standing(at="2026-11-20T23:59:00.000Z", in_sync=19, differing=1, unknown=80)
    assert figures_of(counted(standing=standing)).consistency_rate == 0.95


def test_the_budget_is_half_a_percent_of_the_booking_minutes_that_were_measured() -> None:
    figures = figures_of(
        counted(measured=(measured(10, bookings=100),), inconsistent=Inconsistent(lasted_ms=75 * 60_000, bookings=2))
    )
    objective = figures.objective
    assert objective.measured_minutes == 600
    assert objective.compared_booking_minutes == 60_000
    assert objective.budget_minutes == 300
    assert objective.inconsistent_booking_minutes == 75
    assert objective.left_minutes == 225
    assert objective.burn == 0.25
    assert objective.consistency_rate == pytest.approx(1 - 75 / 60_000, abs=1e-6)


def test_a_budget_can_be_overdrawn() -> None:
    figures = figures_of(
        counted(measured=(measured(1, bookings=10),), inconsistent=Inconsistent(lasted_ms=6 * 60_000, bookings=1))
    )
    assert figures.objective.burn == 2
    assert figures.objective.left_minutes == -3


def test_hours_in_which_two_tenants_were_looked_at_are_measured_once() -> None:
    seen = (measured(2, bookings=1), measured(2, bookings=3, tenant="9", begin=1))
    objective = figures_of(counted(measured=seen)).objective
    assert objective.measured_minutes == 180
    assert objective.compared_booking_minutes == 2 * 60 + 2 * 60 * 3


@pytest.mark.parametrize(
    ("fields", "name", "breached"),
    [
        ({"orphans_last_day": 5}, "orphans_per_day", False),  # five are allowed, the sixth is too many
        ({"orphans_last_day": 6}, "orphans_per_day", True),
        ({"failed_verifications_peak": 10}, "failed_verifications_per_hour", False),
        ({"failed_verifications_peak": 11}, "failed_verifications_per_hour", True),
        ({"review_waiting": 20}, "review_waiting", False),
        ({"review_waiting": 21}, "review_waiting", True),
        ({"review_waiting": None}, "review_waiting", None),
        ({"standing": None}, "in_sync", None),
        ({"standing": Standing(at="", in_sync=95, differing=5, unknown=0)}, "in_sync", False),
        ({"standing": Standing(at="", in_sync=94, differing=6, unknown=0)}, "in_sync", True),
    ],
)
def test_a_limit_is_breached_beyond_it(fields: dict[str, object], name: str, breached: bool | None) -> None:
    assert threshold(figures_of(counted(**fields)), name).breached is breached
