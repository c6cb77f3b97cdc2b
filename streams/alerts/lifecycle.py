"""What the machine's findings do to an alert.

Findings arrive late, twice and in any order; (episode, event time) decides, never arrival:

    newer in the same episode     the facts are replaced; resolved closes, anything else keeps it standing
    of a higher episode           the fault came back: reopened, people's word on the old episode is over
    older, of the same episode    no facts, but a testimony: it stood then (against a person's `manual`), or
                                  looked otherwise (which ends a snooze "until it changes")
    heard already                 ignored
    of a new worker               it counts episodes from 1: the count goes on where the old worker's stood

People's fields (acknowledgement, snooze, assignee, their word) are never touched within an episode, but for the
snooze that was to end with a change. How long their word holds: `alert.word_that_holds`.
"""

import msgspec

from streams.alerts.alert import Action, Alert, Ledger, SnoozeEnd, Step, TrackedAlert, settled
from streams.alerts.composing import composed, facts_of, facts_shown, instant_of
from streams.alerts.flapping import with_return
from streams.alerts.step import stepped
from streams.alerts.surroundings import Surroundings
from streams.model.ids import Instant
from streams.model.records import Finding
from streams.model.rule import AlertStatus, Resolution

RANK = {"opened": 0, "updated": 1, "resolved": 2}

#: (episode, event time in ms, rank of change).
Order = tuple[int, int, int]


def apply_finding(tracked: TrackedAlert | None, finding: Finding, around: Surroundings) -> Step | None:
    """The alert after a finding; None where the finding says nothing that is not known.

    Raises ValueError when a time of the finding is no ISO instant.
    """
    before = _episodes_before(tracked, finding)
    if before is None:
        return None
    finding = msgspec.structs.replace(finding, episode=before + finding.episode)
    heard = order_of(finding)
    if tracked is None:
        return _taken(None, Ledger(heard=(0, 0, 0), standing=False), finding, heard, around)
    if heard <= tracked.ledger.heard:
        return _testified(tracked, finding, heard, around.now)
    ledger = msgspec.structs.replace(tracked.ledger, episodes_before=before)
    return _taken(tracked.alert, ledger, finding, heard, around)


def order_of(finding: Finding) -> Order:
    """What decides which of two findings is the newer news.

    A cure may lie before the detection in source time (`late`); it is still the later news of its episode.
    """
    at = instant_of(finding.at)
    if finding.change == "resolved":
        at = max(at, instant_of(finding.detected_at))
    return finding.episode, at, RANK[finding.change]


def _episodes_before(tracked: TrackedAlert | None, finding: Finding) -> int | None:
    """How many episodes were counted before the finding's worker began to count; None for one of an older worker."""
    if tracked is None:
        return 0
    ledger = tracked.ledger
    if finding.generation == ledger.generation:
        return ledger.episodes_before
    if finding.generation < ledger.generation:
        return None
    # A fault that stands goes on; one that was over has come back.
    return tracked.alert.episode - finding.episode + (not ledger.standing)


def _taken(known: Alert | None, ledger: Ledger, finding: Finding, heard: Order, around: Surroundings) -> Step:
    """The finding is the newest news: its facts are the alert's."""
    again = known is not None and finding.episode > ledger.heard[0]
    after = _ledger(ledger, finding, heard, account=around.account, again=again)
    alert = composed(known, finding, around, new_episode=again)
    if known is not None and _ends_snooze(known, after, finding, heard):
        alert, after = awake(alert, after)
    alert = settled(alert, after)
    return stepped(known, alert, after, _action(known, alert, finding), around.now, note=_note(known, alert, finding))


def _testified(tracked: TrackedAlert, finding: Finding, heard: Order, now: Instant) -> Step | None:
    """An older finding tells what was, so that it does not matter whether it comes before or after newer ones."""
    known, ledger = tracked.alert, tracked.ledger
    if finding.generation != ledger.generation:
        return None
    alert = known
    returns = with_return(ledger.returns, finding.episode, instant_of(finding.detected_at))
    after = msgspec.structs.replace(ledger, returns=returns)
    if heard[0] == ledger.heard[0]:
        after = msgspec.structs.replace(after, stood_at=_stood_at(ledger, finding, heard))
        if _ends_snooze(known, ledger, finding, heard):
            alert, after = awake(alert, after)
    if after == ledger:
        return None
    alert = settled(alert, after)
    return stepped(known, alert, after, _action(known, alert, finding), now, note=_note(known, alert, finding))


def _ledger(before: Ledger, finding: Finding, heard: Order, *, account: str | None, again: bool) -> Ledger:
    kept = msgspec.structs.replace(before, word=None, snooze=None, stood_at=0) if again else before
    resolved = finding.change == "resolved"
    return Ledger(
        heard=heard,
        standing=not resolved,
        resolved_at=finding.at if resolved else None,
        resolution=_resolution(finding) if resolved else None,
        starts_at=finding.starts_at,
        word=kept.word,
        stood_at=_stood_at(kept, finding, heard),
        snooze=kept.snooze,
        returns=with_return(kept.returns, finding.episode, instant_of(finding.detected_at)),
        generation=finding.generation,
        episodes_before=before.episodes_before,
        event_type=finding.event_type_id,
        account=account,
    )


def _stood_at(ledger: Ledger, finding: Finding, heard: Order) -> int:
    return ledger.stood_at if finding.change == "resolved" else max(ledger.stood_at, heard[1])


def _ends_snooze(known: Alert, ledger: Ledger, finding: Finding, heard: Order) -> bool:
    """Whether it was snoozed until it changes, and now it has: what was shown is what was snoozed."""
    snooze = ledger.snooze
    if snooze is None or snooze.ends_with is not SnoozeEnd.CHANGE or heard <= snooze.heard:
        return False
    return facts_of(finding) != facts_shown(known)


def awake(alert: Alert, ledger: Ledger) -> tuple[Alert, Ledger]:
    """Both without a snooze."""
    return msgspec.structs.replace(alert, snoozed_until=None), msgspec.structs.replace(ledger, snooze=None)


def _resolution(finding: Finding) -> Resolution:
    resolution = finding.resolution or Resolution.RECOVERED
    cured_before_told = instant_of(finding.at) < instant_of(finding.detected_at)
    return Resolution.LATE if resolution is Resolution.RECOVERED and cured_before_told else resolution


def _action(before: Alert | None, after: Alert, finding: Finding) -> Action:
    if after.status is AlertStatus.RESOLVED:
        closed_before = before is not None and before.status is AlertStatus.RESOLVED
        return "updated" if closed_before and finding.change != "resolved" else "resolved"
    if before is None:
        return "opened"
    if finding.episode > before.episode or before.status is AlertStatus.RESOLVED:
        return "reopened"
    return "snooze_ended" if before.snoozed_until and not after.snoozed_until else "updated"


def _note(before: Alert | None, after: Alert, finding: Finding) -> str | None:
    if before is not None and before.episode == after.episode and after.status is not AlertStatus.RESOLVED:
        if before.status is AlertStatus.RESOLVED:
            return f"found after it was resolved as {before.resolution}"
        return "it changed" if before.snoozed_until and not after.snoozed_until else None
    if finding.change != "resolved":
        return None
    words = [str(after.resolution)] if after.resolution else []
    if finding.superseded_by:
        words.append(f"by {finding.superseded_by}")
    return " ".join(words) or None
