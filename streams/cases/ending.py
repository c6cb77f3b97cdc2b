"""How a case ends: its predicate holds no more, its time is over, or a higher rule speaks."""

from streams.cases import evidence
from streams.cases.case import Case, Phase
from streams.cases.step import ASK_AGAIN_MS, FAR, Ask, Context, Step
from streams.facts.booking import last_heard_at
from streams.facts.cause import Cause, Link
from streams.facts.row import row_state
from streams.model.rule import Resolution, Rule
from streams.rules.violation import ReadOf

#: What ends these has no time in any source that we hear: another tenant's row, an answer that can be used again.
_UNDATED = frozenset({Rule.TENANT_MISMATCH, Rule.VERIFICATION_FAILED})


def without(case: Case, context: Context, *, expired: bool) -> Step:
    """The predicate holds no more, or its time is over."""
    step = Step()
    if case.phase is Phase.CONFIRMED:
        if expired:
            resolve(case, Resolution.EXPIRED, context.now, step)
            return step
        return _recovering(case, context, step)
    case.unchecked = False
    if case.phase is not Phase.CLEAR:
        step.cleared_after_ms = context.now - case.suspected_at
        case.phase, step.moved = Phase.CLEAR, True
    return step


def _recovering(case: Case, context: Context, step: Step) -> Step:
    """A finding ends on proved facts only; a webhook's claim asks for a read first, which keeps to the lag wait."""
    waiting = [link for link in _deciding(case, context.cause) if not trusted(link, context)]
    for link in waiting:
        newest = last_heard_at(link.facts)
        ask_at = newest + context.lag_wait_ms
        if context.now >= ask_at:
            step.asks.append(Ask(ReadOf(link.uid), "settle", f"{case.id}|{case.episode}|end|{newest}", None))
            step.wake(context.now + ASK_AGAIN_MS)
        else:
            step.wake(ask_at)
    if not waiting:
        late = case.rule not in _UNDATED and _cured_at(context) < case.detected_at
        resolve(case, Resolution.LATE if late else Resolution.RECOVERED, context.now, step)
    return step


def _deciding(case: Case, cause: Cause) -> list[Link]:
    named = set(case.uids)
    return [link for chain in cause.chains if named & {each.uid for each in chain.links} for link in chain.links]


def trusted(link: Link, context: Context) -> bool:
    """Known by a read that is newer than the last webhook by the lag wait; a superseded link by its successor."""
    if link.superseded or not link.facts.told:
        return True
    due = last_heard_at(link.facts) + context.lag_wait_ms
    return any(read.begun >= due for read in link.facts.reads)


def _cured_at(context: Context) -> int:
    """When the cause last changed, by its sources' clocks; a deletion is a change too."""
    sources = [link.state.source_at for chain in context.cause.chains for link in chain.links if link.state]
    states = [row_state(context.index.rows[key]) for key in context.keys if key in context.index.rows]
    sources += [max(state.source_at, state.sync_source_at) for state in states if state is not None]
    return max(sources, default=FAR)


def resolve(case: Case, resolution: Resolution, now: int, step: Step, *, superseded_by: str | None = None) -> None:
    if case.finding is not None:
        step.tell(case, evidence.resolved(case.finding, resolution, now, superseded_by=superseded_by))
    case.phase, case.floor, step.moved = Phase.CLEAR, now, True
