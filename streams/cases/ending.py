"""How a case ends: its predicate holds no more, its time is over, or a higher rule speaks."""

from streams.cases import evidence
from streams.cases.case import Case, Phase
from streams.cases.proof import Round, second_look
from streams.cases.step import ASK_AGAIN_MS, FAR, Ask, Context, Step
from streams.facts.booking import CONTRADICTION_MS, Standing, last_heard_at
from streams.facts.cause import Cause, Link
from streams.facts.row import row_state
from streams.model.ids import is_numeric
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
    waiting = False
    for link in _deciding(case, context.cause):
        ask_at = _read_wanted(link, context)
        if ask_at is None:
            continue
        waiting = True
        if context.now >= ask_at:
            step.asks.append(Ask(ReadOf(link.uid), "settle", f"{case.id}|{case.episode}|end|{ask_at}", None))
            step.wake(context.now + ASK_AGAIN_MS)
        else:
            step.wake(ask_at)
    if not waiting:
        late = case.rule not in _UNDATED and _cured_at(context) < case.detected_at
        resolve(case, Resolution.LATE if late else Resolution.RECOVERED, context.now, step)
    return step


def _deciding(case: Case, cause: Cause) -> list[Link]:
    """The links of the chains that were told of, and what the appointment names by now, unless a read knows it.

    That is a numeric id, nobody's yet, or a booking that a mere claim changed since.
    What could not be checked ends with its suspicion: it said nothing about bookings.
    """
    if case.rule is Rule.VERIFICATION_FAILED:
        return []
    named = set(case.uids)
    row = case.finding.appointment_id if case.finding is not None else None
    links = [a.link for a in cause.appointments if a.id == row and a.link is not None]
    named |= {link.uid for link in links if _is_hearsay(link)}
    return [link for chain in cause.chains if named & {each.uid for each in chain.links} for link in chain.links]


def _is_hearsay(link: Link) -> bool:
    if link.state is None:
        return is_numeric(link.uid)
    return link.state.standing is Standing.CLAIMED


def trusted(link: Link, context: Context) -> bool:
    """Known by a read that is newer than the last webhook by the lag wait; a superseded link by its successor."""
    return _read_wanted(link, context) is None


def _read_wanted(link: Link, context: Context) -> int | None:
    """From when on a read would make the link known; None if it is.

    The read must be so much newer than the last webhook that it counts where it contradicts (an announced cancellation
    that is not done ends nothing), and a 404 needs its second one. A link that nobody has told of or read is unknown.
    """
    if link.superseded:
        return None
    due = last_heard_at(link.facts) + max(context.lag_wait_ms, CONTRADICTION_MS)
    reads = link.facts.reads
    if reads and not reads[-1].found:
        return second_look(reads, Round(due, due, context.lag_wait_ms))
    if not link.facts.told:
        return None if reads else due
    return None if any(read.begun >= due for read in reads) else due


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
