"""The monitor of sources: what it tells, and what neither a broken watcher nor a broken store may do to it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from connectors.coverage.monitor import Monitor, Pace, Telling
from connectors.coverage.watcher import Watcher
from streams.model.records import Finding
from streams.model.source_records import SourceState, SourceWord
from streams.sources.report import SourceReport
from streams.sources.standing import Standing
from tests.integration.waiting import until

QUICK = Pace(ask_every_seconds=0.01, report_seconds_max=0.05, unknown_seconds_max=0.2)


class Kept:
    """Stands for the store's table."""

    def __init__(self) -> None:
        self.standings: dict[str, Standing] = {}
        self.away = False
        self.refused = 0

    async def load(self) -> dict[str, Standing]:
        return dict(self.standings)

    async def save(self, standing: Standing) -> None:
        if self.away:
            self.refused += 1
            raise ConnectionError("the store is away")
        self.standings[standing.source] = standing


class Told:
    """Stands for Kafka."""

    def __init__(self) -> None:
        self.states: list[SourceState] = []
        self.findings: list[Finding] = []
        self.away = False

    async def state(self, record: SourceState) -> None:
        self._if_there()
        self.states.append(record)

    async def finding(self, finding: Finding) -> None:
        self._if_there()
        self.findings.append(finding)

    async def is_possible(self) -> bool:
        return not self.away

    def _if_there(self) -> None:
        if self.away:
            raise ConnectionError("no broker")

    def story(self) -> list[str]:
        return [f"{one.change} {one.rule} {one.subject.id} {one.episode}" for one in self.findings]


class Says:
    """A watcher that says what it was told to say."""

    def __init__(self, source: str, word: SourceWord = "live") -> None:
        self.sources = (source,)
        self.word: SourceWord | None = word
        self.fails: Callable[[], BaseException] | None = None
        self.hangs = False
        self.closed = False

    async def report(self) -> Sequence[SourceReport]:
        if self.fails is not None:
            raise self.fails()
        if self.hangs:
            await asyncio.Event().wait()
        return [SourceReport(source=self.sources[0], word=self.word, why="so it says")] if self.word else []

    async def close(self) -> None:
        self.closed = True


@asynccontextmanager
async def monitor(kept: Kept, told: Told, *watchers: Watcher) -> AsyncIterator[None]:
    telling = Telling(state=told.state, finding=told.finding, is_possible=told.is_possible)
    running = asyncio.create_task(Monitor(watchers, kept, telling, pace=QUICK).run())  # type: ignore[arg-type] # stands for the table
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_stalled_source_is_told_and_its_end_too() -> None:
    kept, told, database = Kept(), Told(), Says("database", "stalled")
    async with monitor(kept, told, database):
        await until(lambda: told.story() == ["opened source_stalled database 1"])
        database.word = "live"
        await until(lambda: told.story()[1:] == ["resolved source_stalled database 1"])
        assert [state.state for state in told.states] == ["stalled", "live"]
    assert database.closed


async def test_a_watcher_that_raises_or_hangs_does_not_stop_the_others() -> None:
    kept, told, broken, hanging, fine = Kept(), Told(), Says("clock"), Says("calcom:a"), Says("database", "stalled")
    broken.fails = lambda: RuntimeError("a fault of ours")
    hanging.hangs = True
    async with monitor(kept, told, broken, hanging, fine):
        await until(lambda: "opened source_stalled database 1" in told.story())


async def test_a_source_that_nobody_can_look_at_counts_as_stalled_after_a_while_and_not_before() -> None:
    kept, told, clock = Kept(), Told(), Says("clock")
    async with monitor(kept, told, clock):
        await until(lambda: told.states)
        clock.word = None  # it has nothing to say yet
        await until(lambda: told.findings)
        assert told.story() == ["opened source_stalled clock 1"]
        assert "could not be looked at" in told.findings[0].verification.read_what
        clock.word = "live"
        await until(lambda: told.story()[1:] == ["resolved source_stalled clock 1"])


async def test_while_no_broker_answers_nobody_is_blamed_for_being_unknown() -> None:
    kept, told, clock = Kept(), Told(), Says("clock")
    asked: list[int] = []
    clock.fails = lambda: asked.append(1) or ConnectionError("no broker")
    told.away = True
    async with monitor(kept, told, clock):
        await until(lambda: len(asked) > 30)  # far longer than what makes a source unknown
        assert kept.standings == {}
        told.away, clock.fails = False, None
        await until(lambda: told.states)
        assert told.findings == []


async def test_a_gap_stays_a_gap_while_nobody_can_look() -> None:
    kept, told = Kept(), Told()
    async with monitor(kept, told, Says("database", "gap")):
        await until(lambda: told.findings and not kept.standings["database"].unsent)
    blind, clock = Says("database"), Says("clock")
    blind.word = clock.word = None
    async with monitor(kept, told, blind, clock):
        await until(lambda: "opened source_stalled clock 1" in told.story())  # both are unknown for as long
        await until(lambda: [state.state for state in told.states if state.source == "database"] == ["gap"])
    assert "opened source_stalled database 1" not in told.story()


async def test_a_restart_tells_nothing_twice_and_the_next_episode_is_the_next() -> None:
    kept, told = Kept(), Told()
    async with monitor(kept, told, Says("database", "stalled")):
        await until(lambda: told.findings and not kept.standings["database"].unsent)
    again = Says("database", "stalled")
    async with monitor(kept, told, again):
        again.word = "live"
        await until(lambda: len(told.findings) == 2)
        again.word = "stalled"
        await until(lambda: len(told.findings) == 3)
    assert told.story() == [
        "opened source_stalled database 1",
        "resolved source_stalled database 1",
        "opened source_stalled database 2",
    ]


async def test_what_was_kept_and_not_told_is_told_after_a_restart() -> None:
    kept, told = Kept(), Told()
    told.away = True
    async with monitor(kept, told, Says("database", "stalled")):
        await until(lambda: "database" in kept.standings)
    told.away = False
    async with monitor(kept, told, Says("database", "live")):
        await until(lambda: told.findings)
    assert told.story() == ["resolved source_stalled database 1"]


async def test_while_the_store_is_away_nothing_is_told_that_is_not_kept() -> None:
    kept, told, database = Kept(), Told(), Says("database")
    async with monitor(kept, told, database):
        await until(lambda: told.states)
        kept.away = True
        database.word = "gap"
        await until(lambda: kept.refused > 3)
        assert told.findings == []
        kept.away = False
        await until(lambda: told.story() == ["opened coverage_gap database 1"])
    assert kept.standings["database"].word == "gap"


async def test_a_source_that_nobody_watches_any_more_ends_its_alert() -> None:
    kept, told = Kept(), Told()
    async with monitor(kept, told, Says("webhooks:old", "stalled")):
        await until(lambda: told.findings and not kept.standings["webhooks:old"].unsent)
    async with monitor(kept, told, Says("database")):
        await until(lambda: len(told.findings) == 2)
    assert told.findings[1].resolution == "rule_disabled"
