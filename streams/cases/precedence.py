"""One cause, one alert: which rule silences which, in families (design §5)."""

from collections.abc import Iterable

import msgspec

from streams.cases.case import Case
from streams.model.records import Finding
from streams.model.rule import Rule
from streams.rules.violation import Violation

#: Where a row should not be as it is at all, what it says in detail is no fault of its own.
_WHOLE_ROW = frozenset({Rule.MISSED_RESCHEDULE, Rule.DUPLICATE_APPOINTMENT})
#: Lower rule → higher rules about the same appointment.
_SAME_APPOINTMENT: dict[Rule, frozenset[Rule]] = {
    Rule.DUPLICATE_APPOINTMENT: frozenset({Rule.MISSED_RESCHEDULE}),
    Rule.ORPHANED_LOCAL: _WHOLE_ROW,
    Rule.STATUS_DRIFT: _WHOLE_ROW,
    Rule.START_TIME_DRIFT: _WHOLE_ROW | {Rule.STATUS_DRIFT},
    Rule.END_TIME_DRIFT: _WHOLE_ROW | {Rule.STATUS_DRIFT, Rule.START_TIME_DRIFT},
    Rule.STUCK_PENDING: frozenset({Rule.SYNC_FAILED}),
    Rule.NEVER_SYNCED: frozenset({Rule.SYNC_FAILED, Rule.DUPLICATE_APPOINTMENT}),
}
#: Lower rule → higher rules about the same newest link.
_SAME_BOOKING: dict[Rule, frozenset[Rule]] = {
    Rule.ORPHANED_CALCOM: frozenset({Rule.TENANT_MISMATCH, Rule.DUPLICATE_BOOKING}),
}
#: Lower rule → higher rules about the same call.
_SAME_CALL: dict[Rule, frozenset[Rule]] = {
    Rule.APPOINTMENT_MADE_MISMATCH: frozenset({Rule.PHANTOM_BOOKING}),
}


class Speaker(msgspec.Struct, frozen=True):
    """A suspicion, or an open finding, as far as it may speak for others."""

    rule: Rule
    appointment_id: str | None
    call_id: str | None
    booking_uid: str | None
    uids: frozenset[str]
    case: Case


def suspecting(violation: Violation, case: Case) -> Speaker:
    """It speaks from suspicion on."""
    uids = frozenset(link.uid for link in violation.links)
    return Speaker(violation.rule, violation.appointment_id, violation.call_id, violation.booking_uid, uids, case)


def standing(case: Case, finding: Finding) -> Speaker:
    """It speaks until it is resolved, though its predicate holds no more: what ends it may be a mere claim."""
    named = (finding.appointment_id, finding.call_id, finding.booking_uid)
    return Speaker(case.rule, *named, frozenset(case.uids), case)


def silences(higher: Speaker, lower: Violation) -> bool:
    """Whether `higher` speaks for `lower`'s cause."""
    if higher.rule in _SAME_APPOINTMENT.get(lower.rule, ()):
        return higher.appointment_id == lower.appointment_id
    if higher.rule in _SAME_CALL.get(lower.rule, ()):
        return higher.call_id == lower.call_id
    if higher.rule in _SAME_BOOKING.get(lower.rule, ()):
        return higher.booking_uid == lower.booking_uid
    if (higher.rule, lower.rule) == (Rule.ORPHANED_CALCOM, Rule.MISSING_APPOINTMENT):
        # The call names the orphaned booking, under any link of its chain.
        return lower.booking_uid in higher.uids
    return False


def silencer_of(lower: Violation, speakers: Iterable[Speaker]) -> Case | None:
    """The case that speaks instead, if there is one."""
    return next((higher.case for higher in speakers if silences(higher, lower)), None)
