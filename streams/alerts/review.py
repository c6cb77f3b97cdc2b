"""The queue of what a person must decide (S4 §7): which alerts are in it, how urgent, and how an item lives.

    pending ──claim──▶ claimed ──decide──▶ decided
       ▲  ▲───release────┘  │                 │
       │                    ▼                 │
       └───comes back── withdrawn ◀── the alert ended by itself

An alert has at most one item, under the alert's own id. Rule: the alert's life moves the item, never the other way
round; what a decision does to the alert is one of the actions that people have anyhow (`streams.alerts.actions`).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from streams.alerts.alert import Alert, iso_text
from streams.model.ids import Instant
from streams.model.rule import AlertStatus, Resolution, Rule


class ReviewReason(StrEnum):
    """Why a person is needed."""

    APPOINTMENT_VALIDATION_FAILED = "appointment_validation_failed"  # what was promised cannot be shown to exist
    TENANT_MISMATCH = "tenant_mismatch"  # data of two companies mix
    CALCOM_BOOKING_FAILED = "calcom_booking_failed"  # the row is there, its booking is not
    DUPLICATE = "duplicate"  # which of two is the right one?
    TIME_CONFLICT = "time_conflict"  # which of two times was meant?
    OWNER_UNCLEAR = "owner_unclear"  # whose is this row, or which call's?
    FLAGS_CONTRADICT = "flags_contradict"  # the call's columns say two things


#: 1 first. The figures of S4 §7, where the reasons are ours: a failed validation first, then what Cal.com does not
#: hold, then who comes twice or when, then what cannot be placed; everything else last.
PRIORITY: Mapping[ReviewReason, int] = MappingProxyType(
    {
        ReviewReason.APPOINTMENT_VALIDATION_FAILED: 1,
        ReviewReason.TENANT_MISMATCH: 1,
        ReviewReason.CALCOM_BOOKING_FAILED: 2,
        ReviewReason.DUPLICATE: 3,
        ReviewReason.TIME_CONFLICT: 3,
        ReviewReason.OWNER_UNCLEAR: 4,
        ReviewReason.FLAGS_CONTRADICT: 5,
    }
)
#: So many items are meant to wait at most (S4 §10); more is a figure to be watched, not an error.
QUEUE_GOAL = 10

#: Rules that only a person can settle. Not here: what can be mended without asking (a direction, a link, a row that
#: names the older of two links), and the sources.
_REASON: Mapping[Rule, ReviewReason] = MappingProxyType(
    {
        Rule.MISSING_APPOINTMENT: ReviewReason.APPOINTMENT_VALIDATION_FAILED,
        Rule.ORPHANED_CALCOM: ReviewReason.APPOINTMENT_VALIDATION_FAILED,
        Rule.PHANTOM_BOOKING: ReviewReason.APPOINTMENT_VALIDATION_FAILED,
        Rule.VERIFICATION_FAILED: ReviewReason.APPOINTMENT_VALIDATION_FAILED,
        Rule.TENANT_MISMATCH: ReviewReason.TENANT_MISMATCH,
        Rule.ORPHANED_LOCAL: ReviewReason.CALCOM_BOOKING_FAILED,
        Rule.NEVER_SYNCED: ReviewReason.CALCOM_BOOKING_FAILED,
        Rule.SYNC_FAILED: ReviewReason.CALCOM_BOOKING_FAILED,
        Rule.RECENT_FAILURE: ReviewReason.CALCOM_BOOKING_FAILED,
        Rule.DUPLICATE_APPOINTMENT: ReviewReason.DUPLICATE,
        Rule.DUPLICATE_BOOKING: ReviewReason.DUPLICATE,
        Rule.START_TIME_DRIFT: ReviewReason.TIME_CONFLICT,
        Rule.END_TIME_DRIFT: ReviewReason.TIME_CONFLICT,
        Rule.CALL_LINK_MISMATCH: ReviewReason.OWNER_UNCLEAR,
        Rule.MISSING_TENANT: ReviewReason.OWNER_UNCLEAR,
        Rule.APPOINTMENT_MADE_MISMATCH: ReviewReason.FLAGS_CONTRADICT,
    }
)


class ReviewState(StrEnum):
    """Where an item stands. `pending` and `claimed` are the queue."""

    PENDING = "pending"  # waits for somebody
    CLAIMED = "claimed"  # somebody is at it
    DECIDED = "decided"  # a person said what it is
    WITHDRAWN = "withdrawn"  # the fault ended before anybody decided


IN_QUEUE = frozenset({ReviewState.PENDING, ReviewState.CLAIMED})


class Decision(StrEnum):
    """What a person may say."""

    MENDED = "mended"  # put right by hand: the alert is resolved as `manual`
    EXPECTED = "expected"  # meant so: the alert is resolved as `expected`
    FALSE_POSITIVE = "false_positive"  # no fault: the alert is resolved as `false_positive`
    WAIT = "wait"  # will come right, or is done elsewhere: the alert stays open


#: How a decision resolves its alert; None leaves it open.
RESOLUTION_OF: Mapping[Decision, Resolution | None] = MappingProxyType(
    {
        Decision.MENDED: Resolution.MANUAL,
        Decision.EXPECTED: Resolution.EXPECTED,
        Decision.FALSE_POSITIVE: Resolution.FALSE_POSITIVE,
        Decision.WAIT: None,
    }
)


class ReviewRefused(Exception):
    """The item's state does not allow this."""


