"""What notices, channels and the notification log say in common: kinds, states and the closed list of reasons.

A notice is known by (channel, alert id, episode, kind, turn): however often a change is heard of, it is told once.
Which changes call for one is decided in `streams/notices`.
"""

from enum import StrEnum
from typing import Literal

import msgspec

#: `grouped`: some at once, more of one kind together, a storm as one message. `digest`: all at the next full
#: `mail.digest_hours`. `each`: one by one and at once, the other end groups by itself.
Pace = Literal["grouped", "digest", "each"]


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
    HELD = "held"  # kept back for a reason that may pass
    SENT = "sent"
    SKIPPED = "skipped"  # not told, for a reason
    FAILED = "failed"  # the channel refused it for good


class Reason(StrEnum):
    """Why a notice was not told, not yet, or not on its own."""

    SUPERSEDED = "superseded"  # another alert speaks for the same cause
    BASELINE = "baseline"  # older than the installation
    NEVER_TOLD = "never_told"  # its beginning was not told either
    OVER_BEFORE_TOLD = "over_before_told"  # the alert was over before its notice went out
    NOT_ROUTED = "not_routed"  # no route leads it to this channel
    OUTSIDE_HOURS = "outside_hours"  # its route's hours have not begun
    SILENCED = "silenced"  # a silence or a maintenance window fits
    INHIBITED = "inhibited"  # a source of its tenant is not trustworthy: that alert stands for it
    GROUPED = "grouped"  # told together with others of its kind
    STORM = "storm"  # told together with everything else, so many were there
    DIGEST = "digest"  # waits for the next digest, or was told in one
    FLAPPING = "flapping"  # it comes and goes too often
    SOMEBODY_KNOWS = "somebody_knows"  # acknowledged or snoozed meanwhile
    OVERTAKEN = "overtaken"  # newer news came before it was told: it stands again
    UNREACHABLE = "unreachable"  # no answer from the channel, or 5xx
    RATE_LIMITED = "rate_limited"  # the channel asked to wait
    MISCONFIGURED = "misconfigured"  # the channel does not know us, or our address
    FAULTY = "faulty"  # our own fault: it is in the process's log
    REFUSED = "refused"  # the channel does not take this message


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """What the alerts of one message have in common; None where they differ, or nobody knows."""

    rule: str | None = None
    tenant: str | None = None
    account: str | None = None
    event_type: str | None = None
    #: When the first of them began (ISO).
    since: str | None = None
