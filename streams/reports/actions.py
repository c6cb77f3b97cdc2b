"""What a day's figures ask people to do: one named rule each, with the page that says how."""

from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec

from streams.model.rule import SOURCE_RULES, Rule
from streams.reports.causes import Issue
from streams.reports.figures import Figures

#: More false positives than this mean that a rule or a grace is wrong (S4, target KPIs).
FALSE_POSITIVE_RATE_MAX = 0.01
#: Tenants named in one line.
NAMED_MAX = 5


class ActionRule(StrEnum):
    """Why something is asked for, in the order in which it is to be done."""

    RESTORE_SOURCE = "restore_source"  # Plumbline does not hear a source
    TAKE_CRITICAL = "take_critical"  # nobody has looked at critical alerts
    WORK_ON_ISSUE = "work_on_issue"  # alerts of one cause still stand
    CLOSE_OLD = "close_old"  # alerts stand for more than a day
    FOLLOW_THRESHOLD = "follow_threshold"  # a watched figure is beyond its limit
    SAVE_BUDGET = "save_budget"  # the objective's budget is used up
    MEND_RULE = "mend_rule"  # people called too many alerts false
    ANSWER_FASTER = "answer_faster"  # people took too long
    COMPLETE_COVERAGE = "complete_coverage"  # a day that was not wholly compared


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do. `count`: of alerts or tenants, where there is one. `runbook`: the page, where there is one."""

    rule: ActionRule
    text: str
    count: int | None = None
    runbook: str | None = None


def actions_of(
    figures: Figures,
    issues: Sequence[Issue],
    *,
    untaken_critical: int,
    standing_over_a_day: int,
    incomplete: Sequence[str],
    runbook: Callable[[str], str],
    name_of: Callable[[str], str],
) -> tuple[Action, ...]:
    """In the order of `ActionRule`; nothing where nothing is to be done. `incomplete` are tenants."""
    actions = [*_sources(figures, runbook)]
    if untaken_critical:
        text = f"Look at {_alerts(untaken_critical, 'critical ')} that nobody has taken"
        actions.append(Action(rule=ActionRule.TAKE_CRITICAL, text=text, count=untaken_critical))
    actions += [_work_on(issue, name_of) for issue in issues if issue.open and issue.rule not in SOURCE_RULES]
    if standing_over_a_day:
        text = f"Mend or close {_alerts(standing_over_a_day)} older than a day"
        actions.append(Action(rule=ActionRule.CLOSE_OLD, text=text, count=standing_over_a_day))
    actions += [*_thresholds(figures, runbook), *_people(figures)]
    if incomplete:
        named = ", ".join(name_of(tenant) for tenant in incomplete[:NAMED_MAX]) + (
            " …" if len(incomplete) > NAMED_MAX else ""
        )
        text = f"The day was not wholly compared for {named}: see the coverage, and run a full pass"
        actions.append(Action(rule=ActionRule.COMPLETE_COVERAGE, text=text, count=len(incomplete)))
    return tuple(actions)


def _sources(figures: Figures, runbook: Callable[[str], str]) -> list[Action]:
    words = {
        Rule.SOURCE_STALLED: "Bring back the sources that are silent",
        Rule.COVERAGE_GAP: "See the back-fill after lost events through",
        Rule.WEBHOOK_SUBSCRIPTION_DRIFT: "Set Cal.com's webhooks as they should be",
    }
    standing = {one.rule: one.open for one in figures.rules if one.open}
    return [
        Action(rule=ActionRule.RESTORE_SOURCE, text=text, count=standing[rule], runbook=runbook(rule))
        for rule, text in words.items()
        if rule in standing
    ]


def _work_on(issue: Issue, name_of: Callable[[str], str]) -> Action:
    where = "" if issue.event_type is None else f", event type {issue.event_type}"
    text = f"{issue.title}: {_alerts(issue.open, 'open ')} of {name_of(issue.tenant)}{where}"
    return Action(rule=ActionRule.WORK_ON_ISSUE, text=text, count=issue.open, runbook=issue.runbook)


def _thresholds(figures: Figures, runbook: Callable[[str], str]) -> list[Action]:
    texts = {
        "orphans_per_day": ("{value:.0f} orphans in a day, more than {limit:.0f}", Rule.ORPHANED_CALCOM),
        "failed_verifications_per_hour": (
            "{value:.0f} suspicions in one hour could not be checked, more than {limit:.0f}",
            Rule.VERIFICATION_FAILED,
        ),
        "review_waiting": ("{value:.0f} wait for review, more than {limit:.0f}", None),
        "in_sync": ("only {value:.1%} in sync, less than {limit:.0%}", None),
    }
    actions = []
    for one in figures.thresholds:
        if one.breached and one.value is not None:
            text, rule = texts[one.name]
            said = "Find the reason: " + text.format(value=one.value, limit=one.limit)
            page = None if rule is None else runbook(rule)
            actions.append(Action(rule=ActionRule.FOLLOW_THRESHOLD, text=said, runbook=page))
    return actions


def _people(figures: Figures) -> list[Action]:
    actions = []
    objective, response = figures.objective, figures.response
    if objective.burn is not None and objective.burn > 1:
        text = f"The day's budget for {objective.target:.1%} consistency was used {objective.burn:.1f} times"
        actions.append(Action(rule=ActionRule.SAVE_BUDGET, text=text))
    wrong = figures.false_positive_rate
    if wrong is not None and wrong > FALSE_POSITIVE_RATE_MAX:
        text = f"{wrong:.1%} of the resolved alerts were called false: look at their rules, grace and scope"
        actions.append(Action(rule=ActionRule.MEND_RULE, text=text))
    late = response.alerts - response.in_time
    if late:
        minutes = response.limit_seconds // 60
        text = f"{_alerts(late)} waited more than {minutes} min for a first answer: look at routes and escalation"
        actions.append(Action(rule=ActionRule.ANSWER_FASTER, text=text, count=late))
    return actions


def _alerts(count: int, kind: str = "") -> str:
    return f"{count:,} {kind}alert{'' if count == 1 else 's'}"
