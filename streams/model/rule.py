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
    CALL_LINK_MISMATCH = "call_link_mismatch"  # call and appointment name different partners
    RECENT_FAILURE = "recent_failure"  # the call says that making the appointment failed
    STUCK_PENDING = "stuck_pending"  # the sync of an appointment does not get on
    SYNC_FAILED = "sync_failed"  # the sync of an appointment gave up
    NEVER_SYNCED = "never_synced"  # an appointment to come has no booking
    DUPLICATE_APPOINTMENT = "duplicate_appointment"  # two active rows for one appointment
    DUPLICATE_BOOKING = "duplicate_booking"  # one host, one start, two accepted bookings
    TENANT_MISMATCH = "tenant_mismatch"  # another tenant's appointment holds the booking
    MISSING_TENANT = "missing_tenant"  # a row that is nobody's
    VERIFICATION_FAILED = "verification_failed"  # a suspicion that could not be checked
    SOURCE_STALLED = "source_stalled"  # a source is silent, and not because nothing happens
    COVERAGE_GAP = "coverage_gap"  # events were lost, the back-fill is running
    WEBHOOK_SUBSCRIPTION_DRIFT = "webhook_subscription_drift"  # Cal.com no longer tells what it should


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
    Rule.CALL_LINK_MISMATCH: Severity.WARNING,
    Rule.RECENT_FAILURE: Severity.WARNING,
    Rule.STUCK_PENDING: Severity.WARNING,
    Rule.SYNC_FAILED: Severity.WARNING,
    Rule.NEVER_SYNCED: Severity.WARNING,  # critical within 24 h of the start
    Rule.DUPLICATE_APPOINTMENT: Severity.CRITICAL,
    Rule.DUPLICATE_BOOKING: Severity.CRITICAL,
    Rule.TENANT_MISMATCH: Severity.CRITICAL,
    Rule.MISSING_TENANT: Severity.WARNING,
    Rule.VERIFICATION_FAILED: Severity.WARNING,
    Rule.SOURCE_STALLED: Severity.CRITICAL,
    Rule.COVERAGE_GAP: Severity.CRITICAL,
    Rule.WEBHOOK_SUBSCRIPTION_DRIFT: Severity.CRITICAL,
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
    Rule.CALL_LINK_MISMATCH: 4,
    Rule.RECENT_FAILURE: 0,
    Rule.STUCK_PENDING: 300,
    Rule.SYNC_FAILED: 0,
    Rule.NEVER_SYNCED: 900,  # at most half the time to the start
    Rule.DUPLICATE_APPOINTMENT: 4,
    Rule.DUPLICATE_BOOKING: 3,
    Rule.TENANT_MISMATCH: 3,
    Rule.MISSING_TENANT: 2,
    Rule.VERIFICATION_FAILED: 0,
    Rule.SOURCE_STALLED: 0,
    Rule.COVERAGE_GAP: 0,
    Rule.WEBHOOK_SUBSCRIPTION_DRIFT: 0,
}

#: Rules about the sources themselves: judged where the sources are watched, not from facts of bookings and rows.
SOURCE_RULES = frozenset({Rule.SOURCE_STALLED, Rule.COVERAGE_GAP, Rule.WEBHOOK_SUBSCRIPTION_DRIFT})
