"""The engine of one partition: observations in, effects out. Pure; the shell carries the effects out.

    record bytes ── decode_record ──▶ observations ── Partition.observe ──▶ facts (merged), causes to judge
    tick passed the barrier ── Partition.tick(now) ──▶ Effects: questions, findings, verdicts
    before each commit ── Partition.take_writes ──▶ changelog records (only what changed)

Merging is done at once, judging at ticks: nothing falls due before all inputs are caught up, and a backlog is judged
once at its end. Order of one step, kept by the shell (design §1.6): case state written and acknowledged, finding sent
and acknowledged (`announced`), offsets committed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from streams.cases.book import subject_key
from streams.cases.case import Case
from streams.cases.deadlines import Deadlines
from streams.cases.judging import Judging
from streams.cases.matching import KIND, Matching
from streams.cases.passes import overdue
from streams.cases.retention import Forgetting, may_go
from streams.cases.standing import Standings
from streams.durable import CASE_KIND, CaseKey, DurableState, decode_case_key, encode_value
from streams.facts.index import FactIndex, Key, decode_key
from streams.merging import Merging
from streams.model.ids import NO_TENANT, Instant
from streams.model.judgement import Judgement
from streams.model.observation import AnswerRefused, NobodysRow, Observation, PassSeen, RowChanged, SourceSeen
from streams.model.records import AnyQuestion, Finding, FindingRecord, Verdict
from streams.model.source_records import TenantStanding
from streams.model.words import unknown_words

#: Causes judged in one call of `tick`; more wait for the next (the event loop must breathe).
CAUSES_PER_TICK_MAX = 250


class Effects(msgspec.Struct, frozen=True):
    """What is to be sent. `more`: call `tick` again at once. `failures`: causes passed over, each with its error.

    `notes`: what people who run this should read once in the log.
    """

    questions: tuple[AnyQuestion, ...] = ()
    findings: tuple[FindingRecord, ...] = ()
    verdicts: tuple[Verdict | TenantStanding, ...] = ()
    more: bool = False
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Partition:
    """Facts, cases and deadlines of all tenants of one partition."""

    def __init__(self, judgement: Judgement) -> None:
        self._configured = self._judgement = judgement
        self._index = FactIndex()
        self._deadlines = Deadlines()
        self._durable = DurableState()
        self._merging = Merging(self._index, self._durable, self._deadlines)
        self._judging = Judging(self._index, self._durable, self._deadlines)
        self._book = self._judging.book
        self._matching = Matching(self._index, self._book)
        self._standings = Standings(self._index, self._book, self._judging.sources, self._matching)
        self._forgetting = Forgetting(self._index)
        self._passes: list[PassSeen] = []
        self.stats = self._judging.stats
        #: How often nothing was left to judge.
        self.rounds = 0

    # What comes in ------------------------------------------------------------------------------------------

    def observe(self, observations: Sequence[Observation]) -> None:
        """Merge what one record says and mark the causes it touches."""
        for seen in observations:
            match seen:
                case SourceSeen():
                    self._judge_soon(self._judging.sources.seen(seen.state))
                case PassSeen():
                    self._passes.append(seen)
                case AnswerRefused():
                    self._judge_soon(self._judging.desk.refuse(seen))
                case NobodysRow():
                    self._judging.nobodys(seen)
                case _:
                    if isinstance(seen, RowChanged):
                        self.stats.update(f"unknown_word:{column}" for column in unknown_words(seen.version.row))
                    self._judging.desk.answered(seen)
                    self._merging.merge(seen)

    def _judge_soon(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._deadlines.now(key)

    # Durable state ------------------------------------------------------------------------------------------

    def load(self, key: bytes, value: bytes) -> None:
        """One changelog record, merged with what is there: an old owner may have written last."""
        if key.startswith(f"{KIND}|".encode()):
            self._matching.load(key, value[8:])
            self._judgement = self._matching.narrow(self._configured)
            return
        wake_at, entry = self._durable.decode(key, value)
        if isinstance(entry, Case):
            self._deadlines.later(subject_key(self._book.load(entry)), wake_at)
            return
        entity = decode_key(key)
        self._merging.load(entity, entry)
        self._deadlines.later(entity, wake_at)

    def forget(self, key: bytes) -> None:
        """A tombstone met on load."""
        if key.startswith(f"{CASE_KIND}|".encode()):
            case = decode_case_key(key)
            self._book.forget_rule(case.subject, case.rule)
        else:
            self._index.drop(decode_key(key))

    def take_writes(self) -> list[tuple[bytes, bytes | None]]:
        """Changelog records of everything that changed since the last call."""
        scope = [(key, encode_value(0, out)) for key, out in self._matching.take_writes()]
        return scope + self._durable.take(self._index, self._book.by_subject, self._deadlines.hint)

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
        self._judging.desk.forget_before(now)
        self._judging.ask_for_nobodys(now)
        self._after_passes(now)
        failures = self._judge_due(now)
        more = bool(self._deadlines)
        self.rounds += not more
        findings = self._book.to_announce()
        verdicts: list[Verdict | TenantStanding] = [*self._judging.verdicts.take()]
        notes: list[str] = []
        if not more:
            findings += self._book.restatements(now, self._index.tenants(), self._judgement.generation)
            verdicts += self._standings.tell(now, self._judgement, lambda tenant: self._lag_wait(tenant, now))
            notes = self._narrow(now)
            self._forget_what_is_over(now)
        return Effects(self._judging.desk.take(), tuple(findings), tuple(verdicts), more, tuple(failures), tuple(notes))

    def announced(self, findings: Sequence[FindingRecord]) -> None:
        """These were acknowledged by the broker; nothing is left to tell of them."""
        for finding in findings:
            case = self._book.announced(finding) if isinstance(finding, Finding) else None
            if case is not None:
                self._durable.touch_case(CaseKey(subject_key(case), case.rule))

    def _judge_due(self, now: int) -> list[str]:
        judged, failures = 0, []
        while judged < CAUSES_PER_TICK_MAX and (key := self._deadlines.head()) is not None:
            judged += 1
            try:
                self._judge_cause(key, now)
            except Exception as error:  # a fault of ours in one cause must not silence all others
                failures.append(f"{key}: {error!r}")
        self.stats["judged"] += judged
        return failures

    def _judge_cause(self, key: Key, now: int) -> None:
        keys = self._index.cause(key)
        self._deadlines.settle(keys)
        if key.tenant.startswith("~") and key.tenant != NO_TENANT:
            return  # nobody's yet: judged once its tenant is known
        usual = self._standings.usual_ms(key.tenant)
        cause = self._judging.judge(key, keys, self._judgement, self._lag_wait(key.tenant, now), now, usual)
        self._standings.judged(cause, now)
        if self._matching.judged(cause):
            self._rescope([key.tenant])

    def _lag_wait(self, tenant: str, now: int) -> int:
        return self._merging.lag_of(tenant).wait_ms(self._judgement.of(tenant).calcom_lag_ms, now)

    def _after_passes(self, now: int) -> None:
        """Ask for what complete passes did not show; their pages were read before this tick."""
        passes, self._passes = self._passes, []
        if not passes:
            return
        for tenant, ask in overdue(self._index, passes):
            self._judging.ask(tenant, [ask], now)
        for one in passes:
            self._matching.passed(one)

    def _narrow(self, now: int) -> list[str]:
        tenants = self._matching.recount(now)
        if tenants:
            self._rescope(tenants)
        return [self._matching.note(tenant) for tenant in tenants]

    def _rescope(self, tenants: Iterable[str]) -> None:
        self._judgement = self._matching.narrow(self._configured)
        for tenant in tenants:
            self._judge_soon(self._matching.members(tenant))

    def _forget_what_is_over(self, now: int) -> None:
        for keys in self._forgetting.over(now, self._judgement.retention_ms):
            if may_go(self._book.about(keys)):
                for key in keys:
                    for case in self._book.forget(key):
                        self._durable.erase_case(CaseKey(key, case.rule))
                self._merging.forget(keys)
                self._deadlines.settle(keys)
