"""The rules: one file each, a predicate over merged facts. To add one: a file, a line in RULES, a spec."""

from collections.abc import Callable, Iterator

from streams.facts.cause import Cause
from streams.model.ids import NO_TENANT
from streams.model.judgement import Judgement
from streams.model.rule import Rule
from streams.rules import (
    appointment_made_mismatch,
    call_link_mismatch,
    duplicate_appointment,
    duplicate_booking,
    end_time_drift,
    missed_reschedule,
    missing_appointment,
    missing_call_link,
    missing_direction,
    missing_tenant,
    never_synced,
    orphaned_calcom,
    orphaned_local,
    phantom_booking,
    recent_failure,
    start_time_drift,
    status_drift,
    stuck_pending,
    sync_failed,
    tenant_mismatch,
)
from streams.rules.violation import Violation

Judge = Callable[[Cause, Judgement], Iterator[Violation]]

RULES: dict[Rule, Judge] = {
    Rule.TENANT_MISMATCH: tenant_mismatch.judge,
    Rule.DUPLICATE_BOOKING: duplicate_booking.judge,
    Rule.ORPHANED_LOCAL: orphaned_local.judge,
    Rule.ORPHANED_CALCOM: orphaned_calcom.judge,
    Rule.START_TIME_DRIFT: start_time_drift.judge,
    Rule.END_TIME_DRIFT: end_time_drift.judge,
    Rule.STATUS_DRIFT: status_drift.judge,
    Rule.MISSED_RESCHEDULE: missed_reschedule.judge,
    Rule.PHANTOM_BOOKING: phantom_booking.judge,
    Rule.APPOINTMENT_MADE_MISMATCH: appointment_made_mismatch.judge,
    Rule.MISSING_APPOINTMENT: missing_appointment.judge,
    Rule.MISSING_DIRECTION: missing_direction.judge,
    Rule.MISSING_CALL_LINK: missing_call_link.judge,
    Rule.RECENT_FAILURE: recent_failure.judge,
    Rule.STUCK_PENDING: stuck_pending.judge,
    Rule.SYNC_FAILED: sync_failed.judge,
    Rule.NEVER_SYNCED: never_synced.judge,
    Rule.CALL_LINK_MISMATCH: call_link_mismatch.judge,
    Rule.DUPLICATE_APPOINTMENT: duplicate_appointment.judge,
    Rule.MISSING_TENANT: missing_tenant.judge,
}
#: Rows without tenant are judged by these alone.
_ABOUT_NOBODY = frozenset({Rule.MISSING_TENANT})


def judge(cause: Cause, judgement: Judgement) -> list[Violation]:
    """Every rule that holds on these facts."""
    bounds = judgement.of(cause.tenant)
    silent = RULES.keys() - _ABOUT_NOBODY if cause.tenant == NO_TENANT else judgement.disabled
    return [
        violation for rule, predicate in RULES.items() if rule not in silent for violation in predicate(cause, bounds)
    ]
