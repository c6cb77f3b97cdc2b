"""Which notices a change of an alert calls for on one channel: the table, and nothing else.

    the alert      and on this channel                    calls for
    stands         its beginning is not in the log        opened (episode 1), reopened (a later one)
                   the beginning was kept back            the same, decided again
                   its end was told                       reopened
                   nobody looks after it any more         reminder
                   the beginning was told                 changed, where the channel edits what it said
    is looked      its beginning is not told              nothing: somebody knows
    after          it was                                 changed
    is over        its beginning was told                 resolved; the end goes where the beginning went
                   another alert speaks for it            changed rather than resolved
                   its beginning was not told             nothing, and the log says why

What is told, and when, is decided by `decide`: routes, silences, inhibition, hours, flapping, in this order.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, NoticeState, Pace, Reason
from streams.model.ids import Instant
from streams.model.rule import AlertStatus, Resolution
from streams.notices.inhibition import SilentSource, is_inhibited
from streams.notices.routing import Led, Route, led_to
from streams.notices.silences import Silence

BEGINNINGS = frozenset({NoticeKind.OPENED, NoticeKind.REOPENED})
#: Kinds that say that the fault stands.
STANDING_KINDS = BEGINNINGS | {NoticeKind.REMINDER, NoticeKind.REPEATED, NoticeKind.ESCALATED}
#: Those that say whether it stands when that changed, or when people must be told again that it does.
_SAYING = BEGINNINGS | {NoticeKind.REMINDER, NoticeKind.RESOLVED}
#: Of the alert's history: what ended somebody's looking after it.
_REMINDING = frozenset({"acknowledgement_expired", "snooze_ended"})
_TOLD = frozenset({NoticeState.SENT, NoticeState.FAILED})
_ON_ITS_WAY = _TOLD | {NoticeState.PENDING}
#: One message about many is edited as a whole, besides what is said of one of them.
_GROUPS = frozenset({Reason.GROUPED, Reason.STORM})
_KEPT_BACK = frozenset({NoticeState.HELD, NoticeState.SKIPPED})
#: A fault that comes and goes is told at most once in this time.
FLAPPING_TOLD_MS = 60 * 60_000


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known of a channel."""

    name: str
    pace: Pace
    kinds: frozenset[NoticeKind]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say about telling. 0 is never."""

    routes: tuple[Route, ...] = ()
    labels_of: Callable[[str], Mapping[str, str]] = lambda _: {}
    accounts_of: Callable[[str], frozenset[str]] = lambda _: frozenset()
    repeat_ms: int = 4 * 3_600_000
    escalate_after_ms: int = 15 * 60_000
    escalate_to: frozenset[str] = frozenset()
    digest_hours: int = 4


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One change of an alert. `action` is its word in the history; None where the record names none."""

    alert: Alert
    action: str | None
    #: Whose account holds the booking, if known.
    account: str | None = None
    flapping: bool = False


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A notice of this alert and channel that is in the log; `version` is the alert's when it was decided."""

    episode: int
    kind: NoticeKind
    turn: int
    state: NoticeState
    reason: Reason | None
    version: int


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision needs to know besides the alert."""

    now: Instant
    policy: Policy
    silences: tuple[Silence, ...] = ()
    sources: tuple[SilentSource, ...] = ()
    #: The one message about the baseline went out on this channel.
    baseline_told: bool = False
    #: When a beginning of this alert was last told on this channel.
    begun_told_at: Instant | None = None


class PlannedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A line for the log: a new one, or a new decision about one that was kept back."""

    kind: NoticeKind
    state: NoticeState
    reason: Reason | None = None
    turn: int = 0


Decision = tuple[NoticeState, Reason | None]


def plan(heard: Heard, way: Way, log: Sequence[Entry], around: Surroundings) -> tuple[PlannedNotice, ...]:
    """The notices that a change calls for on one channel, given its log from this episode on. Old news: nothing."""
    alert = heard.alert
    if any(entry.episode > alert.episode or entry.version >= alert.version for entry in log):
        return ()
    match alert.status:
        case AlertStatus.OPEN:
            planned = _standing(heard, way, log, around)
        case AlertStatus.ACKNOWLEDGED | AlertStatus.SNOOZED:
            planned = _known(alert, log)
        case AlertStatus.RESOLVED:
            planned = _over(alert, log)
    return tuple(notice for notice in planned if notice.kind in way.kinds or notice.state is NoticeState.SKIPPED)


def decide(heard: Heard, kind: NoticeKind, way: Way, around: Surroundings) -> Decision:
    """Whether a notice that a standing alert calls for goes out now, is kept back, or is not for this channel."""
    alert, policy = heard.alert, around.policy
    if alert.baseline and kind in BEGINNINGS:
        told = around.baseline_told or NoticeKind.BASELINE not in way.kinds
        return (NoticeState.SKIPPED if told else NoticeState.HELD), Reason.BASELINE
    labels = policy.labels_of(alert.tenant)
    led = led_to(way.name, alert, labels, policy.routes, around.now)
    # What follows a beginning goes where that went, an escalation wherever it is configured to go.
    if led is Led.NOT and kind in BEGINNINGS:
        return NoticeState.SKIPPED, Reason.NOT_ROUTED
    if any(silence.holds(around.now) and silence.matchers.fit(alert, labels) for silence in around.silences):
        return NoticeState.HELD, Reason.SILENCED
    if is_inhibited(alert, heard.account, policy.accounts_of(alert.tenant), around.sources):
        return NoticeState.HELD, Reason.INHIBITED
    if led is Led.LATER:
        return NoticeState.HELD, Reason.OUTSIDE_HOURS
    told_at = around.begun_told_at
    if heard.flapping and kind in BEGINNINGS and told_at is not None and around.now - told_at < FLAPPING_TOLD_MS:
        return NoticeState.HELD, Reason.FLAPPING
    return NoticeState.PENDING, waiting_reason(way)


