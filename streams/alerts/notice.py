"""Which change of an alert is a notice, and the words that notifiers and the notification log share.

    an alert that stands        opened (first episode) or reopened (a later one)
    an alert that is over       resolved, if its episode was told
    baseline                    held for the one message about all of them
    acknowledged, snoozed       nothing: somebody knows already

A notice is known by (channel, alert id, episode, kind): however often a change is heard of, it is told once. Of one
outage each account has an alert of its own (contracts.md): their notices wait for one another and are told together.
"""

from enum import StrEnum

import msgspec

from streams.alerts.alert import Alert
from streams.model.rule import AlertStatus, Resolution, Severity, SubjectKind

#: How long the notice of an account's source waits for those of the others.
GATHER_SECONDS = 20.0


class NoticeKind(StrEnum):
    """What a notice says."""

    OPENED = "opened"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    CHANGED = "changed"  # people or facts changed it: for channels that edit what they said
    REMINDER = "reminder"  # its acknowledgement or snooze ended, the fault did not
    REPEATED = "repeated"  # it still stands and nobody looks after it
    ESCALATED = "escalated"  # ... and others are told too
    BASELINE = "baseline"  # the one message about all that is older than the installation


class NoticeState(StrEnum):
    """How far a notice is."""

    PENDING = "pending"  # to be sent
    HELD = "held"  # waits for the one message about the baseline
    SENT = "sent"
    SKIPPED = "skipped"  # not told, for a reason
    FAILED = "failed"  # the channel refused it for good


class Reason(StrEnum):
    """Why a notice was not told on its own, or not yet."""

    SUPERSEDED = "superseded"  # another alert speaks for the same cause
    BASELINE = "baseline"  # older than the installation
    NEVER_TOLD = "never_told"  # its beginning was not told either
    OVER_BEFORE_TOLD = "over_before_told"  # a held one ended before the message
    NOT_ROUTED = "not_routed"  # no route leads it to this channel
    OUTSIDE_HOURS = "outside_hours"  # its route's hours have not begun
    SILENCED = "silenced"  # a silence or a maintenance window fits
    INHIBITED = "inhibited"  # a source of its tenant is not trustworthy: that alert stands for it
    GROUPED = "grouped"  # told together with others of its kind
    STORM = "storm"  # told together with everything else, so many were there
    DIGEST = "digest"  # waits for the next digest
    FLAPPING = "flapping"  # it comes and goes too often
    SOMEBODY_KNOWS = "somebody_knows"  # acknowledged or snoozed meanwhile
    UNREACHABLE = "unreachable"  # no answer from the channel, or 5xx
    RATE_LIMITED = "rate_limited"  # the channel asked to wait
    MISCONFIGURED = "misconfigured"  # the channel does not know us, or our address
    REFUSED = "refused"  # the channel does not take this message


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """What the alerts of one message have in common; None where they differ, or nobody knows."""

    rule: str | None = None
    tenant: str | None = None
    account: str | None = None
    event_type: str | None = None
    #: When the first of them began (ISO).
    since: str | None = None


class PlannedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as decided, before the log has seen whether it is new."""

    kind: NoticeKind
    state: NoticeState
    reason: Reason | None
    alert: Alert


class DueNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice to send now; `attempts` counts this one. It is ours for a while (a lease), then anybody's again.

    `together`: others of the same kind about the same outage, to be told with it.
    """

    position: int
    kind: NoticeKind
    attempts: int
    alert: Alert
    together: tuple["DueNotice", ...] = ()

    @property
    def positions(self) -> tuple[int, ...]:
        """Its own, and those of the notices told with it."""
        return (self.position, *(other.position for other in self.together))


class HeldNotices(msgspec.Struct, frozen=True, kw_only=True):
    """The baseline notices that wait: positions, how many by rule, seconds since the first and the last."""

    positions: tuple[int, ...]
    by_rule: dict[str, int]
    oldest_seconds: float
    newest_seconds: float


def notice_of(alert: Alert) -> PlannedNotice | None:
    """The notice that an alert in this state calls for; None where people need to hear nothing."""
    match alert.status:
        case AlertStatus.ACKNOWLEDGED | AlertStatus.SNOOZED:
            return None
        case AlertStatus.RESOLVED:
            return _resolved(alert)
        case AlertStatus.OPEN:
            kind = NoticeKind.OPENED if alert.episode == 1 else NoticeKind.REOPENED
            state = NoticeState.HELD if alert.baseline else NoticeState.PENDING
            return PlannedNotice(kind=kind, state=state, reason=None, alert=alert)


def gathered_by(alert: Alert) -> tuple[str, str] | None:
    """By what notices are told together: the rule and the kind of source, where each account has one; else None."""
    source, of_an_account, _ = alert.subject.id.partition(":")
    return (alert.rule, source) if alert.subject.kind is SubjectKind.SOURCE and of_an_account else None


def is_urgent(alert: Alert) -> bool:
    """Whether the notice goes before others that wait."""
    return alert.severity is Severity.CRITICAL


def _resolved(alert: Alert) -> PlannedNotice:
    reason = None
    if alert.resolution is Resolution.SUPERSEDED:
        reason = Reason.SUPERSEDED
    elif alert.baseline:
        reason = Reason.BASELINE
    state = NoticeState.PENDING if reason is None else NoticeState.SKIPPED
    return PlannedNotice(kind=NoticeKind.RESOLVED, state=state, reason=reason, alert=alert)
