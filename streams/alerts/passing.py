"""What time alone does to an alert: snoozes end, acknowledgements expire. Neither changes whether the fault stands."""

import msgspec

from streams.alerts.alert import Step, TrackedAlert, settled
from streams.alerts.lifecycle import awake
from streams.alerts.step import stepped
from streams.model.ids import Instant, parse_iso
from streams.model.rule import AlertStatus

HOUR_MS = 3_600_000


def end_snooze(tracked: TrackedAlert, now: Instant) -> Step | None:
    """The alert after its snooze ran out; None while it lasts, or where there is none."""
    until = parse_iso(tracked.alert.snoozed_until)
    if until is None or until > now:
        return None
    alert, ledger = awake(tracked.alert, tracked.ledger)
    return stepped(tracked.alert, settled(alert, ledger), ledger, "snooze_ended", now)


def expire_acknowledgement(tracked: TrackedAlert, now: Instant, hours: float) -> Step | None:
    """The alert after its acknowledgement ran out; None while it lasts, or where there is none that counts.

    One that is snoozed or resolved keeps it: nobody waits for a word about it. `hours` 0 is never.
    """
    alert = tracked.alert
    acknowledged_at = parse_iso(alert.acknowledged_at)
    if not hours or alert.status is not AlertStatus.ACKNOWLEDGED or acknowledged_at is None:
        return None
    if acknowledged_at + hours * HOUR_MS > now:
        return None
    nobodys = msgspec.structs.replace(alert, acknowledged_by=None, acknowledged_at=None)
    return stepped(
        alert,
        settled(nobodys, tracked.ledger),
        tracked.ledger,
        "acknowledgement_expired",
        now,
        note=f"was acknowledged by {alert.acknowledged_by}",
    )
