"""What the machine's findings do to an alert.

Findings arrive late, twice and in any order; (episode, event time) decides, never arrival:

    newer in the same episode     the facts are replaced; resolved closes, anything else keeps it standing
    of a higher episode           the fault came back: reopened, people's word on the old episode is over
    older or equal                ignored
    of a new worker               it counts episodes from 1: the count goes on where the old worker's stood

People's fields (acknowledgement, snooze, assignee, their word) are never touched within an episode.
"""

from datetime import UTC, tzinfo

import msgspec

from streams.alerts.alert import (
    MACHINE,
    SCHEMA,
    Action,
    Alert,
    Change,
    Ledger,
    Proof,
    SideFields,
    Step,
    TrackedAlert,
    iso_text,
    settled,
)
from streams.alerts.pages import Pages
from streams.alerts.priority import priority
from streams.alerts.texts import summary, title
from streams.model.ids import Instant, parse_iso
from streams.model.records import Finding, Side
from streams.model.rule import AlertStatus, Resolution, SubjectKind

RANK = {"opened": 0, "updated": 1, "resolved": 2}


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a transition needs to know besides the finding. `now` is when the store hears of it."""

    now: Instant
    installed_at: Instant
    zone: tzinfo = UTC
    pages: Pages = Pages()
    #: The Cal.com account of the finding's tenant, where it has but one.
    account: str | None = None


def apply_finding(tracked: TrackedAlert | None, finding: Finding, around: Surroundings) -> Step | None:
    """The alert after a finding; None where the finding is older than, or equal to, what is known.

    Raises ValueError when a time of the finding is no ISO instant.
    """
    generation, before = finding.generation, _episodes_before(tracked, finding)
    if before is None:
        return None
    finding = msgspec.structs.replace(finding, episode=before + finding.episode)
    heard = order_of(finding)
    if tracked is not None and heard <= tracked.ledger.heard:
        return None
    again = tracked is not None and finding.episode > tracked.ledger.heard[0]
    ledger = _ledger(None if again or tracked is None else tracked.ledger, finding, heard)
    ledger = msgspec.structs.replace(
        ledger,
        generation=generation,
        episodes_before=before,
        event_type=finding.event_type_id,
        account=around.account,
    )
    known = None if tracked is None else tracked.alert
    alert = settled(_composed(known, finding, around, new_episode=again), ledger)
    return stepped(known, alert, ledger, _action(known, alert, finding), around.now, _note(finding, alert))


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


def order_of(finding: Finding) -> tuple[int, int, int]:
    """(episode, event time in ms, rank): what decides which of two findings is the newer news.

    A cure may lie before the detection in source time (`late`); it is still the later news of its episode.
    """
    at = _instant(finding.at)
    if finding.change == "resolved":
        at = max(at, _instant(finding.detected_at))
    return finding.episode, at, RANK[finding.change]


def is_baseline(finding: Finding, installed_at: Instant) -> bool:
    """Whether a fault is older than the installation, its appointment not still to come (design §5).

    Never a fault of a source: what Plumbline cannot hear is news whenever it began.
    """
    if finding.subject.kind is SubjectKind.SOURCE or _instant(finding.opened_at) >= installed_at:
        return False
    starts_at = parse_iso(finding.starts_at)
    return starts_at is None or starts_at <= _instant(finding.detected_at)


def _ledger(kept: Ledger | None, finding: Finding, heard: tuple[int, int, int]) -> Ledger:
    word = kept.word if kept is not None else None
    if word is not None and word.says == "reopened":
        word = None  # newer news than the person had
    resolved = finding.change == "resolved"
    return Ledger(
        heard=heard,
        standing=not resolved,
        resolved_at=finding.at if resolved else None,
        resolution=_resolution(finding) if resolved else None,
        starts_at=finding.starts_at,
        word=word,
    )


def _resolution(finding: Finding) -> Resolution:
    resolution = finding.resolution or Resolution.RECOVERED
    cured_before_told = _instant(finding.at) < _instant(finding.detected_at)
    return Resolution.LATE if resolution is Resolution.RECOVERED and cured_before_told else resolution


def _composed(before: Alert | None, finding: Finding, around: Surroundings, *, new_episode: bool) -> Alert:
    forget = before is None or new_episode
    return Alert(
        id=finding.alert_id,
        tenant=finding.tenant,
        rule=finding.rule,
        severity=finding.severity,
        priority=priority(finding.severity, parse_iso(finding.starts_at), _instant(finding.at)),
        status=AlertStatus.OPEN,  # `settled` decides
        title=title(finding.rule),
        summary=summary(finding, around.zone),
        subject=finding.subject,
        booking_uid=finding.booking_uid,
        appointment_id=finding.appointment_id,
        call_id=finding.call_id,
        local=_fields(finding.local),
        calcom=_fields(finding.calcom),
        differences=finding.differences,
        opened_at=finding.opened_at,
        detected_at=finding.detected_at,
        updated_at=before.updated_at if before else iso_text(around.now),
        resolved_at=None,
        resolution=None,
        episode=finding.episode,
        verification=Proof(
            state=finding.verification.state,
            read_at=finding.verification.read_at,
            attempts=finding.verification.attempts,
        ),
        evidence=finding.evidence,
        acknowledged_by=None if forget or before is None else before.acknowledged_by,
        acknowledged_at=None if forget or before is None else before.acknowledged_at,
        snoozed_until=None if forget or before is None else before.snoozed_until,
        assignee=before.assignee if before else None,
        baseline=is_baseline(finding, around.installed_at),
        runbook_url=around.pages.runbook(finding.rule),
        links=around.pages.links(finding),
        schema=SCHEMA,
        version=before.version if before else 0,
    )


def _fields(side: Side) -> SideFields:
    """A pair's four fields; for a call the rule's columns, with those of the four that are known."""
    four: SideFields = {"booking": side.booking, "start": side.start, "end": side.end, "status": side.status}
    if not side.extra:
        return four
    return {**{name: value for name, value in four.items() if value is not None}, **side.extra}


def _action(before: Alert | None, after: Alert, finding: Finding) -> Action:
    if after.status is AlertStatus.RESOLVED:
        closed_before = before is not None and before.status is AlertStatus.RESOLVED
        return "updated" if closed_before and finding.change != "resolved" else "resolved"
    if before is None:
        return "opened"
    came_back = finding.episode > before.episode or before.status is AlertStatus.RESOLVED
    return "reopened" if came_back else "updated"


def _note(finding: Finding, alert: Alert) -> str | None:
    if finding.change != "resolved":
        return None
    words = [str(alert.resolution)] if alert.resolution else []
    if finding.superseded_by:
        words.append(f"by {finding.superseded_by}")
    return " ".join(words) or None


def stepped(before: Alert | None, after: Alert, ledger: Ledger, action: Action, now: Instant, note: str | None) -> Step:
    if before == after:
        return Step(tracked=TrackedAlert(alert=after, ledger=ledger), change=None)
    told = msgspec.structs.replace(after, updated_at=iso_text(now), version=after.version + 1)
    change = Change(
        at=iso_text(now),
        actor=MACHINE,
        action=action,
        from_status=before.status if before else None,
        to_status=told.status,
        note=note,
    )
    return Step(tracked=TrackedAlert(alert=told, ledger=ledger), change=change)


def _instant(text: str) -> Instant:
    at = parse_iso(text)
    if at is None:
        raise ValueError("a finding's times cannot be empty")
    return at
