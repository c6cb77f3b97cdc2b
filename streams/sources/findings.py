"""The findings about a source: its fault opened, looking otherwise, over. The proof is what the watcher saw."""

import msgspec

from streams.model.ids import Instant, alert_id, iso
from streams.model.records import Difference, Evidence, Finding, Side, Subject, Verification
from streams.model.rule import SEVERITY, Resolution, Rule, SubjectKind
from streams.sources.report import SourceReport


def opened(rule: Rule, report: SourceReport, *, episode: int, began: Instant, now: Instant) -> Finding:
    """The fault is there; `began` is when, as far as known."""
    return Finding(
        change="opened",
        alert_id=alert_id(rule, report.tenant, SubjectKind.SOURCE, report.source),
        rule=rule,
        tenant=report.tenant,
        subject=Subject(kind=SubjectKind.SOURCE, id=report.source),
        episode=episode,
        severity=SEVERITY[rule],
        at=_text(now),
        opened_at=_text(began),
        detected_at=_text(now),
        local=_seen(report),
        differences=_drift(rule, report),
        verification=Verification(
            state="verified",
            read_at=_text(now),
            attempts=1,
            waited_seconds=(now - began) / 1000,
            read_what=report.why,
        ),
        evidence=(Evidence(source="watcher", at=_text(now), what=report.why),),
    )


def updated(before: Finding, report: SourceReport, now: Instant) -> Finding:
    """The fault still stands; why and details as they are now."""
    return msgspec.structs.replace(
        before,
        change="updated",
        at=_text(now),
        local=_seen(report),
        differences=_drift(before.rule, report),
        verification=_read(before.verification, report.why, now),
    )


def resolved(
    before: Finding, report: SourceReport | None, now: Instant, resolution: Resolution = Resolution.RECOVERED
) -> Finding:
    """The fault is over; `report` is what showed it."""
    finding = msgspec.structs.replace(before, change="resolved", at=_text(now), resolution=resolution)
    if report is None:
        return finding
    proof = _read(before.verification, report.why, now)
    return msgspec.structs.replace(finding, local=_seen(report), verification=proof)


def _read(proof: Verification, why: str, now: Instant) -> Verification:
    return msgspec.structs.replace(proof, read_at=_text(now), read_what=why)


def _seen(report: SourceReport) -> Side:
    """What people read beside the alert."""
    known: dict[str, str | None] = {"state": report.word, "why": report.why}
    if report.heard_through is not None:
        known["heard_through"] = iso(report.heard_through)
    return Side(extra={**known, **report.details})


def _drift(rule: Rule, report: SourceReport) -> tuple[Difference, ...]:
    return (report.drift or ()) if rule is Rule.WEBHOOK_SUBSCRIPTION_DRIFT else ()


def _text(at: Instant) -> str:
    text = iso(at)
    assert text is not None
    return text
