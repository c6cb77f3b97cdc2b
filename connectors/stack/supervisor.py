"""Keeps services running: starts them in order, restarts what dies, stops them in reverse.

A process that we start cannot outlive us (process.py), so also a killed supervisor leaves nothing behind.
"""

import asyncio
import inspect
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from connectors.stack.process import ChildProcess
from connectors.stack.service import Service, launch

_log = structlog.get_logger(__name__)

#: Told after each (re)start: pids by name, as endpoints.json has them.
Pids = Mapping[str, list[int]]
Hook = Callable[[Pids], Awaitable[None] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before the next start of what keeps dying."""

    first_seconds: float = 0.5
    most_seconds: float = 30.0
    #: What has run this long starts again from `first_seconds`.
    stable_seconds: float = 60.0

    def delay(self, deaths: int) -> float:
        """Seconds before the start that follows so many deaths in a row (1 or more)."""
        return min(self.most_seconds, self.first_seconds * 2.0 ** min(deaths - 1, 16))


class Supervisor:
    """Runs a list of services. `start` returns when all are ready; `stop` when none runs."""

    def __init__(
        self, services: Sequence[Service], *, on_change: Hook | None = None, backoff: Backoff | None = None
    ) -> None:
        self._services = {service.name: service for service in services}
        unknown = {name for service in services for name in service.after} - self._services.keys()
        if unknown or len(self._services) != len(services):
            raise ValueError(f"services named twice, or waited for and not there: {sorted(unknown)}")
        self._order = _in_order(self._services)
        self._on_change = on_change
        self._backoff = backoff or Backoff()
        self._running: dict[str, ChildProcess] = {}
        self._watches: list[asyncio.Task[None]] = []

    @property
    def processes(self) -> Mapping[str, ChildProcess]:
        """What runs now, by service name."""
        return self._running

    def pids(self) -> dict[str, list[int]]:
        """Pids by told name; an empty list for what is just being restarted."""
        told: dict[str, list[int]] = {service.told_as: [] for service in self._services.values()}
        for name, process in self._running.items():
            told[self._services[name].told_as].append(process.pid)
        return told

    async def start(self) -> None:
        """Start all, each once what it waits for is ready. If one fails, all are stopped and it is raised."""
        ready = {name: asyncio.Event() for name in self._services}
        starts = [asyncio.ensure_future(self._first_start(name, ready)) for name in self._order]
        try:
            await asyncio.gather(*starts)
        except BaseException:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)
            await self.stop()
            raise
        self._watches = [asyncio.ensure_future(self._watch(name)) for name in self._order]
        await self._tell()

    async def stop(self) -> None:
        """Stop all, in reverse order; may be called twice."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        self._watches = []
        for name in reversed(self._order):
            if process := self._running.get(name):
                await process.stop()
                del self._running[name]

    async def run(self) -> None:
        """Start, wait for SIGTERM or SIGINT, stop. A second signal kills instead of asking."""
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, asked)
        starting = asyncio.ensure_future(self._start_and_wait(asked))
        waiting = asyncio.ensure_future(asked.wait())
        try:
            await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.is_set():
                await starting  # it failed
        finally:
            for task in (starting, waiting):
                task.cancel()
            await asyncio.gather(starting, waiting, return_exceptions=True)
            await self.stop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    async def _start_and_wait(self, asked: asyncio.Event) -> None:
        await self.start()
        await asked.wait()

    def _on_signal(self, asked: asyncio.Event) -> None:
        if asked.is_set():
            for process in self._running.values():
                process.kill()
        asked.set()

    async def _first_start(self, name: str, ready: Mapping[str, asyncio.Event]) -> None:
        service = self._services[name]
        for earlier in service.after:
            await ready[earlier].wait()
        began = time.monotonic()
        self._running[name] = await launch(service)
        _log.info("started", service=name, pid=self._running[name].pid, seconds=_since(began))
        ready[name].set()

    async def _watch(self, name: str) -> None:
        deaths = 0
        while True:
            began = time.monotonic()
            code = await self._running[name].wait()
            del self._running[name]
            deaths = 1 if time.monotonic() - began >= self._backoff.stable_seconds else deaths + 1
            _log.warning("ended", service=name, code=code, ran_seconds=_since(began), deaths=deaths)
            await self._tell()
            deaths = await self._restart(name, deaths)

    async def _restart(self, name: str, deaths: int) -> int:
        """Start it again until it is ready; the deaths in a row so far."""
        while True:
            await asyncio.sleep(self._backoff.delay(deaths))
            began = time.monotonic()
            try:
                self._running[name] = await launch(self._services[name])
            except Exception as error:  # whatever it is, the next try comes; nobody else would start it
                deaths += 1
                _log.error("restart failed", service=name, deaths=deaths, error=str(error))
                continue
            _log.info("restarted", service=name, pid=self._running[name].pid, seconds=_since(began))
            await self._tell()
            return deaths

    async def _tell(self) -> None:
        if self._on_change is None:
            return
        try:
            told = self._on_change(self.pids())
            if inspect.isawaitable(told):
                await told
        except Exception as error:  # a full disk, say: the services are watched all the same
            _log.error("hook failed", error=str(error))


def _in_order(services: Mapping[str, Service]) -> tuple[str, ...]:
    """Names such that each comes after what it waits for. Raises ValueError for a circle."""
    order: list[str] = []
    while len(order) < len(services):
        free = [name for name, service in services.items() if name not in order and service.after <= set(order)]
        if not free:
            raise ValueError(f"services wait for one another: {sorted(set(services) - set(order))}")
        order += free
    return tuple(order)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)
