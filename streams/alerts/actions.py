"""What people do to an alert. Each action touches people's fields alone; the machine's facts stay.

Which action is possible in which status is said in `transitions`. One that changes nothing (acknowledging twice) is no
error and leaves no line in the history.
"""

from typing import ClassVar, assert_never

import msgspec

from streams.alerts.alert import (
    PEOPLES_RESOLUTIONS,
    Alert,
    ConditionalSnooze,
    Ledger,
    PersonsWord,
    SnoozeEnd,
    Step,
    Through,
    TrackedAlert,
    iso_text,
    settled,
)
from streams.alerts.alert import Action as ActionName
from streams.alerts.lifecycle import awake
from streams.alerts.step import Author, stepped
from streams.alerts.transitions import refusal
from streams.model.ids import Instant
from streams.model.rule import AlertStatus, Resolution

#: A snooze always ends, and not in years: also one that waits for something else than a time.
SNOOZE_DAYS_MAX = 90
_DAY_MS = 86_400_000

#: What leaves a line in the history though the alert stays as it is.
_SAID: frozenset[ActionName] = frozenset({"noted", "recheck_requested"})


class ActionRefused(Exception):
    """The alert's state does not allow this action."""


class ActionMistaken(ActionRefused):
    """What was asked for makes no sense in any state."""


class Acknowledge(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody looks after it."""

    name: ClassVar[ActionName] = "acknowledged"
    note: str | None = None


class Unacknowledge(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody looks after it any more."""

    name: ClassVar[ActionName] = "unacknowledged"
    note: str | None = None


class Snooze(msgspec.Struct, frozen=True, kw_only=True):
    """Silent until an instant, at most SNOOZE_DAYS_MAX ahead."""

    name: ClassVar[ActionName] = "snoozed"
    until: Instant
    note: str | None = None


class SnoozeUntilChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Silent until the machine's facts become others (both sides, differences, severity, episode)."""

    name: ClassVar[ActionName] = "snoozed"
    note: str | None = None


class SnoozeUntilResolved(msgspec.Struct, frozen=True, kw_only=True):
    """Silent for the rest of this episode."""

    name: ClassVar[ActionName] = "snoozed"
    note: str | None = None


class Resolve(msgspec.Struct, frozen=True, kw_only=True):
    """A person closes it: one of PEOPLES_RESOLUTIONS."""

    name: ClassVar[ActionName] = "resolved"
    resolution: Resolution
    note: str | None = None


class Reopen(msgspec.Struct, frozen=True, kw_only=True):
    """A person takes a resolution back, their own or the machine's."""

    name: ClassVar[ActionName] = "reopened"
    note: str | None = None


class Assign(msgspec.Struct, frozen=True, kw_only=True):
    """Whose it is; None gives it back."""

    name: ClassVar[ActionName] = "assigned"
    assignee: str | None
    note: str | None = None


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A line for the history."""

    name: ClassVar[ActionName] = "noted"
    note: str


class Recheck(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides are to be read again; the answer is a finding like any other."""

    name: ClassVar[ActionName] = "recheck_requested"
    note: str | None = None


PersonsAction = (
    Acknowledge
    | Unacknowledge
    | Snooze
    | SnoozeUntilChanged
    | SnoozeUntilResolved
    | Resolve
    | Reopen
    | Assign
    | Remark
    | Recheck
)


def apply_action(
    tracked: TrackedAlert, action: PersonsAction, *, actor: str, now: Instant, through: Through = "api"
) -> Step:
    """The alert after what `actor` did at `now`, `through` one of our doors.

    Raises ActionRefused where the state does not allow it, ActionMistaken where none does.
    """
    if refused := refusal(action.name, tracked.alert.status):
        raise ActionRefused(refused)
    alert, ledger = _acted(tracked.alert, tracked.ledger, action, actor, now)
    return stepped(
        tracked.alert,
        settled(alert, ledger),
        ledger,
        action.name,
        now,
        note=action.note or _kind_of_snooze(action),
        author=Author(actor=actor, through=through),
        always_told=action.name in _SAID or action.note is not None,
    )


def _acted(alert: Alert, ledger: Ledger, action: PersonsAction, actor: str, now: Instant) -> tuple[Alert, Ledger]:
    replace = msgspec.structs.replace
    match action:
        case Acknowledge():
            if alert.acknowledged_by is None:
                alert = replace(alert, acknowledged_by=actor, acknowledged_at=iso_text(now))
            return awake(alert, ledger)  # who acknowledges is awake
        case Unacknowledge():
            return replace(alert, acknowledged_by=None, acknowledged_at=None), ledger
        case Snooze(until=until):
            _refuse_unless_ahead(until, now)
            return replace(alert, snoozed_until=iso_text(until)), replace(ledger, snooze=None)
        case SnoozeUntilChanged():
            return _snoozed(alert, ledger, SnoozeEnd.CHANGE, now)
        case SnoozeUntilResolved():
            return _snoozed(alert, ledger, SnoozeEnd.RESOLUTION, now)
        case Resolve(resolution=resolution):
            return alert, _closed(alert, ledger, resolution, now)
        case Reopen():
            return _reopened(alert, ledger, now)
        case Assign(assignee=assignee):
            return replace(alert, assignee=assignee), ledger
        case Remark() | Recheck():
            return alert, ledger
        case _:
            assert_never(action)


def _refuse_unless_ahead(until: Instant, now: Instant) -> None:
    if until <= now:
        raise ActionMistaken("a snooze must end in the future")
    if until - now > SNOOZE_DAYS_MAX * _DAY_MS:
        raise ActionMistaken(f"a snooze lasts at most {SNOOZE_DAYS_MAX} days")


def _snoozed(alert: Alert, ledger: Ledger, ends_with: SnoozeEnd, now: Instant) -> tuple[Alert, Ledger]:
    if ledger.snooze is not None and ledger.snooze.ends_with is ends_with:
        return alert, ledger  # said twice: the bound stays where it was
    bound = Instant(now + SNOOZE_DAYS_MAX * _DAY_MS)
    snooze = ConditionalSnooze(ends_with=ends_with, heard=ledger.heard)
    return (
        msgspec.structs.replace(alert, snoozed_until=iso_text(bound)),
        msgspec.structs.replace(ledger, snooze=snooze),
    )


def _kind_of_snooze(action: PersonsAction) -> str | None:
    match action:
        case SnoozeUntilChanged():
            return "until it changes"
        case SnoozeUntilResolved():
            return "until it is resolved"
        case _:
            return None


def _closed(alert: Alert, ledger: Ledger, resolution: Resolution, now: Instant) -> Ledger:
    if resolution not in PEOPLES_RESOLUTIONS:
        raise ActionMistaken(f"a person cannot resolve as {resolution.value}")
    if alert.status is AlertStatus.RESOLVED and alert.resolution is resolution:
        return ledger
    word = PersonsWord(says="resolved", at=_said_at(ledger, now), resolution=resolution)
    return msgspec.structs.replace(ledger, word=word)


def _reopened(alert: Alert, ledger: Ledger, now: Instant) -> tuple[Alert, Ledger]:
    alert, ledger = awake(alert, ledger)
    if alert.status is not AlertStatus.RESOLVED:
        return alert, ledger
    word = None if ledger.standing else PersonsWord(says="reopened", at=_said_at(ledger, now))
    return alert, msgspec.structs.replace(ledger, word=word)


def _said_at(ledger: Ledger, now: Instant) -> str:
    """Never before what was heard by then: the clock of who tells events may be ahead of ours."""
    return iso_text(max(now, Instant(ledger.heard[1])))
