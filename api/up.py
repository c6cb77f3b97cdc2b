"""`plumbline up`: everything on this machine, kept running, until a signal."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import httpx
import structlog

from api.installation import Plan, plan_installation
from connectors.stack.endpoints import remove_endpoints, write_endpoints
from connectors.stack.errors import StackError
from connectors.stack.supervisor import Supervisor
from streams.settings import Settings

_log = structlog.get_logger(__name__)

#: How long everything may take until `/readyz` says yes.
READY_SECONDS_MAX = 180.0
PROBE_SECONDS = 0.5


class NeverReady(StackError):
    """Everything runs, and `/readyz` still has reasons against it."""

    def __init__(self, reasons: str) -> None:
        super().__init__(f"not ready after {READY_SECONDS_MAX:.0f} s: {reasons}. The logs are in $PLUMBLINE_HOME/logs.")


class Running:
    """A started installation."""

    def __init__(self, plan: Plan, home: Path) -> None:
        self.plan = plan
        self.home = home
        self._told = False
        self.supervisor = Supervisor(plan.services, on_change=self._on_change)

    def _on_change(self, pids: Mapping[str, list[int]]) -> None:
        if self._told:
            write_endpoints(self.home, self.plan.endpoints, pids)

    async def start(self) -> None:
        """Return once `/readyz` is 200 and endpoints.json is written. Raises StackError."""
        await self.supervisor.start()
        await self._until_ready()
        self._told = True
        self._on_change(self.supervisor.pids())

    async def stop(self) -> None:
        """Stop all, in order, and leave no endpoints.json behind."""
        self._told = False
        remove_endpoints(self.home)
        try:
            await self.supervisor.stop()
        finally:
            self.plan.stack.release()

    def memory(self) -> dict[str, int]:
        """Resident bytes by service."""
        return {name: process.rss_bytes() for name, process in self.supervisor.processes.items()}

    async def _until_ready(self) -> None:
        reasons = "no answer"
        try:
            async with asyncio.timeout(READY_SECONDS_MAX), httpx.AsyncClient(timeout=5) as client:
                while True:
                    reasons, ready = await _ask(client, f"{self.plan.endpoints.api_url}/readyz", reasons)
                    if ready:
                        return
                    await asyncio.sleep(PROBE_SECONDS)
        except TimeoutError:
            raise NeverReady(reasons) from None


async def _ask(client: httpx.AsyncClient, url: str, before: str) -> tuple[str, bool]:
    try:
        answer = await client.get(url)
    except httpx.HTTPError as error:
        return f"{before}; {error!r}"[:300], False
    if answer.status_code == httpx.codes.OK:
        return "", True
    return "; ".join(answer.json().get("reasons", [])), False


async def start_everything(settings: Settings, home: Path) -> Running:
    """Plan, start, wait until ready. Raises StackError; nothing is left running then."""
    plan = await plan_installation(settings, home)
    running = Running(plan, home.absolute())
    try:
        await running.start()
    except BaseException:
        await asyncio.shield(running.stop())
        raise
    return running


async def run_up(settings: Settings, home: Path) -> None:
    """Until cancelled: SIGTERM and Ctrl-C do that."""
    remove_endpoints(home)
    print(f"Starting everything in {home} (the first start fetches 85 MB of jars) …", flush=True)
    running = await start_everything(settings, home)
    try:
        _tell(running)
        await asyncio.Event().wait()
    finally:
        print("Stopping …", flush=True)
        await asyncio.shield(running.stop())


def _tell(running: Running) -> None:
    memory = {name: f"{size / 2**20:.0f} MB" for name, size in running.memory().items()}
    total = sum(running.memory().values()) / 2**20
    endpoints = running.plan.endpoints
    print(f"Ready. API {endpoints.api_url} · addresses and key in {running.home / 'endpoints.json'}")
    print(f"Memory in use: {total:.0f} MB (" + ", ".join(f"{name} {size}" for name, size in memory.items()) + ")")
    print("Ctrl-C stops everything.", flush=True)
