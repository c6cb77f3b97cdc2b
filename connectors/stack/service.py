"""What the supervisor keeps running: a command, what must be before it, how one knows it is ready."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from connectors.stack.errors import NotReady, ProcessEnded
from connectors.stack.process import ChildProcess, Command

PROBE_SECONDS = 0.1
DEFAULT_READY_SECONDS = float(os.environ.get("PLUMBLINE_READY_SECONDS", "120"))


async def _nothing() -> None:
    """For services that need no preparation."""


async def _at_once() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One process to keep running."""

    command: Command
    #: Files, formats; before each start, so it must be idempotent.
    prepare: Callable[[], Awaitable[None]] = _nothing
    #: Asked every 0.1 s until true; an exception says not yet.
    is_ready: Callable[[], Awaitable[bool]] = _at_once
    #: Names of services that must be ready before the first start.
    after: frozenset[str] = field(default_factory=frozenset)
    ready_seconds: float = DEFAULT_READY_SECONDS
    #: Under which name its pid is told, where several services are one thing (worker-1, worker-2: worker).
    group: str = ""

    @property
    def name(self) -> str:
        return self.command.name

    @property
    def told_as(self) -> str:
        return self.group or self.name


async def launch(service: Service) -> ChildProcess:
    """Prepare and start it, and return once it is ready.

    Raises ProcessEnded when it ends first, NotReady after `ready_seconds`; nothing is left running then.
    """
    await service.prepare()
    process = ChildProcess(service.command)
    try:
        await wait_ready(service, process)
    except BaseException:
        process.kill()
        await asyncio.shield(process.wait())
        raise
    return process


async def wait_ready(service: Service, process: ChildProcess) -> None:
    """Return once `is_ready` says so; raises as `launch` does."""
    due = time.monotonic() + service.ready_seconds
    while time.monotonic() < due:
        if process.returncode is not None:
            raise ProcessEnded(service.name, process.returncode, process.command.log, process.tail())
        if await _answers(service, due - time.monotonic()):
            return
        await asyncio.sleep(PROBE_SECONDS)
    raise NotReady(service.name, service.ready_seconds, process.command.log, process.tail())


async def _answers(service: Service, seconds: float) -> bool:
    try:
        return await asyncio.wait_for(service.is_ready(), max(seconds, PROBE_SECONDS))
    except asyncio.CancelledError:
        raise
    except Exception:
        # Whatever a client library raises at a server that is still starting, the answer is "not yet";
        # a lasting fault ends in NotReady with the server's own last words.
        return False
