"""An alert's facts as a finding tells them; people's fields go on as they were."""

import msgspec

from streams.alerts.alert import SCHEMA, Alert, Proof, SideFields, iso_text
from streams.alerts.priority import priority
from streams.alerts.surroundings import Surroundings
from streams.alerts.texts import summary, title
from streams.model.ids import Instant, parse_iso
from streams.model.records import Difference, Finding, Side
from streams.model.rule import AlertStatus, Severity, SubjectKind


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a snooze "until it changes" looks at: how bad it is, and what each side holds."""

    severity: Severity
    local: SideFields
    calcom: SideFields
    differences: tuple[Difference, ...]


def facts_of(finding: Finding) -> Facts:
    """As the finding tells them."""
    local, calcom = _fields(finding.local), _fields(finding.calcom)
    return Facts(severity=finding.severity, local=local, calcom=calcom, differences=finding.differences)


def facts_shown(alert: Alert) -> Facts:
    """As the alert shows them."""
    return Facts(severity=alert.severity, local=alert.local, calcom=alert.calcom, differences=alert.differences)


def composed(before: Alert | None, finding: Finding, around: Surroundings, *, new_episode: bool) -> Alert:
    """The alert after a finding; `settled` is still to decide its status.

    A new episode is nobody's yet: it forgets acknowledgement and snooze, and keeps the assignee.
    """
    forget = before is None or new_episode
    return Alert(
        id=finding.alert_id,
        tenant=finding.tenant,
        rule=finding.rule,
        severity=finding.severity,
        priority=priority(finding.severity, parse_iso(finding.starts_at), instant_of(finding.at)),
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


def is_baseline(finding: Finding, installed_at: Instant) -> bool:
    """Whether a fault is older than the installation, its appointment not still to come (design §5).

    Never a fault of a source: what Plumbline cannot hear is news whenever it began.
    """
    if finding.subject.kind is SubjectKind.SOURCE or instant_of(finding.opened_at) >= installed_at:
        return False
    starts_at = parse_iso(finding.starts_at)
    return starts_at is None or starts_at <= instant_of(finding.detected_at)


def instant_of(text: str) -> Instant:
    """A time of a finding. Raises ValueError where there is none."""
    at = parse_iso(text)
    if at is None:
        raise ValueError("a finding's times cannot be empty")
    return at
