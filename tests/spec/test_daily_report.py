"""The daily report: alerts of one cause are one issue, and what is to be done stands at its end."""

import msgspec

from streams.reports.actions import ActionRule
from streams.reports.causes import ISSUES_MAX, LikelyCause
from streams.reports.figures import Response, RuleFigures
from streams.reports.report import DailyReport, Day, Week
from tests.report_words import at, counted, covered, outage, report, runbook, trouble

CRITICAL = RuleFigures(rule="orphaned_calcom", severity="critical", opened=2, open=1)


def issues(made: DailyReport) -> list[tuple[str, int, LikelyCause]]:
    return [(issue.rule, issue.alerts, issue.cause) for issue in made.issues.items]


def asked(made: DailyReport) -> list[ActionRule]:
    return [action.rule for action in made.actions]


# Top issues -------------------------------------------------------------------------


def test_three_hundred_orphans_of_one_event_type_are_one_issue() -> None:
    made = report(troubles=tuple(trouble(10 + minute / 60, alerts=60) for minute in range(5)))
    [issue] = made.issues.items
    assert (issue.alerts, issue.cause, issue.event_type) == (300, LikelyCause.EVENT_TYPE, "15")
    assert issue.began_at == "2026-11-20T10:00:00.000Z"
    assert issue.runbook == runbook("orphaned_calcom")


def test_the_next_hour_is_another_issue() -> None:
    made = report(troubles=(trouble(10, alerts=5), trouble(10.9, alerts=5), trouble(11.1, alerts=5)))
    assert [issue.alerts for issue in made.issues.items] == [10, 5]


def test_what_hangs_over_the_full_hour_is_not_cut_in_two() -> None:
    made = report(troubles=(trouble(10.95, alerts=3), trouble(11.05, alerts=3)))
    assert [issue.alerts for issue in made.issues.items] == [6]


def test_tenants_rules_accounts_and_event_types_are_apart() -> None:
    made = report(
        troubles=(
            trouble(10, alerts=5),
            trouble(10, alerts=5, tenant="9"),
            trouble(10, alerts=5, rule="orphaned_local"),
            trouble(10, alerts=5, account="quay"),
            trouble(10, alerts=5, event_type="16"),
        )
    )
    assert len(made.issues.items) == 5


def test_single_alerts_of_a_rule_are_put_together_as_scattered() -> None:
    made = report(troubles=tuple(trouble(hour, event_type=str(hour)) for hour in range(2, 22, 3)))
    assert issues(made) == [("orphaned_calcom", 7, LikelyCause.SCATTERED)]
    assert made.issues.items[0].event_type is None


def test_what_began_while_a_source_was_away_says_so() -> None:
    made = report(troubles=(trouble(10, alerts=5),), outages=(outage(9.9, 10.5),))
    assert made.issues.items[0].during == "webhooks:harbor"
    assert made.issues.items[0].cause is LikelyCause.SOURCE


def test_another_tenants_source_or_one_that_was_back_is_no_reason() -> None:
    before, others = outage(8, 9.5), outage(9.9, 10.5, tenant="9")
    made = report(troubles=(trouble(10, alerts=5),), outages=(before, others))
    assert made.issues.items[0].during is None


def test_everybodys_source_is_everybodys_reason() -> None:
    made = report(troubles=(trouble(10, alerts=5),), outages=(outage(9.9, None, "database", "*"),))
    assert made.issues.items[0].during == "database"


def test_many_within_minutes_without_an_event_type_are_a_burst() -> None:
    made = report(troubles=(trouble(10, alerts=20, rule="missing_direction", severity="warning", event_type=None),))
    assert made.issues.items[0].cause is LikelyCause.BURST


def test_critical_ones_come_first_then_what_stands_then_the_larger() -> None:
    made = report(
        troubles=(
            trouble(1, alerts=90, rule="missing_direction", severity="warning", open=90),
            trouble(2, alerts=50),
            trouble(3, alerts=5, rule="orphaned_local", open=1),
            trouble(4, alerts=9, rule="start_time_drift", open=9),
        )
    )
    assert [issue.rule for issue in made.issues.items] == [
        "start_time_drift",
        "orphaned_local",
        "orphaned_calcom",
        "missing_direction",
    ]


