"""missing_tenant: a row that names no tenant, so that nobody's rules look at it."""

from collections.abc import Iterator

from streams.facts.cause import Cause
from streams.model.ids import NO_TENANT
from streams.model.judgement import Judgement
from streams.model.records import Difference, Side
from streams.model.rule import Rule, SubjectKind
from streams.rules.violation import RowOf, Violation, local_side, violation

_DIFFERENCE = Difference(field="tenant", local=None, calcom=None)


def judge(cause: Cause, _judgement: Judgement) -> Iterator[Violation]:
    """Whatever a read under `~none` shows has no tenant; one that has got its tenant since is not there any more."""
    if cause.tenant != NO_TENANT:
        return
    for appointment in cause.appointments:
        yield violation(
            Rule.MISSING_TENANT,
            SubjectKind.APPOINTMENT,
            appointment.id,
            two_sided=False,
            appointments=[appointment],
            needs=(RowOf("appointment", appointment.id),),
            booking_uid=appointment.row.booking,
            appointment_id=appointment.id,
            call_id=appointment.row.call,
            local=local_side(appointment, company_id=None),
            differences=(_DIFFERENCE,),
            starts_at=appointment.row.start,
        )
    for call in cause.calls:
        yield violation(
            Rule.MISSING_TENANT,
            SubjectKind.CALL,
            call.id,
            two_sided=False,
            calls=[call],
            needs=(RowOf("call", call.id),),
            booking_uid=call.row.booking,
            call_id=call.id,
            local=Side(booking=call.row.booking, extra={"company_id": None}),
            differences=(_DIFFERENCE,),
        )
