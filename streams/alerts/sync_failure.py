"""The ledger of failed syncs (S2, task 2.3): what of an alert, or of an answer of Cal.com, belongs into it.

Two sorts share it: an orphan, with the life of its alert, and an account's trouble with Cal.com, one line a minute and
sort, however often it happened.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from streams.alerts.alert import Alert
from streams.model.rule import AlertStatus, Rule


class FailureType(StrEnum):
    """What failed (S2's closed list)."""

    ORPHANED_CALCOM = "orphaned_calcom"  # a booking without appointment
    ORPHANED_LOCAL = "orphaned_local"  # an appointment without booking
    SCHEMA_ERROR = "schema_error"  # an answer of Cal.com that cannot be used: refused, or of another shape
    NETWORK_TIMEOUT = "network_timeout"  # no answer of Cal.com, or a 5xx
    RATE_LIMIT = "rate_limit"  # Cal.com asked to wait


class ResolutionStatus(StrEnum):
    """Where it stands (S2's closed list)."""

    PENDING = "pending"  # may come right by itself
    RESOLVED = "resolved"  # is over
    MANUAL_REVIEW = "manual_review"  # somebody must decide


#: An orphaned row waits for a person from the start (S2); asking again for an unusable answer hardly helps.
FIRST_STATUS = {
    FailureType.ORPHANED_CALCOM: ResolutionStatus.PENDING,
    FailureType.ORPHANED_LOCAL: ResolutionStatus.MANUAL_REVIEW,
    FailureType.SCHEMA_ERROR: ResolutionStatus.MANUAL_REVIEW,
    FailureType.NETWORK_TIMEOUT: ResolutionStatus.PENDING,
    FailureType.RATE_LIMIT: ResolutionStatus.PENDING,
}
_OF_RULE = {
    Rule.ORPHANED_CALCOM: FailureType.ORPHANED_CALCOM,
    Rule.ORPHANED_LOCAL: FailureType.ORPHANED_LOCAL,
}


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """An account's failed requests of one sort within a minute; `reason` and `http_status` are the newest's."""

    account: str
    failure_type: FailureType
    occurrences: int
    reason: str
    http_status: int | None
    detected_at: datetime
    last_seen_at: datetime


class OrphanFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One episode of an orphan, as the ledger keeps it."""

    alert_id: str
    episode: int
    tenant: str
    calcom_booking_id: str | None
    appointment_id: str | None
    call_id: str | None
    failure_type: FailureType
    detected_at: str
    resolved_at: str | None
    resolution_status: ResolutionStatus
    resolution_notes: str | None


def failure_of(alert: Alert) -> OrphanFailure | None:
    """The line of the alert's present episode; None for an alert that is no failed sync."""
    failure = _OF_RULE.get(alert.rule)
    if failure is None:
        return None
    over = alert.status is AlertStatus.RESOLVED
    return OrphanFailure(
        alert_id=alert.id,
        episode=alert.episode,
        tenant=alert.tenant,
        calcom_booking_id=alert.booking_uid,
        appointment_id=alert.appointment_id,
        call_id=alert.call_id,
        failure_type=failure,
        detected_at=alert.detected_at,
        resolved_at=alert.resolved_at if over else None,
        resolution_status=ResolutionStatus.RESOLVED if over else FIRST_STATUS[failure],
        resolution_notes=alert.resolution.value if over and alert.resolution else None,
    )