def test_what_is_left_out_is_counted() -> None:
    made = report(troubles=tuple(trouble(1, alerts=5, event_type=str(number)) for number in range(ISSUES_MAX + 3)))
    assert len(made.issues.items) == ISSUES_MAX
    assert (made.issues.further, made.issues.further_alerts) == (3, 15)


# Trend ------------------------------------------------------------------------------


def days(opened: list[int]) -> tuple[Day, ...]:
    return tuple(Day(date=f"2026-11-{7 + place:02}", opened=count) for place, count in enumerate(opened))


def test_seven_days_are_compared_with_the_seven_before() -> None:
    made = report(days=days([10] * 7 + [12] * 7), week=Week(recovery_rate=0.9, detection_mean_seconds=None))
    opened = next(change for change in made.trend.changes if change.name == "opened")
    assert (opened.now, opened.before, opened.change) == (84, 70, 0.2)
    assert [day.opened for day in made.trend.days] == [12] * 7


def test_without_a_week_before_nothing_is_compared() -> None:
    made = report(days=days([0] * 10 + [3] * 4), installed_at=at(-24 * 4))
    assert not made.trend.week_before
    assert {change.before for change in made.trend.changes} == {None}


def test_from_nothing_to_something_is_no_percentage() -> None:
    made = report(days=days([0] * 7 + [1] * 7))
    assert {change.change for change in made.trend.changes} == {None}


# Breakdown and actions --------------------------------------------------------------


def test_the_breakdown_begins_with_the_most_frequent_rule() -> None:
    rare = RuleFigures(rule="missing_direction", severity="warning", opened=6)
    made = report(counted(rules=(CRITICAL, rare)))
    assert [(row.rule, row.share) for row in made.breakdown] == [("missing_direction", 0.75), ("orphaned_calcom", 0.25)]


def test_a_quiet_day_asks_for_nothing() -> None:
    assert report().actions == ()


def test_an_issue_that_stands_is_to_be_worked_on_by_its_runbook_and_one_that_is_over_is_not() -> None:
    made = report(troubles=(trouble(10, alerts=5, open=2), trouble(14, alerts=5, rule="orphaned_local")))
    [action] = made.actions
    assert (action.rule, action.count, action.runbook) == (ActionRule.WORK_ON_ISSUE, 2, runbook("orphaned_calcom"))
    assert "Harbor Clinic" in action.text


def test_a_source_that_is_away_comes_before_everything_else() -> None:
    away = RuleFigures(rule="source_stalled", severity="critical", open=1)
    made = report(counted(rules=(away,)), untaken_critical=1, troubles=(trouble(10, alerts=5, open=5),))
    assert asked(made) == [ActionRule.RESTORE_SOURCE, ActionRule.TAKE_CRITICAL, ActionRule.WORK_ON_ISSUE]


def test_each_limit_that_was_breached_asks_why() -> None:
    made = report(counted(orphans_last_day=6, failed_verifications_peak=11, review_waiting=21))
    assert asked(made) == [ActionRule.FOLLOW_THRESHOLD] * 3


def test_slow_answers_and_false_alerts_are_asked_about() -> None:
    made = report(
        counted(response=Response(alerts=4, responded=4, in_time=3), resolutions={"false_positive": 2, "recovered": 98})
    )
    assert asked(made) == [ActionRule.MEND_RULE, ActionRule.ANSWER_FASTER]


def test_a_day_that_was_not_wholly_compared_names_its_tenants() -> None:
    made = report(coverage=(covered(complete=False), covered("9")))
    [action] = made.actions
    assert action.rule is ActionRule.COMPLETE_COVERAGE
    assert "Harbor Clinic" in action.text
    assert "company 9" not in action.text


def test_the_document_has_a_number_for_its_schema() -> None:
    assert msgspec.json.decode(msgspec.json.encode(report()))["schema"] == 1
