"""The words of the specifications: a small world in virtual time around the pure engine.

Instants are seconds after `T0`. The world holds what is true in both systems; records of it reach the engine when a
test says so (`heard`, `posts`, `captured`), and questions are answered from the truth after `answer_after` seconds.
"""

from collections.abc import Iterable

from streams.engine import Partition
from streams.model.judgement import Judgement
from streams.model.observation import Observation, PassSeen, SourceSeen
from streams.model.records import (
    AnyQuestion,
    Finding,
    FindingRecord,
    Restatement,
    Verdict,
)
from streams.model.source_records import SourceState, SourceWord, TenantStanding
from tests.senders import Senders
from tests.truth import HOUR, T0, TENANT, at, clock

__all__ = ["HOUR", "T0", "TENANT", "World", "at", "clock", "pair"]


class World(Senders):
    """Both systems as they are, and the engine that watches them."""

    def __init__(self, *, answer_after: float = 0.2, judgement: Judgement | None = None) -> None:
        super().__init__(answer_after)
        self.judgement = judgement or Judgement()
        self.engine = Partition(self.judgement)
        #: The changelog: what the worker has kept.
        self.kept: dict[bytes, bytes | None] = {}
        #: Whether the broker acknowledges findings.
        self.acknowledges = True
        self.asked: list[AnyQuestion] = []
        self.asked_at: list[float] = []
        self.findings: list[tuple[float, Finding]] = []
        #: Findings told once more, word for word, and the lists of those that stand.
        self.said_again: list[tuple[float, Finding]] = []
        self.restated: list[tuple[float, Restatement]] = []
        self.verdicts: list[tuple[float, Verdict]] = []
        self.standings: list[tuple[float, TenantStanding]] = []
        self.notes: list[str] = []
        self._answers: list[tuple[float, tuple[Observation, ...]]] = []

    # The sources --------------------------------------------------------------------------------------------

    def source(self, source: str, word: SourceWord, *, tenants: tuple[str, ...] = ("*",)) -> None:
        """The watcher of a source says how it fares."""
        now = clock(self.now)
        self.engine.observe((SourceSeen(SourceState(source=source, state=word, since=now, at=now, tenants=tenants)),))

    def passes(self, side: str, *, seconds: float = 1.0, full: bool = False) -> None:
        """A pass over one side, begun `seconds` ago, is complete; what it showed has been heard before."""
        day = 86_400
        bounds = at(self.now - 31 * day), at(self.now + 90 * day)
        self.engine.observe((PassSeen(side, TENANT, *bounds, at(self.now - seconds), full),))

    # Time and answers ---------------------------------------------------------------------------------------

    def until(self, seconds: float, *, every: float = 0.2) -> "World":
        """Let time pass: ticks, and answers to what was asked."""
        while self.now < seconds - 1e-9:
            self.now = min(self.now + every, seconds)
            due = [pair for pair in self._answers if pair[0] <= self.now]
            self._answers = [pair for pair in self._answers if pair[0] > self.now]
            for _, observations in due:
                self.engine.observe(observations)
            self.tick()
        return self

    def restarts(self) -> None:
        """The worker dies and comes back with what it kept; what was asked before is answered all the same."""
        self.engine = Partition(self.judgement)
        for key, value in self.kept.items():
            if value is None:
                self.engine.forget(key)
            else:
                self.engine.load(key, value)

    def tick(self) -> None:
        more = True
        while more:
            effects = self.engine.tick(at(self.now))
            more = effects.more
            assert not effects.failures, effects.failures
            self.kept |= dict(self.engine.take_writes())
            if self.acknowledges:
                self._publish(effects.findings)
                self.engine.announced(effects.findings)
            for verdict in effects.verdicts:
                kept = self.standings if isinstance(verdict, TenantStanding) else self.verdicts
                kept.append((self.now, verdict))
            self.notes += effects.notes
            for question in effects.questions:
                self.asked.append(question)
                self.asked_at.append(self.now)
                self._answers.append((self.now + self.answer_after, self.answer(question)))

    def _publish(self, records: Iterable[FindingRecord]) -> None:
        told = {finding.alert_id: finding for _, finding in self.findings}
        for record in records:
            match record:
                case Finding() if told.get(record.alert_id) == record:
                    self.said_again.append((self.now, record))
                case Finding():
                    self.findings.append((self.now, record))
                case Restatement():
                    self.restated.append((self.now, record))

    # What was told ------------------------------------------------------------------------------------------

    def told(self) -> list[str]:
        """The story as lines: `12.4 opened orphaned_calcom uid`."""
        return [_line(finding) for _, finding in self.findings if finding.change != "updated"]

    def told_at(self, rule: str, change: str = "opened") -> float:
        return next(when for when, finding in self.findings if finding.rule == rule and finding.change == change)

    def finding(self, rule: str, change: str = "opened") -> Finding:
        return next(f for _, f in self.findings if f.rule == rule and f.change == change)


def pair(
    *,
    start: float = HOUR,
    minutes: int = 30,
    status: str = "confirmed",
    booked: str = "accepted",
    judgement: Judgement | None = None,
) -> World:
    """A booking at `HOUR` for 30 minutes and its row as given, both just made."""
    world = World(judgement=judgement)
    world.booking("4fQx", status=booked)
    world.hears("BOOKING_CREATED" if booked == "accepted" else "BOOKING_REQUESTED", "4fQx")
    world.writes("17", booking="4fQx", start=start, minutes=minutes, status=status)
    return world


def _line(finding: Finding) -> str:
    end = f" ({finding.resolution})" if finding.resolution else ""
    return f"{finding.change} {finding.rule} {finding.subject.kind} {finding.subject.id}{end}"
