"""The one state machine of all rules: a case takes one step when its cause is judged (design §1.2, §4a).

Pure: facts, violations and now come in; the case moves; what is to be asked and told goes out.
"""

from collections.abc import Callable

import msgspec

from streams.cases import evidence
from streams.cases.case import Case, Phase
from streams.cases.proof import Round, unmet
from streams.cases.refusals import REFUSALS_MAX
from streams.facts.booking import last_heard_at
from streams.facts.cause import Cause, Link
from streams.facts.index import FactIndex, Key
from streams.facts.picture import Fresh, build_cause
from streams.facts.row import row_state
from streams.model.judgement import Judgement
from streams.model.records import Finding
from streams.model.rule import Resolution
from streams.rules import RULES
from streams.rules.violation import AbsenceOf, Need, ReadOf, Violation

#: Open findings are read again this often, ms (§4a).
REREAD_MS = 60_000
#: A question without answer is asked again, under the same request id, after this time, ms.
ASK_AGAIN_MS = 10_000
#: A complete round that the facts contradict is followed by the next one after this time, ms.
NEXT_ROUND_MS = 2_000
#: What a silent source holds back is looked at this often, should its return go by unheard, ms.
HELD_LOOK_MS = 60_000
FAR = 1 << 62


class Ask(msgspec.Struct, frozen=True):
    """A question to send: `round_` makes its request id, the same however often it is asked."""

    need: Need
    purpose: str
    round_: str
    matters_at: int | None


class Step(msgspec.Struct):
    """What came of one step: questions, whether something is to be told, when to look again."""

    asks: list[Ask] = []
    wake_at: int = FAR
    moved: bool = False
    cleared_after_ms: int | None = None

    def wake(self, at: int) -> None:
        self.wake_at = min(self.wake_at, at)


class Context(msgspec.Struct):
    """What a step may look at besides its case."""

    index: FactIndex
    keys: list[Key]
    cause: Cause
    judgement: Judgement
    now: int
    lag_wait_ms: int
    #: How often the answer to a need was unusable: (tenant, need) → times.
    refused: Callable[[str, Need], int]
    #: The tenant's own usual delay between the two sides (p50), ms.
    usual_ms: int | None = None


def advance(case: Case, violation: Violation | None, silencer: Case | None, context: Context) -> Step:
    """Take one step. `silencer` is the case of the higher rule that speaks for this cause, if one does."""
    over = violation is not None and violation.until is not None and violation.until <= context.now
    if violation is None or over:
        return _without(case, context, expired=over)
    if silencer is not None:
        return _silenced(case, silencer, context)
    if case.phase is Phase.CONFIRMED:
        return _standing(case, violation, context)
    if case.held_by is not None:
        return _held_back(case, context)
    return _suspected(case, violation, context)


def _held_back(case: Case, context: Context) -> Step:
    """A source is silent, so this absence is unknown: nothing is asked, and a new round follows when it is back."""
    step = Step(wake_at=context.now + HELD_LOOK_MS)
    if case.phase is Phase.CLEAR:
        case.suspected_at, step.moved = context.now, True
    case.phase, case.floor = Phase.SUSPECTED, context.now
    return step


def _suspected(case: Case, violation: Violation, context: Context) -> Step:
    step, now = Step(), context.now
    if case.phase is Phase.CLEAR:
        case.phase, case.suspected_at, step.moved = Phase.SUSPECTED, now, True
    bounds = context.judgement.of(case.tenant)
    grace = bounds.grace_ms[case.rule] if violation.grace_ms is None else violation.grace_ms
    wait = grace + (context.lag_wait_ms if violation.two_sided else 0)
    due = max(violation.newest + wait, case.floor)
    round_ = Round(due, case.suspected_at, context.lag_wait_ms)
    wanted = unmet(violation, context.index, case.tenant, round_)
    case.phase = Phase.VERIFYING if now >= due else Phase.SUSPECTED
    case.unchecked = any(context.refused(case.tenant, want.need) >= REFUSALS_MAX for want in wanted)
    for want in wanted:
        if want.ask_at <= now:
            step.asks.append(Ask(want.need, "proof", _round_id(case, due, want.ask_at), violation.starts_at))
            step.wake(now + ASK_AGAIN_MS)
        else:
            step.wake(want.ask_at)
    if now < due:
        step.wake(due)
    elif not wanted:
        _close_round(case, violation, due, step, context)
    _wake_at_bounds(violation, step, now)
    return step


def _round_id(case: Case, due: int, ask_at: int) -> str:
    return f"{case.id}|{case.episode}|{due}|{ask_at}"


def _wake_at_bounds(violation: Violation, step: Step, now: int) -> None:
    """When it ends by itself, and when it becomes critical."""
    if violation.until is not None:
        step.wake(violation.until)
    if violation.critical_from is not None and violation.critical_from > now:
        step.wake(violation.critical_from)


def _close_round(case: Case, violation: Violation, due: int, step: Step, context: Context) -> None:
    """Every answer is here: told only if this round's own answers say so."""
    proved = _proved(case, violation, due, context)
    if proved is None:
        case.floor = context.now + NEXT_ROUND_MS
        step.wake(case.floor)
        return
    case.phase, case.episode, case.unchecked = Phase.CONFIRMED, case.episode + 1, False
    case.detected_at, case.reread_at = context.now, context.now + REREAD_MS
    _tell(case, evidence.opened(case, proved, context.now, usual_ms=context.usual_ms), step)
    case.uids = tuple(link.uid for link in violation.links)
    step.wake(case.reread_at)


