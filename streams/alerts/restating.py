"""What a restatement, the list of all findings that a partition holds open, does to an alert."""

import msgspec

from streams.alerts.alert import Step, TrackedAlert, iso_text, settled
from streams.alerts.lifecycle import RANK
from streams.alerts.step import stepped
from streams.model.ids import Instant
from streams.model.records import Restatement
from streams.model.rule import Resolution

#: A restatement may cross a finding on its way; two in a row cannot.
RESTATEMENTS_TO_SUPERSEDE = 2


def apply_absence(tracked: TrackedAlert, at: Instant, now: Instant) -> Step | None:
    """A restatement made at `at` does not contain this alert: the second in a row closes it as `superseded`.

    None where the alert does not stand, or was heard of after the restatement.
    """
    ledger = tracked.ledger
    if not ledger.standing or ledger.heard[1] >= at:
        return None
    missed = ledger.missed_restatements + 1
    if missed < RESTATEMENTS_TO_SUPERSEDE:
        counted = msgspec.structs.replace(ledger, missed_restatements=missed)
        return Step(tracked=TrackedAlert(alert=tracked.alert, ledger=counted), change=None)
    closed = msgspec.structs.replace(
        ledger,
        heard=(ledger.heard[0], int(at), RANK["resolved"]),
        standing=False,
        resolved_at=iso_text(at),
        resolution=Resolution.SUPERSEDED,
        missed_restatements=0,
        closed_by_absence=True,
    )
    alert = settled(tracked.alert, closed)
    note = f"{Resolution.SUPERSEDED.value}: not restated"
    return stepped(tracked.alert, alert, closed, "resolved", now, note=note)


def apply_presence(tracked: TrackedAlert, at: Instant, now: Instant) -> Step | None:
    """A restatement made at `at` contains this alert's episode: misses do not count, an absence is taken back.

    None where neither was the case.
    """
    ledger = tracked.ledger
    if ledger.closed_by_absence and ledger.heard[1] < at:
        heard = (ledger.heard[0], int(at), RANK["updated"])
        stands = msgspec.structs.replace(
            ledger, heard=heard, standing=True, resolved_at=None, resolution=None, missed_restatements=0,
            closed_by_absence=False,
        )  # fmt: skip
        return stepped(tracked.alert, settled(tracked.alert, stands), stands, "reopened", now, note="restated again")
    if not ledger.missed_restatements:
        return None
    counted = msgspec.structs.replace(ledger, missed_restatements=0)
    return Step(tracked=TrackedAlert(alert=tracked.alert, ledger=counted), change=None)


def is_restated(tracked: TrackedAlert, restatement: Restatement) -> bool | None:
    """Whether a restatement contains this alert; None where it says nothing of it (it is being checked).

    A higher episode than the one known is news on its way, not an absence.
    """
    ledger = tracked.ledger
    if restatement.generation < ledger.generation or tracked.alert.id in restatement.checking:
        return None
    episode = dict(restatement.open).get(tracked.alert.id)
    if episode is None:
        return False
    return restatement.generation > ledger.generation or episode + ledger.episodes_before >= tracked.alert.episode
