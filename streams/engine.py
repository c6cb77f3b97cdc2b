"""The engine of one partition: observations in, effects out. Pure; the shell carries the effects out.

    record bytes ── decode_record ──▶ observations ── Partition.observe ──▶ facts (merged), causes to judge
    tick passed the barrier ── Partition.tick(now) ──▶ Effects: questions, findings, verdicts
    before each commit ── Partition.take_writes ──▶ changelog records (only what changed)

Merging is done at once, judging at ticks: nothing falls due before all inputs are caught up, and a backlog is judged
once at its end. Order of one step, kept by the shell (design §1.6): case state written and acknowledged, finding sent
and acknowledged (`announced`), offsets committed.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from streams.cases.advance import FAR, Ask, Context, advance
from streams.cases.book import CaseBook, subject_key
from streams.cases.case import Case, Phase
from streams.cases.deadlines import Deadlines
from streams.cases.lag import LagMeter
from streams.cases.precedence import silencer_of
from streams.cases.questions import Asked, QuestionDesk
from streams.cases.settling import settle
from streams.cases.verdicts import VerdictDesk
from streams.durable import CaseKey, DurableState
from streams.facts.booking import join_booking, needs_settling, same_read_state
from streams.facts.index import FactIndex, Key, decode_key
from streams.facts.picture import build_cause
from streams.facts.row import join_row
from streams.model.facts import BookingFacts, RowFacts
from streams.model.ids import Instant
from streams.model.judgement import Judgement
from streams.model.observation import BookingReadSeen, LookupSeen, Observation, RowChanged, RowReadSeen, WebhookHeard
from streams.model.records import AnyQuestion, Finding, FindingRecord, Verdict
from streams.rules import judge
from streams.rules.violation import Violation

#: Causes judged in one call of `tick`; more wait for the next (the event loop must breathe).
CAUSES_PER_TICK_MAX = 250


class Effects(msgspec.Struct, frozen=True):
    """What is to be sent. `more`: call `tick` again at once. `failures`: causes passed over, each with its error."""

    questions: tuple[AnyQuestion, ...] = ()
    findings: tuple[FindingRecord, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    more: bool = False
    failures: tuple[str, ...] = ()


class Partition:
    """Facts, cases and deadlines of all tenants of one partition."""

    def __init__(self, judgement: Judgement) -> None:
        self._judgement = judgement
        self._index = FactIndex()
        self._book = CaseBook()
        self._deadlines = Deadlines()
        self._desk = QuestionDesk()
        self._verdicts = VerdictDesk()
        self._durable = DurableState()
        self._lag: dict[str, LagMeter] = {}
        self.stats: Counter[str] = Counter()
        #: How often nothing was left to judge.
        self.rounds = 0

    # What comes in ------------------------------------------------------------------------------------------

    def observe(self, observations: Sequence[Observation]) -> None:
        """Merge what one record says and mark the causes it touches."""
        for seen in observations:
            match seen:
                case RowChanged():
                    self._merge_row(_row_key(seen), RowFacts(versions=(seen.version,)))
                case WebhookHeard():
                    self._merge_booking(Key("b", seen.tenant, seen.uid), BookingFacts(told=(seen.told,)))
                case BookingReadSeen():
                    self._merge_read(seen)
                case RowReadSeen():
                    self._merge_row(_row_key(seen), RowFacts(reads=(seen.read,)))
                case LookupSeen():
                    self._merge_lookup(seen)

    def _merge_row(self, key: Key, facts: RowFacts) -> None:
        before = self._index.rows.get(key)
        after = join_row(before, facts)
        self._deadlines.now(key)
        if after != before:
            self._index.put_row(key, after)
            self._durable.touch(key)

    def _merge_booking(self, key: Key, facts: BookingFacts, *, durable: bool = True) -> None:
        before = self._index.bookings.get(key)
        after = join_booking(before, facts)
        self._deadlines.now(key)
        if after != before:
            self._index.put_booking(key, after)
            if durable:
                self._durable.touch(key)

    def _merge_read(self, seen: BookingReadSeen) -> None:
        key = Key("b", seen.tenant, seen.uid)
        before = self._index.bookings.get(key)
        # An answer that changes nothing costs no changelog record; lost at a restart, it is asked again.
        news = before is None or not before.reads or not same_read_state(before.reads[-1], seen.read)
        news = news or (before is not None and needs_settling(before) is not None)
        self._merge_booking(key, BookingFacts(reads=(seen.read,)), durable=news)
        self._lag_of(seen.tenant).observe(self._index.bookings[key], seen.read)

    def _merge_lookup(self, seen: LookupSeen) -> None:
        for uid in {self._index.uid(seen.tenant, ref) for ref in seen.uids}:
            self._merge_booking(Key("b", seen.tenant, uid), BookingFacts(lookup=seen.lookup))
        if seen.call is not None:
            self._merge_row(Key("c", seen.tenant, seen.call), RowFacts(lookup=seen.lookup))

    def _lag_of(self, tenant: str) -> LagMeter:
        return self._lag.setdefault(tenant, LagMeter())

    # Durable state ------------------------------------------------------------------------------------------

    def load(self, key: bytes, value: bytes) -> None:
        """One changelog record, merged with what is there: an old owner may have written last."""
        wake_at, entry = self._durable.decode(key, value)
        if isinstance(entry, Case):
            self._deadlines.later(subject_key(self._book.load(entry)), wake_at)
            return
        entity = decode_key(key)
        if isinstance(entry, BookingFacts):
            self._index.put_booking(entity, join_booking(self._index.bookings.get(entity), entry))
        else:
            self._index.put_row(entity, join_row(self._index.rows.get(entity), entry))
        self._deadlines.later(entity, wake_at)

    def forget(self, key: bytes) -> None:
        """A tombstone met on load."""
        entity = decode_key(key)
        self._index.bookings.pop(entity, None)
        self._index.rows.pop(entity, None)

    def take_writes(self) -> list[tuple[bytes, bytes | None]]:
        """Changelog records of everything that changed since the last call."""
        return self._durable.take(self._index, self._book.by_subject, self._deadlines.hint)

    def entries(self) -> int:
        """Entities held."""
        return len(self._index.bookings) + len(self._index.rows)

    def causes_due(self) -> int:
        """Entities whose cause waits for a tick to be judged."""
        return len(self._deadlines)

    def phases(self) -> Counter[str]:
        """How many cases stand in each phase."""
        return self._book.phases()

    # Time ---------------------------------------------------------------------------------------------------

    def tick(self, now: Instant) -> Effects:
        """Judge what is new or due, within a bound."""
        self._deadlines.pass_time(now)
        self._desk.forget_before(now)
        judged, failures = 0, []
        while judged < CAUSES_PER_TICK_MAX and (key := self._deadlines.head()) is not None:
            judged += 1
            try:
                self._judge_cause(key, now)
            except Exception as error:  # a fault of ours in one cause must not silence all others
                failures.append(f"{key}: {error!r}")
        self.stats["judged"] += judged
        more = bool(self._deadlines)
        self.rounds += not more
        findings = self._book.to_announce()
        if not more:
            findings += self._book.restatements(now, self._index.tenants())
        return Effects(self._desk.take(), tuple(findings), self._verdicts.take(), more, tuple(failures))

    def announced(self, findings: Sequence[FindingRecord]) -> None:
        """These were acknowledged by the broker; nothing is left to tell of them."""
        for finding in findings:
            case = self._book.announced(finding) if isinstance(finding, Finding) else None
            if case is not None:
                self._durable.touch_case(CaseKey(subject_key(case), case.rule))

    # Judging ------------------------------------------------------------------------------------------------

    def _judge_cause(self, key: Key, now: int) -> None:
        keys = self._index.cause(key)
        self._deadlines.settle(keys)
        if key.tenant.startswith("~"):
            return  # nobody's yet: judged only by the rules about that
        cause = build_cause(self._index, keys)
        least = self._judgement.of(key.tenant).calcom_lag_ms
        lag_wait = self._lag_of(key.tenant).wait_ms(least, now)
        context = Context(self._index, keys, cause, self._judgement, now, lag_wait)
        wake_at = self._advance_cases(context)
        asks, settle_at = settle(cause, now)
        self._ask(key.tenant, asks, now)
        for each in (key, *(k for k in keys if self._durable.is_touched(k))):
            self._deadlines.later(each, min(wake_at, settle_at))
        self._verdicts.judged(context, self._book.about(keys))

    def _advance_cases(self, context: Context) -> int:
        tenant = context.cause.tenant
        standing = self._book.about(context.keys)
        violations = [self._book.under_told_name(v, tenant) for v in judge(context.cause, self._judgement)]
        holding = [v for v in violations if v.until is None or v.until > context.now]
        silencers = {v.identity: silencer_of(v, holding) for v in violations}
        wake_at, met = FAR, set[int]()
        for violation in sorted(violations, key=lambda v: silencers[v.identity] is not None):
            case = self._book.of(violation, tenant)
            met.add(id(case))
            higher = silencers[violation.identity]
            silencer = self._book.of(higher, tenant) if higher else None
            wake_at = min(wake_at, self._step(case, violation, silencer, context))
        for case in standing:
            if id(case) not in met:
                wake_at = min(wake_at, self._step(case, None, None, context))
        return wake_at

    def _step(self, case: Case, violation: Violation | None, silencer: Case | None, context: Context) -> int:
        before = case.phase
        step = advance(case, violation, silencer, context)
        self._ask(case.tenant, step.asks, context.now)
        if not step.moved:
            return step.wake_at
        key = CaseKey(subject_key(case), case.rule)
        if case.phase is not before:
            self.stats[f"{case.phase}:{case.rule}"] += 1
        if step.cleared_after_ms is not None:
            self._verdicts.cleared(key, step.cleared_after_ms)
        self._book.note_announcement(case)
        if case.durable:
            self._durable.touch_case(key)
        elif case.phase is Phase.CLEAR:
            self._book.drop(case)
        return step.wake_at

    def _ask(self, tenant: str, asks: Sequence[Ask], now: int) -> None:
        for ask in asks:
            self._desk.ask(Asked(tenant, ask, now))


def _row_key(seen: RowChanged | RowReadSeen) -> Key:
    return Key("a" if seen.kind == "appointment" else "c", seen.tenant, seen.id)
