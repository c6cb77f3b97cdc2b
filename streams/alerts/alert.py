"""The alert as everybody sees it (design §6, fixed JSON), and the ledger that decides about it.

Rule 1: `Alert` has exactly the fixed fields, each always present, null where absent, times ISO with Z.
Rule 2: an alert carries ids, times and status words; never a name or a phone number.
Rule 3: what only decides (event times, a person's word) lives in `Ledger`, never in the JSON.
"""

from enum import StrEnum
from typing import Literal

import msgspec

from streams.model.ids import NEVER, Instant, iso, parse_iso
from streams.model.records import Difference, Evidence, Subject
from streams.model.rule import AlertStatus, Resolution, Rule, Severity

SCHEMA = 1

#: What a person may say when closing an alert (contracts.md, "HTTP").
PEOPLES_RESOLUTIONS: frozenset[Resolution] = frozenset(
    {Resolution.MANUAL, Resolution.EXPECTED, Resolution.FALSE_POSITIVE}
)

#: Of these, what a person says about the meaning of a fault, not about its cure.
JUDGEMENTS: frozenset[Resolution] = frozenset({Resolution.EXPECTED, Resolution.FALSE_POSITIVE})

#: Fields of one side by name; values as text, absent null.
SideFields = dict[str, str | None]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """How the alert was proved; `read_at` is when the deciding read was answered."""

    state: Literal["verified", "unverified"]
    read_at: str | None
    attempts: int


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """Pages about the two sides; null where there is none."""

    calcom: str | None
    app: str | None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One fault, for ever under one id; a return is a new `episode` of it."""

    id: str
    tenant: str
    rule: Rule
    severity: Severity
    priority: int  # 1 (first) to 5
    status: AlertStatus
    title: str
    summary: str
    subject: Subject
    booking_uid: str | None
    appointment_id: str | None
    call_id: str | None
    local: SideFields
    calcom: SideFields
    differences: tuple[Difference, ...]
    opened_at: str  # when the fault began, source time
    detected_at: str  # when it was confirmed
    updated_at: str
    resolved_at: str | None
    resolution: Resolution | None
    episode: int
    verification: Proof
    evidence: tuple[Evidence, ...]
    acknowledged_by: str | None
    acknowledged_at: str | None
    snoozed_until: str | None
    assignee: str | None
    baseline: bool
    runbook_url: str
    links: Links
    schema: int
    version: int


class PersonsWord(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said about this episode; `word_that_holds` says how long it counts.

    `at` is when it was said, and never before anything that was heard by then: who speaks has seen all of it,
    whatever the clocks of different hosts say.
    """

    says: Literal["resolved", "reopened"]
    at: str
    resolution: Resolution | None = None


class SnoozeEnd(StrEnum):
    """What ends a snooze before its bound."""

    CHANGE = "change"  # the machine's facts become others
    RESOLUTION = "resolution"  # nothing in this episode: it is silent for the rest of it


class ConditionalSnooze(msgspec.Struct, frozen=True, kw_only=True):
    """A snooze for which the time in `snoozed_until` is but the bound. `heard`: the newest finding when it began."""

    ends_with: SnoozeEnd
    heard: tuple[int, int, int]


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What decides about an alert and is not shown.

    `heard` orders findings: (episode, event time in ms, rank of change); `standing` is the machine's view.
    """

    heard: tuple[int, int, int]
    standing: bool
    resolved_at: str | None = None
    resolution: Resolution | None = None
    starts_at: str | None = None
    word: PersonsWord | None = None
    #: Event time (ms) of the newest finding of this episode that said the fault stands; 0 where none did.
    stood_at: int = 0
    #: None where nobody snoozed it, or until a time alone.
    snooze: ConditionalSnooze | None = None
    #: When the fault came back: (episode, when that was confirmed, ms), the last few (`flapping`).
    returns: tuple[tuple[int, int], ...] = ()
    missed_restatements: int = 0
    #: Closed because nobody restated it, not because somebody said it is over.
    closed_by_absence: bool = False
    #: Of the worker that said so, and how far its count of episodes lies behind ours: it began with an empty state.
    generation: int = 1
    episodes_before: int = 0
    #: What findings of one cause have in common; None where nobody knows.
    event_type: str | None = None
    account: str | None = None


class TrackedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert with its ledger: what the store keeps as one row."""

    alert: Alert
    ledger: Ledger


Action = Literal[
    "opened",
    "updated",
    "reopened",
    "resolved",
    "acknowledged",
    "unacknowledged",
    "acknowledgement_expired",
    "snoozed",
    "snooze_ended",
    "assigned",
    "noted",
    "recheck_requested",
]

#: The actor of every change that no person made.
MACHINE = "plumbline"

#: By what way a change came: a person's word through one of our doors, or the machine.
Through = Literal["api", "slack", "mail", "machine"]


class Change(msgspec.Struct, frozen=True, kw_only=True, rename={"from_status": "from", "to_status": "to"}):
    """One line of an alert's history."""

    at: str
    actor: str
    action: Action
    from_status: AlertStatus | None
    to_status: AlertStatus
    note: str | None = None
    through: Through = "machine"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a transition gives: the alert after it, and the change to record.

    `change` is None where people see no difference; the ledger may still have moved.
    """

    tracked: TrackedAlert
    change: Change | None


def settled(alert: Alert, ledger: Ledger) -> Alert:
    """The alert with status, resolution and resolved_at as ledger and people's fields say.

    The one place where status is decided: a person's word, then the machine's view, snooze, acknowledgement.
    """
    word = word_that_holds(ledger)
    status, resolved_at, resolution = AlertStatus.OPEN, None, None
    if word is not None and word.says == "resolved":
        status, resolved_at, resolution = AlertStatus.RESOLVED, word.at, word.resolution
    elif not ledger.standing and word is None:
        status, resolved_at, resolution = AlertStatus.RESOLVED, ledger.resolved_at, ledger.resolution
    elif alert.snoozed_until is not None:
        status = AlertStatus.SNOOZED
    elif alert.acknowledged_by is not None:
        status = AlertStatus.ACKNOWLEDGED
    return msgspec.structs.replace(alert, status=status, resolved_at=resolved_at, resolution=resolution)


def word_that_holds(ledger: Ledger) -> PersonsWord | None:
    """The person's word, as long as it counts. Event times decide, so the order of arrival cannot.

    expected, false_positive   for the whole episode: what is meant so stays so, however often it is found
    manual                     until the fault is found to stand later than the word: it was not mended
    reopened                   until anything newer is found
    """
    word = ledger.word
    if word is None or word.resolution in JUDGEMENTS:
        return word
    newest = ledger.heard[1] if word.says == "reopened" else ledger.stood_at
    return word if (parse_iso(word.at) or NEVER) >= newest else None


def iso_text(at: Instant) -> str:
    """ISO 8601 in UTC with milliseconds and Z, of an instant that is there."""
    text = iso(at)
    assert text is not None
    return text


def for_tenants_own_eyes(alert: Alert) -> Alert:
    """The alert without restricted evidence: what a key that is not for all tenants may see."""
    shown = tuple(fact for fact in alert.evidence if not fact.restricted)
    return alert if len(shown) == len(alert.evidence) else msgspec.structs.replace(alert, evidence=shown)
