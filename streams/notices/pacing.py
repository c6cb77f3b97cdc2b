"""What a channel says next: one alert at once, several together, or nothing yet.

Pace `grouped`. Of each rule and kind (a group) the first FREE_NOTICES are told at once and alone; one more may be
every FREE_EVERY_MS. What comes beyond is gathered and told as one message GATHER_MS after the first of it. Each
message takes of the channel's own allowance too; when that is used up there is a storm, and everything that waits is
one message STORM_MS later; only what is critical is still told at once, while its reserve lasts. Critical goes before
the rest, new notices before edits; an edit takes of no allowance, since it makes no noise.

Of one outage each account has an alert of its own (contracts.md): nothing of it is told alone, the others wait
SOURCES_MS for one another.

What was tried once is tried again as it was, under the same key; what a channel that is down has put off keeps the
others from trying too.
"""

from collections.abc import Sequence

import msgspec

from streams.alerts.notice import NoticeKind, Pace, Reason
from streams.model.ids import Instant
from streams.model.rule import SubjectKind

FREE_NOTICES = 2
FREE_EVERY_MS = 10_000
GATHER_MS = 30_000
SOURCES_MS = 20_000
#: Messages of one channel; as many again every minute.
STORM_NOTICES = 20
#: The last ones of them are for what is critical.
STORM_RESERVED = 5
STORM_MS = 60_000
#: A message that failed so often lets another one try: it may be the message, not the channel. So many may be stuck.
ATTEMPTS_TO_WAIT_FOR = 6
TRIED_MAX = 3


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """How many are told alone, and how long the others are gathered."""

    free_notices: int = FREE_NOTICES
    gather_ms: int = GATHER_MS
    sources_ms: int = SOURCES_MS
    storm_notices: int = STORM_NOTICES
    storm_ms: int = STORM_MS


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that may be told now, or was tried and waits (`not_before`)."""

    position: int
    kind: NoticeKind
    group: str
    critical: bool
    #: Of the beginning, where the channel gave it a name.
    message: str | None = None
    #: The message in which it was tried already.
    telling: str | None = None
    attempts: int = 0
    not_before: Instant | None = None

    @property
    def is_edit(self) -> bool:
        """Whether it only changes what was said."""
        return self.kind is NoticeKind.CHANGED

    @property
    def waits_for_others(self) -> bool:
        """Whether it is never told before its group was gathered."""
        return ":" in self.group


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """An allowance: `left` at `at`, and one more each so often, up to a bound."""

    left: float
    at: int

    def filled(self, now: Instant, *, every_ms: int, bound: int) -> "Bucket":
        """The same at `now`. Time never runs backwards here, whatever the hosts' clocks say."""
        at = max(self.at, now)
        return Bucket(left=min(float(bound), self.left + (at - self.at) / every_ms), at=at)

    def less(self, taken: float) -> "Bucket":
        """After something was taken."""
        return Bucket(left=self.left - taken, at=self.at)


