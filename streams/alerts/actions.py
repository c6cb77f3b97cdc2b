"""What people do to an alert. Each action touches people's fields alone; the machine's facts stay.

An action that changes nothing (acknowledging twice) is no error and leaves no line in the history.
"""

from typing import assert_never

import msgspec

from streams.alerts.alert import (
    MACHINE,
    PEOPLES_RESOLUTIONS,
    Alert,
    Change,
    Ledger,
    PersonsWord,
    Step,
    TrackedAlert,
    iso_text,
    settled,
)
from streams.alerts.alert import Action as ActionName
from streams.model.ids import Instant, parse_iso
from streams.model.rule import AlertStatus, Resolution

#: A snooze always ends, and not in years.
SNOOZE_DAYS_MAX = 90
_DAY_MS = 86_400_000


class ActionRefused(Exception):
    """The alert's state does not allow this action."""


class ActionMistaken(ActionRefused):
    """What was asked for makes no sense in any state."""


class Acknowledge(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody looks after it."""

    note: str | None = None


class Unacknowledge(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody looks after it any more."""

    note: str | None = None


class Snooze(msgspec.Struct, frozen=True, kw_only=True):
    """Silent until an instant, at most SNOOZE_DAYS_MAX ahead."""

    until: Instant
    note: str | None = None


class Resolve(msgspec.Struct, frozen=True, kw_only=True):
    """A person closes it: one of PEOPLES_RESOLUTIONS."""

    resolution: Resolution
    note: str | None = None


class Reopen(msgspec.Struct, frozen=True, kw_only=True):
    """A person takes a resolution back, their own or the machine's."""

    note: str | None = None


class Assign(msgspec.Struct, frozen=True, kw_only=True):
    """Whose it is; None gives it back."""

    assignee: str | None
    note: str | None = None


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A line for the history."""

    note: str


class Recheck(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides are to be read again; the answer is a finding like any other."""

    note: str | None = None


PersonsAction = Acknowledge | Unacknowledge | Snooze | Resolve | Reopen | Assign | Remark | Recheck


def apply_action(tracked: TrackedAlert, action: PersonsAction, *, actor: str, now: Instant) -> Step:
    """The alert after what `actor` did at `now`. Raises ActionRefused where the state does not allow it."""
    alert, ledger, name = _acted(tracked.alert, tracked.ledger, action, actor, now)
    return _step(tracked, settled(alert, ledger), ledger, name, actor, now, action.note)


def end_snooze(tracked: TrackedAlert, now: Instant) -> Step | None:
    """The alert after its snooze ran out; None while it lasts, or where there is none."""
    until = parse_iso(tracked.alert.snoozed_until)
    if until is None or until > now:
        return None
    awake = msgspec.structs.replace(tracked.alert, snoozed_until=None)
    return _step(tracked, settled(awake, tracked.ledger), tracked.ledger, "snooze_ended", MACHINE, now, None)


def _acted(
    alert: Alert, ledger: Ledger, action: PersonsAction, actor: str, now: Instant
) -> tuple[Alert, Ledger, ActionName]:
    replace = msgspec.structs.replace
    match action:
        case Acknowledge():
            _refuse_if_resolved(alert, "acknowledged")
            if alert.acknowledged_by is None:
                alert = replace(alert, acknowledged_by=actor, acknowledged_at=iso_text(now))
            # Who acknowledges is awake: the snooze is over.
            return replace(alert, snoozed_until=None), ledger, "acknowledged"
        case Unacknowledge():
            return replace(alert, acknowledged_by=None, acknowledged_at=None), ledger, "unacknowledged"
        case Snooze(until=until):
            _refuse_if_resolved(alert, "snoozed")
            _refuse_unless_ahead(until, now)
            return replace(alert, snoozed_until=iso_text(until)), ledger, "snoozed"
        case Resolve(resolution=resolution):
            return alert, _closed(alert, ledger, resolution, now), "resolved"
        case Reopen():
            return replace(alert, snoozed_until=None), _reopened(alert, ledger, now), "reopened"
        case Assign(assignee=assignee):
            return replace(alert, assignee=assignee), ledger, "assigned"
        case Remark():
            return alert, ledger, "noted"
        case Recheck():
            return alert, ledger, "recheck_requested"
        case _:
            assert_never(action)


def _refuse_if_resolved(alert: Alert, what: str) -> None:
    if alert.status is AlertStatus.RESOLVED:
        raise ActionRefused(f"a resolved alert cannot be {what}; reopen it first")


def _refuse_unless_ahead(until: Instant, now: Instant) -> None:
    if until <= now:
        raise ActionMistaken("a snooze must end in the future")
    if until - now > SNOOZE_DAYS_MAX * _DAY_MS:
        raise ActionMistaken(f"a snooze lasts at most {SNOOZE_DAYS_MAX} days")


def _closed(alert: Alert, ledger: Ledger, resolution: Resolution, now: Instant) -> Ledger:
    if resolution not in PEOPLES_RESOLUTIONS:
        raise ActionMistaken(f"a person cannot resolve as {resolution.value}")
    if alert.status is AlertStatus.RESOLVED and alert.resolution is resolution:
        return ledger
    word = PersonsWord(says="resolved", at=iso_text(now), resolution=resolution)
    return msgspec.structs.replace(ledger, word=word)


def _reopened(alert: Alert, ledger: Ledger, now: Instant) -> Ledger:
    if alert.status is not AlertStatus.RESOLVED:
        return ledger
    word = None if ledger.standing else PersonsWord(says="reopened", at=iso_text(now))
    return msgspec.structs.replace(ledger, word=word)


def _step(
    tracked: TrackedAlert,
    after: Alert,
    ledger: Ledger,
    name: ActionName,
    actor: str,
    now: Instant,
    note: str | None,
) -> Step:
    before = tracked.alert
    only_said = name in ("noted", "recheck_requested")
    if before == after and not only_said and note is None:
        return Step(tracked=TrackedAlert(alert=before, ledger=ledger), change=None)
    if before != after:
        after = msgspec.structs.replace(after, updated_at=iso_text(now), version=before.version + 1)
    change = Change(
        at=iso_text(now),
        actor=actor,
        action=name,
        from_status=before.status,
        to_status=after.status,
        note=note,
    )
    return Step(tracked=TrackedAlert(alert=after, ledger=ledger), change=change)
