"""The closed lists of the field: rules, severities, kinds of subject, resolutions."""

from enum import StrEnum


class Rule(StrEnum):
    """Which inconsistency (design §5). The values are fixed ids."""

    ORPHANED_LOCAL = "orphaned_local"  # an appointment names a booking that Cal.com does not know
    ORPHANED_CALCOM = "orphaned_calcom"  # a live booking has no appointment
    START_TIME_DRIFT = "start_time_drift"  # both live, other start
    END_TIME_DRIFT = "end_time_drift"  # same start, other end
    STATUS_DRIFT = "status_drift"  # mapped status differs
    MISSED_RESCHEDULE = "missed_reschedule"  # the appointment still names an old link of its chain
    PHANTOM_BOOKING = "phantom_booking"  # the call says booked, its flag says not
    APPOINTMENT_MADE_MISMATCH = "appointment_made_mismatch"  # the flag says made, the outcome does not
    MISSING_APPOINTMENT = "missing_appointment"  # the call made an appointment that is not there
    MISSING_DIRECTION = "missing_direction"  # a call without direction
    MISSING_CALL_LINK = "missing_call_link"  # an appointment from a call without its call


class Severity(StrEnum):
    """How bad a standing fault is."""

    CRITICAL = "critical"  # people stand before closed doors
    WARNING = "warning"  # data is wrong, nobody is sent away yet
    INFO = "info"  # worth knowing


class SubjectKind(StrEnum):
    """What an alert is about."""

    BOOKING = "booking"
    APPOINTMENT = "appointment"
    CALL = "call"
    SOURCE = "source"


class AlertStatus(StrEnum):
    """Where an alert stands with people."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """Why an alert is over (design §6)."""

    RECOVERED = "recovered"  # the fault is gone
    HEALED = "healed"  # Plumbline mended it
    LATE = "late"  # the cure's source time lies before detected_at
    EXPIRED = "expired"  # the appointment's end has passed
    SUPERSEDED = "superseded"  # a higher rule speaks for the same cause
    MANUAL = "manual"  # a person mended it
    EXPECTED = "expected"  # a person says it is meant so
    FALSE_POSITIVE = "false_positive"  # a person says it is none
    RULE_DISABLED = "rule_disabled"  # configuration switched the rule off


SEVERITY: dict[Rule, Severity] = {
    Rule.ORPHANED_LOCAL: Severity.CRITICAL,
    Rule.ORPHANED_CALCOM: Severity.CRITICAL,
    Rule.START_TIME_DRIFT: Severity.CRITICAL,
    Rule.END_TIME_DRIFT: Severity.WARNING,
    Rule.STATUS_DRIFT: Severity.CRITICAL,
    Rule.MISSED_RESCHEDULE: Severity.CRITICAL,
    Rule.PHANTOM_BOOKING: Severity.CRITICAL,
    Rule.APPOINTMENT_MADE_MISMATCH: Severity.WARNING,
    Rule.MISSING_APPOINTMENT: Severity.CRITICAL,
    Rule.MISSING_DIRECTION: Severity.WARNING,
    Rule.MISSING_CALL_LINK: Severity.WARNING,
}

#: Seconds between the newest event about a cause and its proving round (design §5).
GRACE_SECONDS: dict[Rule, float] = {
    Rule.ORPHANED_LOCAL: 3,
    Rule.ORPHANED_CALCOM: 3,
    Rule.START_TIME_DRIFT: 2,
    Rule.END_TIME_DRIFT: 2,
    Rule.STATUS_DRIFT: 2,
    Rule.MISSED_RESCHEDULE: 3,
    Rule.PHANTOM_BOOKING: 2,
    Rule.APPOINTMENT_MADE_MISMATCH: 2,
    Rule.MISSING_APPOINTMENT: 4,
    Rule.MISSING_DIRECTION: 2,
    Rule.MISSING_CALL_LINK: 4,
}
