"""The lifecycle as data: what can be done to an alert in which status, and where it leads.

A line is an action, as the history calls it; a column is the status before it (None: there was no alert yet). A cell
holds where the action may lead, or the sentence that refuses it; a status without a cell cannot meet the action.
Which of several it is follows from the rest of the alert (`alert.settled`): an acknowledged alert that was snoozed,
too, wakes up acknowledged.
"""

from streams.alerts.alert import Action
from streams.model.rule import AlertStatus

Cell = frozenset[AlertStatus] | str

_OPEN, _ACKNOWLEDGED, _SNOOZED, _RESOLVED = (
    AlertStatus.OPEN,
    AlertStatus.ACKNOWLEDGED,
    AlertStatus.SNOOZED,
    AlertStatus.RESOLVED,
)


def _to(*statuses: AlertStatus) -> frozenset[AlertStatus]:
    return frozenset(statuses)


_STAYS: dict[AlertStatus | None, Cell] = {status: _to(status) for status in AlertStatus}

TRANSITIONS: dict[Action, dict[AlertStatus | None, Cell]] = {
    # What people do.
    "acknowledged": {
        _OPEN: _to(_ACKNOWLEDGED),
        _ACKNOWLEDGED: _to(_ACKNOWLEDGED),
        _SNOOZED: _to(_ACKNOWLEDGED),
        _RESOLVED: "a resolved alert cannot be acknowledged; reopen it first",
    },
    "unacknowledged": {
        _OPEN: _to(_OPEN),
        _ACKNOWLEDGED: _to(_OPEN),
        _SNOOZED: _to(_SNOOZED),
        _RESOLVED: _to(_RESOLVED),
    },
    "snoozed": {
        _OPEN: _to(_SNOOZED),
        _ACKNOWLEDGED: _to(_SNOOZED),
        _SNOOZED: _to(_SNOOZED),
        _RESOLVED: "a resolved alert cannot be snoozed; reopen it first",
    },
    "assigned": _STAYS,
    "noted": _STAYS,
    "recheck_requested": _STAYS,
    # What people and findings do.
    "resolved": {
        None: _to(_RESOLVED),
        _OPEN: _to(_RESOLVED),
        _ACKNOWLEDGED: _to(_RESOLVED),
        _SNOOZED: _to(_RESOLVED),
        _RESOLVED: _to(_RESOLVED),
    },
    "reopened": {
        _OPEN: _to(_OPEN),
        _ACKNOWLEDGED: _to(_OPEN, _ACKNOWLEDGED),
        _SNOOZED: _to(_OPEN, _ACKNOWLEDGED),
        _RESOLVED: _to(_OPEN, _ACKNOWLEDGED, _SNOOZED),
    },
    # What findings do.
    "opened": {None: _to(_OPEN)},
    "updated": _STAYS,
    # What time does; a change of facts ends a snooze, too.
    "snooze_ended": {_SNOOZED: _to(_OPEN, _ACKNOWLEDGED), _RESOLVED: _to(_RESOLVED)},
    "acknowledgement_expired": {_ACKNOWLEDGED: _to(_OPEN)},
}


def refusal(action: Action, status: AlertStatus) -> str | None:
    """Why a person cannot do this in this status; None where it is possible."""
    cell = TRANSITIONS[action][status]
    return cell if isinstance(cell, str) else None


def leads_to(action: Action, status: AlertStatus | None) -> frozenset[AlertStatus]:
    """Where the action may lead from this status: nowhere, if it is refused or cannot happen."""
    cell = TRANSITIONS[action].get(status, frozenset())
    return frozenset() if isinstance(cell, str) else cell
