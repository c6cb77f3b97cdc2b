"""Asks every watcher about once a second, and tells what follows: states to the worker, findings to people.

Order of one step: the standing kept with its findings as unsent, then all told, then nothing unsent. What dies between
is told again, to no effect. One of a kind: whoever runs it holds the lock `coverage` (connectors.leadership).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog
from prometheus_client import Gauge

from connectors.coverage.standings import StandingStore
from connectors.coverage.watcher import Watcher
from streams.model.ids import Instant
from streams.model.records import Finding
from streams.model.source_records import EVERY_TENANT, SourceState
from streams.sources.advance import OPENS, advance, retire
from streams.sources.report import SourceReport
from streams.sources.standing import Standing, Step

log = structlog.get_logger()

#: Keeping and telling of one report; a store or broker that is away is asked again with the next.
TELL_SECONDS_MAX = 15.0
#: What fails on and on is logged this often.
LOG_EVERY_SECONDS = 60.0

STATE = Gauge("plumbline_source_state", "1 for the state that a source is in.", ["source", "state"])
HEARD = Gauge("plumbline_source_heard_through_seconds", "Instant up to which a source was heard.", ["source"])


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often is asked, and how long is waited. Tests have another."""

    ask_every_seconds: float = 1.0
    report_seconds_max: float = 10.0
    #: A source of which nobody could say anything for so long is not trusted any longer.
    unknown_seconds_max: float = 60.0


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """How things are told: a state to each partition, a finding under its tenant. Both raise KafkaError.

    `is_possible`: whether the broker answers now.
    """

    state: Callable[[SourceState], Awaitable[None]]
    finding: Callable[[Finding], Awaitable[None]]
    is_possible: Callable[[], Awaitable[bool]]


def wall_clock() -> Instant:
    """This machine's time in milliseconds."""
    return Instant(int(time.time() * 1000))


class Monitor:
    """All watchers and how their sources stand."""

    def __init__(
        self,
        watchers: Sequence[Watcher],
        standings: StandingStore,
        tell: Telling,
        *,
        clock: Callable[[], Instant] = wall_clock,
        pace: Pace | None = None,
    ) -> None:
        self._watchers = watchers
        self._store = standings
        self._tell = tell
        self._clock = clock
        self._pace = pace or Pace()
        self._standings: dict[str, Standing] = {}

    async def run(self) -> None:
        """Watch until cancelled; each watcher at its own pace. Raises where the store cannot be read at first."""
        try:
            self._standings = await self._store.load()
            watched = {source for watcher in self._watchers for source in watcher.sources}
            for source, standing in self._standings.items():
                if source not in watched:
                    await self._take(retire(standing, self._clock()))
            async with asyncio.TaskGroup() as group:
                for watcher in self._watchers:
                    group.create_task(self._watch(watcher), name="+".join(watcher.sources))
        finally:
            await asyncio.gather(*(watcher.close() for watcher in self._watchers), return_exceptions=True)

    async def _watch(self, watcher: Watcher) -> None:
        clock = asyncio.get_running_loop().time
        known_at = dict.fromkeys(watcher.sources, clock())
        logged_at = -LOG_EVERY_SECONDS
        while True:
            try:
                async with asyncio.timeout(self._pace.report_seconds_max):
                    reports = list(await watcher.report())
                error = None
            except Exception as failure:  # whatever it is, the other sources must not hear of it
                reports, error = [], failure
            known_at.update((report.source, clock()) for report in reports)
            late = [source for source, at in known_at.items() if clock() - at >= self._pace.unknown_seconds_max]
            if late and not await self._tell.is_possible():
                # Without a broker all are blind at once: no alert for each, but another look once it is back.
                known_at.update(dict.fromkeys(late, clock()))
                late = []
            reports += [self._unknown(source, error) for source in late]
            error = await self._take_all(reports) or error
            if error is not None and clock() - logged_at >= LOG_EVERY_SECONDS:
                logged_at = clock()
                log.warning("source not watched", sources=list(watcher.sources), error=repr(error))
            await asyncio.sleep(self._pace.ask_every_seconds)

    async def _take_all(self, reports: Sequence[SourceReport]) -> Exception | None:
        """Keep and tell; what could not be is tried again with the next reports."""
        for report in reports:
            try:
                async with asyncio.timeout(TELL_SECONDS_MAX):
                    await self._take(advance(self._standings.get(report.source), report, self._clock()))
            except Exception as failure:  # store or broker away: the standing before is still the last one kept
                return failure
        return None

    async def _take(self, step: Step) -> None:
        standing = step.standing
        if step.records or step.findings:
            await self._store.save(standing)
        self._standings[standing.source] = standing
        _measure(standing)
        try:
            for record in step.records:
                await self._tell.state(record)
            for finding in standing.unsent:
                await self._tell.finding(finding)
                log.warning("source alert", change=finding.change, rule=finding.rule.value, source=standing.source)
        except BaseException:
            # Not due in five seconds but with the next report.
            self._standings[standing.source] = msgspec.structs.replace(standing, told_at=0)
            raise
        if standing.unsent:
            told = msgspec.structs.replace(standing, unsent=())
            self._standings[standing.source] = told
            await self._store.save(told)

    def _unknown(self, source: str, error: Exception | None) -> SourceReport:
        """What is said of a source that nobody can look at."""
        before = self._standings.get(source)
        cause = f": {type(error).__name__}" if error else ""
        return SourceReport(
            source=source,
            word="gap" if before is not None and before.word == "gap" else "stalled",
            why=f"it could not be looked at for {self._pace.unknown_seconds_max:g} s and more{cause}",
            drift=None,
            tenants=before.tenants if before is not None else (EVERY_TENANT,),
        )


def _measure(standing: Standing) -> None:
    for word in OPENS:
        STATE.labels(standing.source, word).set(word == standing.word)
    if standing.heard_through is not None:
        HEARD.labels(standing.source).set(standing.heard_through / 1000)
