"""The table of the lifecycle is what the lifecycle does: every action of a person, in every status."""

import pytest

from streams.alerts.actions import (
    Acknowledge,
    ActionRefused,
    Assign,
    PersonsAction,
    Recheck,
    Remark,
    Reopen,
    Resolve,
    Snooze,
    SnoozeUntilChanged,
    SnoozeUntilResolved,
    Unacknowledge,
)
from streams.alerts.transitions import TRANSITIONS, leads_to, refusal
from streams.model.rule import AlertStatus, Resolution
from tests.alert_words import Life, at, finding

OPENED, RESOLVED = finding("opened", 1), finding("resolved", 5, proved=1)
ACTIONS: list[PersonsAction] = [
    Acknowledge(),
    Unacknowledge(),
    Snooze(until=at(560)),
    SnoozeUntilChanged(),
    SnoozeUntilResolved(),
    Resolve(resolution=Resolution.MANUAL),
    Reopen(),
    Assign(assignee="ben"),
    Remark(note="called"),
    Recheck(),
]


def in_status(status: AlertStatus) -> Life:
    life = Life().hears(OPENED)
    match status:
        case AlertStatus.ACKNOWLEDGED:
            return life.does(Acknowledge())
        case AlertStatus.SNOOZED:
            return life.does(Snooze(until=at(600)))
        case AlertStatus.RESOLVED:
            return life.hears(RESOLVED)
        case AlertStatus.OPEN:
            return life


@pytest.mark.parametrize("status", list(AlertStatus))
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: type(action).__name__)
def test_an_action_of_a_person_leads_where_the_table_says_or_is_refused_with_its_sentence(
    action: PersonsAction, status: AlertStatus
) -> None:
    life = in_status(status)
    sentence = refusal(action.name, status)
    if sentence is None:
        assert life.does(action).alert.status in leads_to(action.name, status)
        return
    with pytest.raises(ActionRefused, match=sentence):
        life.does(action)


def test_nothing_but_looking_after_or_silencing_what_is_over_is_refused() -> None:
    refused = [
        (action, status)
        for action, cells in TRANSITIONS.items()
        for status, cell in cells.items()
        if isinstance(cell, str)
    ]
    assert refused == [("acknowledged", AlertStatus.RESOLVED), ("snoozed", AlertStatus.RESOLVED)]
