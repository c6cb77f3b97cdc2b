"""The application's own word on its sync to Cal.com: what stuck_pending and sync_failed share."""

from collections.abc import Iterator

from streams.facts.cause import Appointment, Cause
from streams.model.records import Difference
from streams.model.rule import Rule, SubjectKind
from streams.rules.violation import Need, Violation, local_side, row_ends_at, violation

PENDING = "pending"
FAILED = "failed"
SYNCED = "synced"
#: What has happened needs no sync any more; a cancellation that was never carried over does.
_HAPPENED = frozenset({"completed", "no_show"})


def unhappened(cause: Cause) -> Iterator[Appointment]:
    """Appointments whose sync still matters: in any status but completed and no_show."""
    return (appointment for appointment in cause.appointments if appointment.row.status not in _HAPPENED)


def unsynced(rule: Rule, appointment: Appointment, *, newest: int, needs: tuple[Need, ...]) -> Violation:
    """Grace counts from `newest`, a change of the sync alone: nothing else about the row restarts it (design §4a)."""
    row = appointment.row
    columns = {
        "calcom_sync_status": row.sync,
        "sync_attempt_count": None if row.attempts is None else str(row.attempts),
    }
    return violation(
        rule,
        SubjectKind.APPOINTMENT,
        appointment.id,
        two_sided=False,
        newest=newest,
        since=min(newest, appointment.state.sync_source_at),
        appointments=[appointment],
        until=row_ends_at(appointment),
        needs=needs,
        booking_uid=appointment.link.uid if appointment.link else row.booking,
        appointment_id=appointment.id,
        call_id=row.call,
        local=local_side(appointment, **columns),
        differences=(Difference(field="calcom_sync_status", local=row.sync, calcom=None),),
        starts_at=row.start,
    )