class Pacing(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel remembers between two messages. Groups that rest are not in it."""

    storm: Bucket | None = None
    groups: dict[str, Bucket] = {}
    #: When what is gathered of a group is told, and all of a storm.
    gathering: dict[str, int] = {}
    storm_until: int | None = None


class Tell(msgspec.Struct, frozen=True, kw_only=True):
    """These are one message. `telling`: it was tried before under this name."""

    positions: tuple[int, ...]
    together: Reason | None = None
    telling: str | None = None


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing before `until`; None is until something comes."""

    until: int | None = None


def group_of(rule: str, kind: NoticeKind, subject_kind: str, subject_id: str) -> str:
    """Which notices are gathered together: those of a rule and kind; of sources of accounts, those of one kind."""
    source, of_an_account, _ = subject_id.partition(":")
    own = f":{source}" if subject_kind == SubjectKind.SOURCE and of_an_account else ""
    return f"{rule} {kind}{own}"


def choose(
    pacing: Pacing, pace: Pace, waiting: Sequence[Waiting], now: Instant, allowance: Allowance
) -> tuple[Pacing, Tell | Wait]:
    """What the channel says next, and what it remembers afterwards."""
    tried = [one for one in waiting if one.telling is not None]
    for one in tried:
        if one.not_before is None or one.not_before <= now:
            return pacing, _as_before(one, tried)
    if any(one.attempts < ATTEMPTS_TO_WAIT_FOR for one in tried) or len({one.telling for one in tried}) >= TRIED_MAX:
        return pacing, Wait(until=min(one.not_before for one in tried if one.not_before is not None))
    fresh = sorted(
        (one for one in waiting if one.telling is None), key=lambda one: (one.is_edit, not one.critical, one.position)
    )
    if not fresh:
        return msgspec.structs.replace(pacing, gathering={}, storm_until=None), Wait()
    if pace == "digest":
        return pacing, Tell(positions=_positions(fresh), together=Reason.DIGEST)
    if pace == "each":
        return pacing, Tell(positions=(fresh[0].position,))
    said = [one for one in fresh if not one.is_edit]
    pacing, choice = _gathered(pacing, said, now, allowance)
    if isinstance(choice, Wait) and len(said) < len(fresh):
        return pacing, _edit(fresh[len(said) :])
    return pacing, choice


def _gathered(
    pacing: Pacing, fresh: Sequence[Waiting], now: Instant, allowance: Allowance
) -> tuple[Pacing, Tell | Wait]:
    state = _State(pacing, fresh, now, allowance)
    if state.storm_until is not None and state.storm_until <= now:
        return state.after_storm(), Tell(positions=_positions(fresh), together=_together(fresh, Reason.STORM))
    for one in fresh:
        if state.storm_until is not None and not one.critical:
            break  # critical ones stand first
        due = state.due(one)
        if not due:
            continue
        if not state.may_speak(one):
            state.storm_until = state.storm_until or now + allowance.storm_ms
            break
        if due == "alone":
            state.take(one.group, 1)
            return state.pacing(), Tell(positions=(one.position,))
        group = [other for other in fresh if other.group == one.group]
        state.end_gathering(one.group)
        return state.pacing(), Tell(positions=_positions(group), together=_together(group, Reason.GROUPED))
    ahead = [at for at in (*state.gathering.values(), state.storm_until) if at is not None and at > now]
    return state.pacing(), Wait(until=min(ahead, default=None))


class _State:
    """A pacing while it is worked on."""

    def __init__(self, pacing: Pacing, fresh: Sequence[Waiting], now: Instant, allowance: Allowance) -> None:
        present = {one.group for one in fresh}
        self.now = now
        self.allowance = allowance
        most, free = allowance.storm_notices, allowance.free_notices
        kept = pacing.storm or Bucket(left=most, at=now)
        filled = kept.filled(now, every_ms=allowance.storm_ms // most, bound=most)
        # While a storm lasts nothing comes back: what is critical lives on what was left.
        self.storm = filled if pacing.storm_until is None else Bucket(left=kept.left, at=filled.at)
        self.storm_until = pacing.storm_until if fresh else None
        self.gathering = {group: at for group, at in pacing.gathering.items() if group in present}
        rested = {
            group: bucket.filled(now, every_ms=FREE_EVERY_MS, bound=free) for group, bucket in pacing.groups.items()
        }
        self.groups = {group: bucket for group, bucket in rested.items() if bucket.left < free}

    def due(self, one: Waiting) -> str | None:
        """Whether this one may be told "alone", or "with" its group; else it is gathered from now on."""
        until = self.gathering.get(one.group)
        if until is None:
            if not one.waits_for_others and self.bucket(one.group).left >= 1:
                return "alone"
            own = self.allowance.sources_ms if one.waits_for_others else self.allowance.gather_ms
            until = self.now + own
            self.gathering[one.group] = until
        return "with" if until <= self.now else None

    def may_speak(self, one: Waiting) -> bool:
        """Whether the channel's allowance has a message left for it."""
        return self.storm.left >= (1 if one.critical else 1 + STORM_RESERVED)

    def bucket(self, group: str) -> Bucket:
        """The group's allowance."""
        return self.groups.get(group) or Bucket(left=self.allowance.free_notices, at=self.now)

    def take(self, group: str, taken: float) -> None:
        """One message goes out."""
        self.groups[group] = self.bucket(group).less(taken)
        self.storm = self.storm.less(1)

    def end_gathering(self, group: str) -> None:
        """The gathered go out; what comes next is gathered again."""
        self.take(group, self.bucket(group).left)
        self.gathering.pop(group, None)

    def after_storm(self) -> Pacing:
        """All is told; the allowance begins with nothing."""
        return Pacing(storm=Bucket(left=0, at=self.now), groups=self.groups)

    def pacing(self) -> Pacing:
        """What is remembered."""
        return Pacing(storm=self.storm, groups=self.groups, gathering=self.gathering, storm_until=self.storm_until)


def _as_before(one: Waiting, tried: Sequence[Waiting]) -> Tell:
    positions = tuple(other.position for other in tried if other.telling == one.telling)
    return Tell(positions=positions, telling=one.telling)


def _edit(edits: Sequence[Waiting]) -> Tell:
    first = edits[0]
    same = [one for one in edits if one.message == first.message] if first.message is not None else [first]
    return Tell(positions=_positions(same), together=_together(same, Reason.GROUPED))


def _together(notices: Sequence[Waiting], reason: Reason) -> Reason | None:
    return reason if len(notices) > 1 else None


def _positions(notices: Sequence[Waiting]) -> tuple[int, ...]:
    return tuple(one.position for one in notices)
