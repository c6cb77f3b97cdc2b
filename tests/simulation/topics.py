"""Kafka as the worker sees it: one partition's log, kept for replays, and the worker that dies and comes back."""

from collections.abc import Callable
from random import Random

from streams.decode import decode_record
from streams.engine import Effects, Partition
from streams.model.judgement import Judgement
from streams.model.observation import Observation, Origin
from streams.topics import Topic
from tests.simulation.agenda import Agenda
from tests.truth import at

#: Where a worker can die within one step (design §1.6).
MOMENTS = ("observed", "judged", "kept", "told", "announced")


class Topics:
    """Everything that was appended, decoded once. Stamped by the broker unless a test says by whom."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self.log: list[tuple[Topic, tuple[Observation, ...]]] = []
        #: How far the clocks of those who append are off: only asked where they stamp (`CreateTime`).
        self.skews: dict[Topic, float] = {}

    def append(self, topic: Topic, tenant: str | None, value: bytes) -> None:
        stamp = at(self._agenda.now + self.skews.get(topic, 0.0))
        key = None if tenant is None else tenant.encode()
        self.log.append((topic, decode_record(topic, key, value, stamp, Origin(0, len(self.log)))))


class Worker:
    """The shell around the engine: reads on, ticks, keeps, tells, commits, in the shell's order."""

    def __init__(
        self, topics: Topics, random: Random, judgement: Judgement, carry_out: Callable[[Effects], None]
    ) -> None:
        self._topics = topics
        self._random = random
        self._judgement = judgement
        self._carry_out = carry_out
        self.engine = Partition(judgement)
        self._read = 0
        self._committed = 0
        self._commit_at = 0.0
        self._kept: dict[bytes, bytes | None] = {}
        self._kept_before: dict[bytes, bytes] = {}
        #: At which moment of the next step it dies, and for how long.
        self.dies: tuple[str, float] | None = None
        self._back_at = 0.0

    def step(self, now: float) -> bool:
        """Read to the end, tick, carry out; whether it was alive."""
        if now < self._back_at:
            return False
        if self._back_at:
            self._come_back()
        self._read_on(self._read)
        more = True
        while more:
            if self._dead("observed", now):
                return True
            effects = self.engine.tick(at(now))
            assert not effects.failures, effects.failures
            more = effects.more
            if self._tell(effects, now):
                return True
        if now >= self._commit_at:
            self._keep()
            self._committed = self._read
            self._commit_at = now + self._random.uniform(0.4, 3.0)
        return True

    def _tell(self, effects: Effects, now: float) -> bool:
        """Whether it died meanwhile."""
        if self._dead("judged", now):
            return True
        if effects.findings:
            self._keep()
            if self._dead("kept", now):
                return True
        self._carry_out(effects)
        if self._dead("told", now):
            return True
        self.engine.announced(effects.findings)
        return self._dead("announced", now)

    def replay(self, offset: int) -> None:
        """Read the topics once more from there, into the same state."""
        self._read_on(min(offset, self._read))

    def _read_on(self, offset: int) -> None:
        """Records of one topic in order; between topics there is none."""
        records = self._topics.log[offset:]
        self._read = len(self._topics.log)
        if len(records) > 1 and self._random.random() < 0.5:
            turns = {topic: self._random.random() for topic in dict.fromkeys(topic for topic, _ in records)}
            records.sort(key=lambda record: turns[record[0]])
        for _, observations in records:
            self.engine.observe(observations)

    def _keep(self) -> None:
        for key, value in self.engine.take_writes():
            before = self._kept.get(key)
            if before is not None:
                self._kept_before[key] = before
            self._kept[key] = value

    def _dead(self, moment: str, now: float) -> bool:
        if self.dies is None or self.dies[0] != moment:
            return False
        self._back_at = now + self.dies[1]
        self.dies = None
        return True

    def _come_back(self) -> None:
        """Load the changelog; some keys were written last by the frozen owner before."""
        self._back_at = 0.0
        self.engine = Partition(self._judgement)
        for key, value in self._kept.items():
            if value is None:
                self.engine.forget(key)
                continue
            self.engine.load(key, value)
            if key in self._kept_before and self._random.random() < 0.1:
                self.engine.load(key, self._kept_before[key])
        self._read = self._committed