def _tell(case: Case, finding: Finding, step: Step) -> None:
    """Mark a finding "to announce" (design §1.6)."""
    case.finding, case.announce, step.moved = finding, True, True


def _proved(case: Case, violation: Violation, due: int, context: Context) -> Violation | None:
    """The same violation, judged with the deciding bookings shown by the round's reads only (H 2)."""
    if not violation.needs:
        return violation
    uids = frozenset(need.uid for need in violation.needs if isinstance(need, ReadOf | AbsenceOf))
    cause = build_cause(context.index, context.keys, Fresh(due, uids))
    bounds = context.judgement.of(case.tenant)
    for candidate in RULES[case.rule](cause, bounds):
        if candidate.identity == violation.identity and candidate.certain:
            return candidate
    return None


def _silenced(case: Case, silencer: Case, context: Context) -> Step:
    """A higher rule speaks: nothing is asked; an open finding closes once the higher one is confirmed."""
    step = Step()
    case.floor = context.now
    if case.phase is Phase.CONFIRMED:
        if silencer.phase is Phase.CONFIRMED:
            _resolve(case, Resolution.SUPERSEDED, context.now, step, superseded_by=silencer.id)
        return step
    if case.phase is Phase.CLEAR:
        case.suspected_at, step.moved = context.now, True
    case.phase = Phase.SUSPECTED
    return step


def _standing(case: Case, violation: Violation, context: Context) -> Step:
    """Open and still true: read again every minute; what changed about it is told as an update."""
    step, now = Step(), context.now
    told = case.finding
    if told is not None and not case.announce and _changed(case, violation, context):
        _tell(case, evidence.opened(case, violation, now, change="updated", usual_ms=context.usual_ms), step)
        case.uids = tuple(link.uid for link in violation.links)
    if not violation.certain:
        # The row names another booking now, which nobody has read: the finding ends or goes on by that read.
        round_ = f"{case.id}|{case.episode}|other|{violation.newest}"
        step.asks += [Ask(need, "settle", round_, violation.starts_at) for need in violation.needs]
        step.wake(now + ASK_AGAIN_MS)
    if now >= case.reread_at:
        for need in violation.needs:
            step.asks.append(
                Ask(need, "reread", f"{case.id}|{case.episode}|again|{case.reread_at}", violation.starts_at)
            )
        case.reread_at = now + REREAD_MS
    step.wake(case.reread_at)
    _wake_at_bounds(violation, step, now)
    return step


def _changed(case: Case, violation: Violation, context: Context) -> bool:
    told = case.finding
    if told is None or not violation.certain or not all(_trusted(link, context) for link in violation.links[-1:]):
        return False
    return (told.booking_uid, told.appointment_id, told.differences, told.severity) != (
        violation.booking_uid,
        violation.appointment_id,
        violation.differences,
        violation.severity_at(context.now),
    )


def _without(case: Case, context: Context, *, expired: bool) -> Step:
    """The predicate holds no more, or its time is over."""
    step = Step()
    if case.phase is Phase.CONFIRMED:
        if expired:
            _resolve(case, Resolution.EXPIRED, context.now, step)
            return step
        return _recovering(case, context, step)
    case.unchecked = False
    if case.phase is not Phase.CLEAR:
        step.cleared_after_ms = context.now - case.suspected_at
        case.phase, step.moved = Phase.CLEAR, True
    return step


def _recovering(case: Case, context: Context, step: Step) -> Step:
    """A finding ends on proved facts only; a webhook's claim asks for a read first, which keeps to the lag wait."""
    waiting = [link for link in _deciding(case, context.cause) if not _trusted(link, context)]
    for link in waiting:
        newest = last_heard_at(link.facts)
        ask_at = newest + context.lag_wait_ms
        if context.now >= ask_at:
            step.asks.append(Ask(ReadOf(link.uid), "settle", f"{case.id}|{case.episode}|end|{newest}", None))
            step.wake(context.now + ASK_AGAIN_MS)
        else:
            step.wake(ask_at)
    if not waiting:
        late = _cured_at(context) < case.detected_at
        _resolve(case, Resolution.LATE if late else Resolution.RECOVERED, context.now, step)
    return step


def _deciding(case: Case, cause: Cause) -> list[Link]:
    named = set(case.uids)
    return [link for chain in cause.chains if named & {each.uid for each in chain.links} for link in chain.links]


def _trusted(link: Link, context: Context) -> bool:
    """Known by a read that is newer than the last webhook by the lag wait; a superseded link by its successor."""
    if link.superseded or not link.facts.told:
        return True
    due = last_heard_at(link.facts) + context.lag_wait_ms
    return any(read.begun >= due for read in link.facts.reads)


def _cured_at(context: Context) -> int:
    """When the cause last changed, by its sources' clocks; a deletion is a change too."""
    sources = [link.state.source_at for chain in context.cause.chains for link in chain.links if link.state]
    states = [row_state(context.index.rows[key]) for key in context.keys if key in context.index.rows]
    sources += [state.source_at for state in states if state is not None]
    return max(sources, default=FAR)


def _resolve(case: Case, resolution: Resolution, now: int, step: Step, *, superseded_by: str | None = None) -> None:
    if case.finding is not None:
        _tell(case, evidence.resolved(case.finding, resolution, now, superseded_by=superseded_by), step)
    case.phase, case.floor, step.moved = Phase.CLEAR, now, True
