"""Judging one cause: every rule, the precedence between them, each case's step, the verdict that follows."""

from collections import Counter
from collections.abc import Sequence

from streams.cases.advance import advance
from streams.cases.book import CaseBook, subject_key
from streams.cases.case import Case, Phase
from streams.cases.deadlines import Deadlines
from streams.cases.precedence import silencer_of, standing, suspecting
from streams.cases.questions import Asked, QuestionDesk
from streams.cases.refusals import unchecked
from streams.cases.settling import settle
from streams.cases.sources import SourceView
from streams.cases.step import FAR, Ask, Context, Step
from streams.cases.verdicts import VerdictDesk
from streams.durable import CaseKey, DurableState
from streams.facts.cause import Cause
from streams.facts.index import FactIndex, Key
from streams.facts.picture import build_cause
from streams.model.ids import NO_TENANT
from streams.model.judgement import Judgement
from streams.model.observation import NobodysRow
from streams.rules import judge
from streams.rules.violation import RowOf, Violation

#: A row without tenant is asked for at most once in this time, ms.
NOBODYS_MS = 1_000
#: And once more so long after, ms: a SELECT may not show yet what the feed has told (design §9).
NOBODYS_AGAIN_MS = 10_000


class Judging:
    """What judging moves: cases, questions, verdicts, deadlines; and what it looks at."""

    def __init__(self, index: FactIndex, durable: DurableState, deadlines: Deadlines) -> None:
        self._index = index
        self._durable = durable
        self._deadlines = deadlines
        self.book = CaseBook()
        self.desk = QuestionDesk()
        self.verdicts = VerdictDesk()
        self.sources = SourceView()
        #: Whether it was asked for since it changed; then it has its second turn.
        self._nobodys: dict[NobodysRow, bool] = {}
        self._nobodys_again: dict[NobodysRow, int] = {}
        self._nobodys_asked: tuple[int, set[NobodysRow]] = (0, set())
        self.stats: Counter[str] = Counter()

    def judge(
        self, key: Key, keys: list[Key], judgement: Judgement, lag_wait_ms: int, now: int, usual_ms: int | None
    ) -> Cause:
        """Judge the cause of `key`, which hangs together with `keys`."""
        cause = build_cause(self._index, keys)
        context = Context(self._index, keys, cause, judgement, now, lag_wait_ms, self.desk.refused, usual_ms)
        wake_at = self._advance_cases(context)
        asks, settle_at = settle(cause, now)
        self.ask(key.tenant, asks, now)
        held = any(case.held_by is not None for case in self.book.about(keys))
        for each in (key, *(k for k in keys if self._durable.is_touched(k))):
            self._deadlines.later(each, min(wake_at, settle_at))
            if held:
                self._deadlines.held(each)
        if key.tenant != NO_TENANT:  # whoever asks how a booking stands, asks for a tenant
            self.verdicts.judged(context, self.book.about(keys))
        return cause

    def nobodys(self, seen: NobodysRow) -> None:
        """A row without tenant changed: it is read under `~none`, and judged by the answer."""
        self._nobodys[seen] = False

    def ask_for_nobodys(self, now: int) -> None:
        """One question for each row; one that changed since it was asked for has its turn in the next period."""
        period = now // NOBODYS_MS
        if self._nobodys_asked[0] != period:
            self._nobodys_asked = (period, set())
        for row in [row for row, at in self._nobodys_again.items() if at <= now]:
            del self._nobodys_again[row]
            self._nobodys.setdefault(row, True)
        asked = self._nobodys_asked[1]
        for row in [row for row in self._nobodys if row not in asked]:
            if not self._nobodys.pop(row):
                self._nobodys_again[row] = now + NOBODYS_AGAIN_MS
            asked.add(row)
            self.ask(NO_TENANT, [Ask(RowOf(row.kind, row.id), "proof", f"nobody|{period}", None)], now)

    def ask(self, tenant: str, asks: Sequence[Ask], now: int) -> None:
        """Hand questions to the desk."""
        for ask in asks:
            self.desk.ask(Asked(tenant, ask, now))

    def _advance_cases(self, context: Context) -> int:
        tenant = context.cause.tenant
        standing_cases = self.book.about(context.keys)
        violations = [self.book.under_told_name(v, tenant) for v in judge(context.cause, context.judgement)]
        holding = [v for v in violations if v.until is None or v.until > context.now]
        # One that could not be checked silences nothing (design §5).
        speaking = [v for v in holding if not self.book.of(v, tenant).unchecked]
        speakers = [suspecting(v, self.book.of(v, tenant)) for v in speaking]
        true = {id(self.book.of(v, tenant)) for v in violations}
        over = [case for case in standing_cases if case.phase is Phase.CONFIRMED and id(case) not in true]
        speakers += [standing(case, case.finding) for case in over if case.finding is not None]
        silencers = {v.identity: silencer_of(v, speakers) for v in violations}
        wake_at, met = FAR, set[int]()
        for violation in sorted(violations, key=lambda v: silencers[v.identity] is not None):
            wake_at = min(wake_at, self._met(violation, silencers[violation.identity], context, met))
        for violation in unchecked([v for v in holding if self.book.of(v, tenant).unchecked]):
            wake_at = min(wake_at, self._met(violation, None, context, met))
        for case in standing_cases:
            if id(case) not in met:
                wake_at = min(wake_at, self._step(case, None, None, context))
        # Those for whom it spoke are judged again.
        return min(wake_at, context.now + 1) if any(case.phase is Phase.CLEAR for case in over) else wake_at

    def _met(self, violation: Violation, silencer: Case | None, context: Context, met: set[int]) -> int:
        tenant = context.cause.tenant
        case = self.book.of(violation, tenant)
        met.add(id(case))
        case.held_by = self.sources.holding(case.rule, tenant)
        if case.held_by is not None:
            self.sources.hold(case.held_by, context.keys[0])
        return self._step(case, violation, silencer, context)

    def _step(self, case: Case, violation: Violation | None, silencer: Case | None, context: Context) -> int:
        before = case.phase
        step = advance(case, violation, silencer, context)
        self.ask(case.tenant, step.asks, context.now)
        if step.moved:
            self._moved(case, before, step)
        return step.wake_at

    def _moved(self, case: Case, before: Phase, step: Step) -> None:
        key = CaseKey(subject_key(case), case.rule)
        if case.phase is not before:
            self.stats[f"{case.phase}:{case.rule}"] += 1
        if step.cleared_after_ms is not None:
            self.verdicts.cleared(key, step.cleared_after_ms)
        self.book.note_announcement(case)
        if case.durable:
            self._durable.touch_case(key)
        elif case.phase is Phase.CLEAR:
            self.book.drop(case)
