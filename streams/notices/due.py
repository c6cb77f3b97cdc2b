"""When people are told again, and what need not be told any more."""

from collections.abc import Sequence

import msgspec

from streams.alerts.notice import NoticeKind, Pace, Reason
from streams.model.ids import Instant
from streams.model.rule import AlertStatus
from streams.notices.planning import Policy

_HOUR_MS = 3_600_000


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel's log says of one critical alert that stands and that nobody looks after."""

    channel: str
    #: When the newest notice that it stands went out; None where none has.
    told_at: Instant | None
    #: When its beginning, or the newest reminder, was first to be told; None where it never was.
    due_at: Instant | None
    repeats: int = 0
    escalated: bool = False
    #: Something about it waits to be told, or is kept back.
    waits: bool = False


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that time alone calls for."""

    channel: str
    kind: NoticeKind
    turn: int


def told_again(log: Sequence[Told], policy: Policy, now: Instant) -> tuple[Again, ...]:
    """What is due of one critical alert that stands, unacknowledged, over all channels."""
    return (*_repeats(log, policy, now), *_escalations(log, policy, now))


def overtaken(kind: NoticeKind, episode: int, told: bool, alert: tuple[AlertStatus, int], pace: Pace) -> Reason | None:
    """Why a notice that waited need not be told any more; None where it must be. `alert`: its status and episode.

    In a digest all that happened is told, also what is over.
    """
    status, newest_episode = alert
    if kind is NoticeKind.CHANGED or pace == "digest":
        return None
    if kind is NoticeKind.RESOLVED:
        if not told:
            return Reason.NEVER_TOLD
        return Reason.OVERTAKEN if episode == newest_episode and status is not AlertStatus.RESOLVED else None
    if status is AlertStatus.RESOLVED or episode < newest_episode:
        return Reason.OVER_BEFORE_TOLD
    return None if status is AlertStatus.OPEN else Reason.SOMEBODY_KNOWS


def next_digest_at(now: Instant, hours: int) -> Instant:
    """The next full multiple of so many hours of the day, in UTC, after `now`."""
    step = hours * _HOUR_MS
    return Instant((now // step + 1) * step)


def _repeats(log: Sequence[Told], policy: Policy, now: Instant) -> list[Again]:
    return [
        Again(channel=one.channel, kind=NoticeKind.REPEATED, turn=one.repeats + 1)
        for one in log
        if policy.repeat_ms and not one.waits and one.told_at is not None and one.told_at + policy.repeat_ms <= now
    ]


def _escalations(log: Sequence[Told], policy: Policy, now: Instant) -> list[Again]:
    due = [one.due_at for one in log if one.due_at is not None]
    if not policy.escalate_after_ms or not due or max(due) + policy.escalate_after_ms > now:
        return []
    already = {one.channel for one in log if one.escalated}
    return [
        Again(channel=channel, kind=NoticeKind.ESCALATED, turn=0) for channel in sorted(policy.escalate_to - already)
    ]
