"""The one state machine of all rules: a case takes one step when its cause is judged (design §1.2, §4a).

Pure: facts, violations and now come in; the case moves; what is to be asked and told goes out.
"""

from streams.cases import evidence
from streams.cases.case import Case, Phase
from streams.cases.ending import resolve, trusted, without
from streams.cases.proof import Round, unmet
from streams.cases.refusals import REFUSALS_MAX
from streams.cases.step import ASK_AGAIN_MS, Ask, Context, Step
from streams.facts.picture import Fresh, build_cause
from streams.model.rule import Resolution
from streams.rules import RULES
from streams.rules.violation import AbsenceOf, ReadOf, Violation

#: Open findings are read again this often, ms (§4a).
REREAD_MS = 60_000
#: A complete round that the facts contradict is followed by the next one after this time, ms.
NEXT_ROUND_MS = 2_000
#: What a silent source holds back is looked at this often, should its return go by unheard, ms.
HELD_LOOK_MS = 60_000


def advance(case: Case, violation: Violation | None, silencer: Case | None, context: Context) -> Step:
    """Take one step. `silencer` is the case of the higher rule that speaks for this cause, if one does."""
    over = violation is not None and violation.until is not None and violation.until <= context.now
    if violation is None or over:
        return without(case, context, expired=over)
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
    if case.silenced:  # what spoke for it may have fallen by a mere claim: a new grace, then a new proof
        case.silenced, case.floor = False, now + wait
    due = max(violation.newest + wait, case.floor)
    round_ = Round(due, case.suspected_at, context.lag_wait_ms)
    wanted = unmet(violation, context.index, case.tenant, round_)
    case.phase = Phase.VERIFYING if now >= due else Phase.SUSPECTED
    refusals = [context.refused(case.tenant, want.need) for want in wanted]
    case.unchecked = any(refusal is not None and refusal.count >= REFUSALS_MAX for refusal in refusals)
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
    step.tell(case, evidence.opened(case, proved, context))
    case.uids = tuple(link.uid for link in violation.links)
    step.wake(case.reread_at)


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
    case.floor, case.silenced = context.now, True
    if case.phase is Phase.CONFIRMED:
        if silencer.phase is Phase.CONFIRMED:
            resolve(case, Resolution.SUPERSEDED, context.now, step, superseded_by=silencer.id)
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
        step.tell(case, evidence.opened(case, violation, context, change="updated"))
        case.uids = tuple(link.uid for link in violation.links)
    if _is_elsewhere(case, violation, context):
        resolve(case, Resolution.RECOVERED, now, step)
        return step
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


def _is_elsewhere(case: Case, violation: Violation, context: Context) -> bool:
    """The row names another account's booking now: it is there, so what was told is over.

    What is wrong now is said where the booking is (tenant_mismatch). An earlier 404 says nothing against that: a
    replica had not got the booking yet.
    """
    needs = [need for need in violation.needs if isinstance(need, AbsenceOf) or not violation.certain]
    refusals = [context.refused(case.tenant, need) for need in needs]
    return any(refusal is not None and refusal.elsewhere for refusal in refusals)


def _changed(case: Case, violation: Violation, context: Context) -> bool:
    told = case.finding
    if told is None or not violation.certain or not all(trusted(link, context) for link in violation.links[-1:]):
        return False
    return (told.booking_uid, told.appointment_id, told.differences, told.severity) != (
        violation.booking_uid,
        violation.appointment_id,
        violation.differences,
        violation.severity_at(context.now),
    )