def decide_again(heard: Heard, episode: int, kind: NoticeKind, way: Way, around: Surroundings) -> Decision:
    """The same for one that was kept back in an episode: its alert may be over by now, or looked after."""
    if heard.alert.status is AlertStatus.RESOLVED or heard.alert.episode > episode:
        return NoticeState.SKIPPED, Reason.OVER_BEFORE_TOLD
    if heard.alert.status is not AlertStatus.OPEN:
        return NoticeState.SKIPPED, Reason.SOMEBODY_KNOWS
    return decide(heard, kind, way, around)


def waiting_reason(way: Way) -> Reason | None:
    """Why what is to be told is not told at once."""
    return Reason.DIGEST if way.pace == "digest" else None


def _standing(heard: Heard, way: Way, log: Sequence[Entry], around: Surroundings) -> list[PlannedNotice]:
    alert, newest = heard.alert, _newest(log)
    if newest is None:
        kind = NoticeKind.OPENED if alert.episode == 1 else NoticeKind.REOPENED
        return [_decided(heard, kind, 0, way, around)]
    if newest.kind is NoticeKind.RESOLVED:
        if newest.state in _ON_ITS_WAY or newest.reason is Reason.SUPERSEDED:
            return [_decided(heard, NoticeKind.REOPENED, alert.version, way, around)]
        newest = _newest([entry for entry in log if entry.kind is not NoticeKind.RESOLVED]) or newest
    if newest.reason is Reason.SOMEBODY_KNOWS or (heard.action in _REMINDING and newest.state in _TOLD):
        return [_decided(heard, NoticeKind.REMINDER, alert.version, way, around)]
    if newest.state in _KEPT_BACK and newest.reason is not Reason.BASELINE:
        return [_decided(heard, newest.kind, newest.turn, way, around)]
    return _changed(alert, log)


def _known(alert: Alert, log: Sequence[Entry]) -> list[PlannedNotice]:
    newest = _newest(log)
    if newest is None:
        kind = NoticeKind.OPENED if alert.episode == 1 else NoticeKind.REOPENED
        return [PlannedNotice(kind=kind, state=NoticeState.SKIPPED, reason=Reason.SOMEBODY_KNOWS)]
    if newest.state is NoticeState.HELD and newest.reason is not Reason.BASELINE:
        return [_skipped(newest, Reason.SOMEBODY_KNOWS)]
    return _changed(alert, log)


def _over(alert: Alert, log: Sequence[Entry]) -> list[PlannedNotice]:
    newest = _newest(log)
    if newest is not None and newest.kind is NoticeKind.RESOLVED:
        return _changed(alert, log)
    held = [entry for entry in log if entry.state is NoticeState.HELD]
    planned = [_skipped(entry, Reason.OVER_BEFORE_TOLD) for entry in held]
    turn = alert.version if any(entry.kind is NoticeKind.RESOLVED for entry in log) else 0
    reason = _why_no_end(alert, log)
    state = NoticeState.PENDING if reason is None else NoticeState.SKIPPED
    planned.append(PlannedNotice(kind=NoticeKind.RESOLVED, state=state, reason=reason, turn=turn))
    in_a_group = any(entry.kind in STANDING_KINDS and entry.reason in _GROUPS for entry in log)
    if reason is Reason.SUPERSEDED or (reason is None and in_a_group):
        planned += _changed(alert, log)
    return planned


def _why_no_end(alert: Alert, log: Sequence[Entry]) -> Reason | None:
    if alert.resolution is Resolution.SUPERSEDED:
        return Reason.SUPERSEDED
    if alert.baseline:
        return Reason.BASELINE
    return None if was_told(log) else Reason.NEVER_TOLD


def was_told(log: Sequence[Entry]) -> bool:
    """Whether the last that people heard here, or are about to hear, is that the fault stands."""
    heard = [entry for entry in log if entry.state in _ON_ITS_WAY and entry.kind is not NoticeKind.CHANGED]
    newest = max(heard, key=lambda entry: (entry.version, entry.kind is NoticeKind.RESOLVED), default=None)
    return newest is not None and newest.kind is not NoticeKind.RESOLVED


def _changed(alert: Alert, log: Sequence[Entry]) -> list[PlannedNotice]:
    """An edit of what was said; one that waits will say the newest state by itself."""
    told = any(entry.kind in STANDING_KINDS and entry.state is NoticeState.SENT for entry in log)
    waits = any(entry.kind is NoticeKind.CHANGED and entry.state is NoticeState.PENDING for entry in log)
    if not told or waits:
        return []
    return [PlannedNotice(kind=NoticeKind.CHANGED, state=NoticeState.PENDING, turn=alert.version)]


def _decided(heard: Heard, kind: NoticeKind, turn: int, way: Way, around: Surroundings) -> PlannedNotice:
    state, reason = decide(heard, kind, way, around)
    return PlannedNotice(kind=kind, state=state, reason=reason, turn=turn)


def _skipped(entry: Entry, reason: Reason) -> PlannedNotice:
    return PlannedNotice(kind=entry.kind, state=NoticeState.SKIPPED, reason=reason, turn=entry.turn)


def _newest(log: Sequence[Entry]) -> Entry | None:
    """What the log says last of whether the fault stands."""
    said = [entry for entry in log if entry.kind in _SAYING]
    return max(said, key=lambda entry: (entry.version, entry.kind is NoticeKind.RESOLVED), default=None)
