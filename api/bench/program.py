"""One measured program: a child process, what it costs, and when it began and ended its work."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

from connectors.stack.errors import ProcessEnded
from connectors.stack.process import ChildProcess, Command

SAMPLE_SECONDS = 0.05
#: No program of the bench may take longer.
TRIAL_SECONDS_MAX = 1_200.0
ROOT = Path(__file__).parents[2]


class Sample(NamedTuple):
    """At one instant of the monotonic clock: CPU seconds since the start, resident bytes; children included."""

    at: float
    cpu_seconds: float
    rss_bytes: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one program needed for the records. From the first record on, so without the start of the program."""

    program: str
    events: int
    seconds: float
    start_seconds: float
    events_per_second: float
    cpu_seconds_per_10000: float
    resident_mb: float
    notes: dict[str, float] = {}


class Program:
    """A running child and its samples."""

    def __init__(self, name: str, arguments: tuple[str, ...], folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.folder = folder / name
        self.folder.mkdir(parents=True)
        self.log = self.folder / "log"
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PLUMBLINE_")}
        environment = inherited | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **env}
        argv = (sys.executable, "-m", *arguments)
        #: On the monotonic clock, and on that of the logs.
        self.began, self.started_at = time.monotonic(), time.time()
        self._child = ChildProcess(
            Command(name=name, argv=argv, log=self.log, env=environment, cwd=self.folder, stop_seconds=15.0)
        )
        self._process = psutil.Process(self._child.pid)
        self.samples: list[Sample] = []

    async def until(self, done: Callable[[], Awaitable[bool]], *, every: float = SAMPLE_SECONDS) -> float:
        """Sample until `done` says so; the instant. Raises ProcessEnded, TimeoutError."""
        async with asyncio.timeout(TRIAL_SECONDS_MAX):
            while True:
                self._sample()
                if await done():
                    return time.monotonic()
                if self._child.returncode is not None:
                    raise ProcessEnded(self.name, self._child.returncode, self.log, self._child.tail())
                await asyncio.sleep(every)

    async def stop(self) -> None:
        await self._child.stop()

    def told(self) -> str:
        """Its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def figures(self, title: str, events: int, began: float, ended: float, **notes: float) -> Figures:
        """Of the time between two instants."""
        seconds = max(ended - began, 1e-3)
        cpu = self._cpu_at(ended) - self._cpu_at(began)
        return Figures(
            program=title,
            events=events,
            seconds=round(seconds, 2),
            start_seconds=round(began - self.began, 2),
            events_per_second=round(events / seconds),
            cpu_seconds_per_10000=round(cpu / events * 10_000, 2),
            resident_mb=round(max(sample.rss_bytes for sample in self.samples) / 2**20),
            notes={name: round(value, 2) for name, value in notes.items()},
        )

    def _cpu_at(self, instant: float) -> float:
        return min(self.samples, key=lambda sample: abs(sample.at - instant)).cpu_seconds

    def _sample(self) -> None:
        cpu, rss = 0.0, 0
        with suppress(psutil.Error):
            for member in (self._process, *self._process.children(recursive=True)):
                times = member.cpu_times()
                cpu += times.user + times.system
                rss += member.memory_info().rss
            self.samples.append(Sample(time.monotonic(), cpu, rss))
