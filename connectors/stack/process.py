"""One child process: a session and a log file of its own, and it goes when we go, however we go."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from connectors.stack.accounts import Account
from connectors.stack.errors import ProcessEnded

POLL_SECONDS = 0.05
TAIL_LINES = 15
LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run and how to end it."""

    name: str
    argv: tuple[str, ...]
    log: Path
    #: The whole environment; None is ours.
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    run_as: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    #: How long a polite stop may take before SIGKILL.
    stop_seconds: float = 20.0
    #: What the process gets when we die without stopping it.
    death_signal: signal.Signals = signal.SIGKILL


class ChildProcess:
    """A started Command. To be made in the main thread: the kernel ties the death signal to that thread."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self._popen = _spawn(command)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._popen.poll()

    async def wait(self) -> int:
        """Wait for its end, however that comes."""
        # Asked rather than told: child watchers of asyncio differ by platform and Python version.
        while (code := self._popen.poll()) is None:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
        return code

    async def stop(self) -> None:
        """Ask it to end, wait `stop_seconds`, then kill it and its children. Gone already is no error."""
        if self.returncode is not None:
            return
        offspring = self._offspring()
        self._popen.send_signal(self.command.stop_signal)
        try:
            await asyncio.wait_for(self.wait(), self.command.stop_seconds)
        except TimeoutError:
            self.kill()
            await self.wait()
        for orphan in offspring:
            # Postgres' children make sessions of their own, so killing the group would miss them.
            _kill(orphan)

    def kill(self) -> None:
        """SIGKILL to it and to what it started, at once."""
        offspring = self._offspring()
        if self._popen.poll() is None:
            self._popen.kill()
        for orphan in offspring:
            _kill(orphan)

    def rss_bytes(self) -> int:
        """Resident memory of the process and its children; pages they share count more than once."""
        total = 0
        for member in (*self._offspring(), *self._self()):
            try:
                total += int(member.memory_info().rss)
            except psutil.Error:
                continue
        return total

    def tail(self) -> str:
        """The last lines of the log, for error messages."""
        try:
            with self.command.log.open(encoding="utf-8", errors="replace") as lines:
                return "".join(deque(lines, TAIL_LINES)).rstrip()
        except OSError:
            return ""

    def _self(self) -> tuple[psutil.Process, ...]:
        try:
            return (psutil.Process(self.pid),) if self.returncode is None else ()
        except psutil.Error:
            return ()

    def _offspring(self) -> tuple[psutil.Process, ...]:
        try:
            return tuple(child for me in self._self() for child in me.children(recursive=True))
        except psutil.Error:
            return ()


async def run_to_end(command: Command) -> None:
    """Run a tool that ends by itself. Raises ProcessEnded when it fails; cancelled, it is killed."""
    process = ChildProcess(command)
    try:
        code = await process.wait()
    except BaseException:
        process.kill()
        await asyncio.shield(process.wait())
        raise
    if code:
        raise ProcessEnded(command.name, code, command.log, process.tail())


def _spawn(command: Command) -> subprocess.Popen[bytes]:
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(f"{command.name} must be started from the main thread")
    account = command.run_as
    owner = (str(account.uid), str(account.gid)) if account else ("-", "-")
    bond = (str(os.getpid()), str(int(command.death_signal)), *owner)
    command.log.parent.mkdir(parents=True, exist_ok=True)
    if command.log.exists():
        command.log.replace(command.log.with_suffix(".log.1"))
    with command.log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCH), *bond, *command.argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=None if command.env is None else dict(command.env),
            cwd=command.cwd,
            start_new_session=True,  # Ctrl-C in the terminal is for us, who stop all in order
        )


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.Error:
        return
