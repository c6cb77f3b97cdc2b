"""The engine of one partition: observations in, effects out. Pure; the shell carries the effects out.

    record bytes ── decode_record ──▶ observations ── Partition.observe ──▶ facts (merged), causes to judge
    tick passed the barrier ── Partition.tick(now) ──▶ Effects: questions, findings, verdicts
    before each commit ── Partition.take_writes ──▶ changelog records (only what changed)

Merging is done at once, judging at ticks: nothing falls due before all inputs are caught up, and a backlog is judged
once at its end. Order of one step, kept by the shell (design §1.6): case state written and acknowledged, finding sent
and acknowledged (`announced`), offsets committed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

import msgspec

from streams.cases.advance import FAR, Ask, Context, Step, advance
from streams.cases.case import Case, Phase
from streams.cases.lag import LagMeter
from streams.cases.precedence import silencer_of
from streams.cases.questions import Asked, QuestionDesk
from streams.cases.settling import settle
from streams.cases.verdicts import VerdictDesk
from streams.durable import CASE_KIND, CaseKey, DurableState
from streams.facts.booking import join_booking, needs_settling, same_read_state
from streams.facts.cause import build_cause
from streams.facts.index import FactIndex, Key
from streams.facts.row import join_row
from streams.model.facts import BookingFacts, RowFacts
from streams.model.ids import Instant, iso
from streams.model.judgement import Judgement
from streams.model.observation import (
    BookingReadSeen,
    LookupSeen,
    Observation,
    RowChanged,
    RowReadSeen,
    WebhookHeard,
)
from streams.model.records import AnyQuestion, Finding, FindingRecord, Restatement, Verdict
from streams.rules import judge
from streams.rules.violation import Violation

#: Causes judged in one call of `tick`; more wait for the next (the event loop must breathe).
CAUSES_PER_TICK_MAX = 250
#: Open findings are restated this often, ms (design §1.6).
RESTATE_MS = 300_000


class Effects(msgspec.Struct, frozen=True):
    """What is to be sent. `more`: call `tick` again at once."""

    questions: tuple[AnyQuestion, ...] = ()
    findings: tuple[FindingRecord, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    more: bool = False


class Partition:
    """Facts, cases and deadlines of all tenants of one partition."""

    def __init__(self, judgement: Judgement) -> None:
        self._judgement = judgement
        self._index = FactIndex()
        self._cases: dict[Key, dict[str, Case]] = {}
        self._lag: dict[str, LagMeter] = {}
        self._to_judge: dict[Key, None] = {}
        self._wakes: list[tuple[int, Key]] = []
        self._wake_of: dict[Key, int] = {}
        self._desk = QuestionDesk()
        self._verdicts = VerdictDesk()
        self._to_announce: dict[str, Case] = {}
        self._restate_at = 0
        self._durable = DurableState()
        self.stats: Counter[str] = Counter()

    # What comes in ------------------------------------------------------------------------------------------

    def observe(self, observations: Sequence[Observation]) -> None:
        """Merge what one record says and mark the causes it touches."""
        for observation in observations:
            match observation:
                case RowChanged():
                    kind = "a" if observation.kind == "appointment" else "c"
                    facts = RowFacts(versions=(observation.version,))
                    self._merge_row(Key(kind, observation.tenant, observation.id), facts)
                case WebhookHeard():
                    booking = BookingFacts(told=(observation.told,))
                    self._merge_booking(Key("b", observation.tenant, observation.uid), booking)
                case BookingReadSeen():
                    self._merge_read(observation)
                case RowReadSeen():
                    kind = "a" if observation.kind == "appointment" else "c"
                    facts = RowFacts(reads=(observation.read,))
                    self._merge_row(Key(kind, observation.tenant, observation.id), facts)
                case LookupSeen():
                    self._merge_lookup(observation)

    def _merge_row(self, key: Key, facts: RowFacts) -> None:
        before = self._index.rows.get(key)
        after = join_row(before, facts)
        self._to_judge[key] = None
        if after != before:
            self._index.put_row(key, after)
            self._durable.touch(key)

    def _merge_booking(self, key: Key, facts: BookingFacts, *, durable: bool = True) -> None:
        before = self._index.bookings.get(key)
        after = join_booking(before, facts)
        self._to_judge[key] = None
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
        kind, wake_at, entry = self._durable.decode(key, value)
        if kind == CASE_KIND:
            assert isinstance(entry, Case)
            held = self._durable.newer(self._case_at(entry), entry)
            subject = _subject_key(held)
            self._cases.setdefault(subject, {})[held.rule] = held
            if held.announce:
                self._to_announce[held.id] = held
            self._schedule(subject, wake_at)
            return
        entity = self._durable.key(key)
        if isinstance(entry, BookingFacts):
            self._index.put_booking(entity, join_booking(self._index.bookings.get(entity), entry))
        elif isinstance(entry, RowFacts):
            self._index.put_row(entity, join_row(self._index.rows.get(entity), entry))
        self._schedule(entity, wake_at)

    def forget(self, key: bytes) -> None:
        """A tombstone met on load."""
        entity = self._durable.key(key)
        self._index.bookings.pop(entity, None)
        self._index.rows.pop(entity, None)

    def loaded(self) -> None:
        """After the last `load`."""

    def take_writes(self) -> list[tuple[bytes, bytes | None]]:
        """Changelog records of everything that changed since the last call."""
        return self._durable.take(self._index, self._cases, self._wake_hint)

    def _wake_hint(self, key: Key) -> int:
        """When a restarted worker must look at this entity: now if unjudged, at its deadline, or never (0)."""
        return 1 if key in self._to_judge else self._wake_of.get(key, 0)

    def entries(self) -> int:
        """Entities held."""
        return len(self._index.bookings) + len(self._index.rows)

    # Time ---------------------------------------------------------------------------------------------------

    def tick(self, now: Instant) -> Effects:
        """Judge what is new or due, within a bound."""
        self._take_due(now)
        self._desk.forget_before(now)
        judged = 0
        while self._to_judge and judged < CAUSES_PER_TICK_MAX:
            self._judge_cause(next(iter(self._to_judge)), now)
            judged += 1
        self.stats["judged"] += judged
        findings: list[FindingRecord] = [case.finding for case in self._to_announce.values() if case.finding]
        if not self._to_judge and now >= self._restate_at:
            findings += self._restatements(now)
        return Effects(self._desk.take(), tuple(findings), self._verdicts.take(), bool(self._to_judge))

    def announced(self, findings: Sequence[FindingRecord]) -> None:
        """These were acknowledged by the broker; nothing is left to tell of them."""
        for finding in findings:
            if not isinstance(finding, Finding):
                continue
            case = self._to_announce.get(finding.alert_id)
            if case is not None and case.finding == finding:
                del self._to_announce[finding.alert_id]
                case.announce = False
                self._durable.touch_case(CaseKey(_subject_key(case), case.rule))

    def _take_due(self, now: int) -> None:
        while self._wakes and self._wakes[0][0] <= now:
            at, key = heappop(self._wakes)
            if self._wake_of.get(key) == at:
                del self._wake_of[key]
                self._to_judge[key] = None

    def _schedule(self, key: Key, at: int) -> None:
        if at in (0, FAR):
            return
        held = self._wake_of.get(key)
        if held is None or at < held:
            self._wake_of[key] = at
            heappush(self._wakes, (at, key))

    # Judging ------------------------------------------------------------------------------------------------

    def _judge_cause(self, key: Key, now: int) -> None:
        keys = self._index.cause(key)
        for each in keys:
            self._to_judge.pop(each, None)
            self._wake_of.pop(each, None)
        if key.tenant.startswith("~"):
            return  # nobody's yet: judged only by the rules about that
        cause = build_cause(self._index, keys)
        lag = self._lag_of(key.tenant).wait_ms(self._judgement.of(key.tenant).calcom_lag_ms, now)
        context = Context(self._index, keys, cause, self._judgement, now, lag)
        wake_at = self._advance_cases(context)
        asks, settle_at = settle(cause, now)
        self._ask(key.tenant, asks, now)
        wake_at = min(wake_at, settle_at)
        for each in keys:
            if self._durable.is_touched(each):
                self._schedule(each, wake_at)
        self._schedule(key, wake_at)
        self._verdicts.judged(context, self._cases_of(keys))

    def _advance_cases(self, context: Context) -> int:
        standing = self._cases_of(context.keys)
        violations = [self._under_told_name(v, context) for v in judge(context.cause, self._judgement)]
        holding = [v for v in violations if v.until is None or v.until > context.now]
        wake_at, met = FAR, set[int]()
        for violation in sorted(violations, key=lambda v: silencer_of(v, holding) is not None):
            case = self._case_of(violation, context.cause.tenant)
            met.add(id(case))
            higher = silencer_of(violation, holding)
            silencer = self._case_of(higher, context.cause.tenant) if higher else None
            wake_at = min(wake_at, self._step(case, violation, silencer, context))
        for case in standing:
            if id(case) not in met:
                wake_at = min(wake_at, self._step(case, None, None, context))
        return wake_at

    def _step(self, case: Case, violation: Violation | None, silencer: Case | None, context: Context) -> int:
        before = case.phase
        step = advance(case, violation, silencer, context)
        self._ask(case.tenant, step.asks, context.now)
        if step.moved:
            self._moved(case, before, step)
        return step.wake_at

    def _moved(self, case: Case, before: Phase, step: Step) -> None:
        key = CaseKey(_subject_key(case), case.rule)
        if case.phase is not before:
            self.stats[f"{case.phase}:{case.rule}"] += 1
        if step.cleared_after_ms is not None:
            self._verdicts.cleared(key, step.cleared_after_ms)
        if case.announce:
            self._to_announce[case.id] = case
        if case.durable:
            self._durable.touch_case(key)
        elif case.phase is Phase.CLEAR:
            self._cases.get(key.subject, {}).pop(case.rule, None)

    def _ask(self, tenant: str, asks: Sequence[Ask], now: int) -> None:
        for ask in asks:
            self._desk.ask(Asked(tenant, ask, now))

    def _under_told_name(self, violation: Violation, context: Context) -> Violation:
        """A chain's alert keeps the name it was told under, though an older link came to light since."""
        if violation.kind != "booking":
            return violation
        for link in violation.links:
            case = self._cases.get(Key("b", context.cause.tenant, link.uid), {}).get(violation.rule)
            if case is not None and case.durable:
                return msgspec.structs.replace(violation, subject=case.subject)
        return violation

    def _case_of(self, violation: Violation, tenant: str) -> Case:
        fresh = Case(tenant=tenant, rule=violation.rule, kind=violation.kind, subject=violation.subject)
        return self._cases.setdefault(_subject_key(fresh), {}).setdefault(violation.rule, fresh)

    def _case_at(self, case: Case) -> Case | None:
        return self._cases.get(_subject_key(case), {}).get(case.rule)

    def _cases_of(self, keys: Sequence[Key]) -> list[Case]:
        return [case for key in keys if key in self._cases for case in self._cases[key].values()]

    def _restatements(self, now: int) -> list[FindingRecord]:
        self._restate_at = now + RESTATE_MS
        open_by_tenant: dict[str, list[tuple[str, int]]] = {key.tenant: [] for key in self._index.bookings}
        open_by_tenant |= {key.tenant: [] for key in self._index.rows}
        findings: list[FindingRecord] = []
        for cases in self._cases.values():
            for case in cases.values():
                if case.phase is Phase.CONFIRMED and case.finding is not None:
                    open_by_tenant.setdefault(case.tenant, []).append((case.id, case.episode))
                    findings.append(case.finding)
        at = str(iso(now))
        return findings + [
            Restatement(tenant=tenant, at=at, open=tuple(sorted(held))) for tenant, held in open_by_tenant.items()
        ]

    def open_cases(self) -> Mapping[str, int]:
        """How many cases stand in each phase, for metrics."""
        return Counter(case.phase for cases in self._cases.values() for case in cases.values())


def _subject_key(case: Case) -> Key:
    return Key(case.kind[0], case.tenant, case.subject)