class ReviewItem(msgspec.Struct, frozen=True, kw_only=True):
    """One alert in the queue; `id` is the alert's. `times`: how often it was put there."""

    id: str
    tenant: str
    rule: Rule
    reason: ReviewReason
    priority: int  # 1 (first) to 5
    state: ReviewState
    booking_uid: str | None
    appointment_id: str | None
    call_id: str | None
    episode: int
    queued_at: str
    updated_at: str
    claimed_by: str | None = None
    claimed_at: str | None = None
    decision: Decision | None = None
    decided_by: str | None = None
    decided_at: str | None = None
    note: str | None = None
    #: When the alert ended; null while it stands.
    ended_at: str | None = None
    times: int = 1
    version: int = 1


def reason_of(rule: Rule) -> ReviewReason | None:
    """Why a person must decide about findings of this rule; None where nobody must."""
    return _REASON.get(rule)


def review_item(alert: Alert) -> ReviewItem | None:
    """The item that an alert in this state calls for; None where nobody has to decide anything.

    Faults older than the installation are not: they were told in one message, and most appointments are over.
    """
    reason = reason_of(alert.rule)
    if reason is None or alert.baseline or alert.status is AlertStatus.RESOLVED:
        return None
    return ReviewItem(
        id=alert.id,
        tenant=alert.tenant,
        rule=alert.rule,
        reason=reason,
        priority=PRIORITY[reason],
        state=ReviewState.PENDING,
        booking_uid=alert.booking_uid,
        appointment_id=alert.appointment_id,
        call_id=alert.call_id,
        episode=alert.episode,
        queued_at=alert.updated_at,
        updated_at=alert.updated_at,
    )


def follow(kept: ReviewItem | None, alert: Alert) -> ReviewItem | None:
    """The item after a change of its alert; the same where nothing changes, None where there is none."""
    wanted = review_item(alert)
    if kept is None or wanted is None:
        return wanted if kept is None else _ended(kept, alert)
    if kept.ended_at is not None or wanted.episode > kept.episode:
        return msgspec.structs.replace(wanted, times=kept.times + 1, version=kept.version + 1)
    moved = msgspec.structs.replace(
        kept, booking_uid=wanted.booking_uid, appointment_id=wanted.appointment_id, call_id=wanted.call_id
    )
    return kept if moved == kept else _changed(moved, alert.updated_at)


def _ended(item: ReviewItem, alert: Alert) -> ReviewItem:
    if item.ended_at is not None:
        return item
    state = ReviewState.WITHDRAWN if item.state in IN_QUEUE else item.state
    return _changed(item, alert.updated_at, state=state, ended_at=alert.updated_at)


def claim(item: ReviewItem, by: str, now: Instant) -> ReviewItem:
    """Somebody is at it; claiming one's own twice changes nothing. Raises ReviewRefused."""
    _refuse_unless_queued(item)
    if item.state is ReviewState.CLAIMED:
        _refuse_unless_own(item, by)
        return item
    at = iso_text(now)
    return _changed(item, at, state=ReviewState.CLAIMED, claimed_by=by, claimed_at=at)


def release(item: ReviewItem, by: str | None, now: Instant) -> ReviewItem:
    """Nobody is at it any more. `by` None may take it from anybody. Raises ReviewRefused."""
    _refuse_unless_queued(item)
    if item.state is ReviewState.PENDING:
        return item
    if by is not None:
        _refuse_unless_own(item, by)
    return _changed(item, iso_text(now), state=ReviewState.PENDING, claimed_by=None, claimed_at=None)


def decide(item: ReviewItem, decision: Decision, note: str | None, by: str, now: Instant) -> ReviewItem:
    """A person said what it is; saying the same again changes nothing. Raises ReviewRefused."""
    if item.state is ReviewState.DECIDED and item.decision is decision:
        return item
    _refuse_unless_queued(item)
    if item.state is ReviewState.CLAIMED:
        _refuse_unless_own(item, by)
    at = iso_text(now)
    return _changed(item, at, state=ReviewState.DECIDED, decision=decision, decided_by=by, decided_at=at, note=note)


def _refuse_unless_queued(item: ReviewItem) -> None:
    if item.state not in IN_QUEUE:
        raise ReviewRefused(f"the item is {item.state.value}, so it is not in the queue any more")


def _refuse_unless_own(item: ReviewItem, by: str) -> None:
    if item.claimed_by != by:
        raise ReviewRefused(f"{item.claimed_by} is at it; they or an admin may release it")


def _changed(item: ReviewItem, at: str, **fields: object) -> ReviewItem:
    return msgspec.structs.replace(item, updated_at=at, version=item.version + 1, **fields)
