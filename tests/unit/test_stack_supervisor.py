"""The supervisor: starts in order, restarts what dies, stops in reverse, and leaves nothing behind."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from connectors.stack.errors import NotReady, ProcessEnded
from connectors.stack.process import ChildProcess, Command
from connectors.stack.service import Service
from connectors.stack.supervisor import Backoff, Pids, Supervisor

SOON = Backoff(first_seconds=0.01, most_seconds=0.05)

# The words of this specification -----------------------------------------------------


def running(tmp_path: Path, name: str, script: str = "exec sleep 600", **more: object) -> Service:
    ends = {"stop_seconds": more.pop("stop_seconds", 5.0)}
    command = Command(name=name, argv=("/bin/sh", "-c", script), log=tmp_path / f"{name}.log", **ends)  # type: ignore[arg-type]  # floats all
    return Service(command=command, **more)  # type: ignore[arg-type]  # the service's own fields


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a process has no event to wait for
            await asyncio.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# The specification -------------------------------------------------------------------


async def test_a_service_starts_once_what_it_waits_for_is_ready(tmp_path: Path) -> None:
    order: list[str] = []

    def noting(name: str) -> Callable[[], object]:
        async def ready() -> bool:
            order.append(name)
            return True

        return ready

    supervisor = Supervisor(
        [
            running(tmp_path, "third", is_ready=noting("third"), after=frozenset({"second"})),
            running(tmp_path, "second", is_ready=noting("second"), after=frozenset({"first"})),
            running(tmp_path, "first", is_ready=noting("first")),
        ]
    )
    await supervisor.start()
    await supervisor.stop()
    assert order == ["first", "second", "third"]


async def test_what_dies_is_started_again_and_its_new_pid_is_told(tmp_path: Path) -> None:
    told: list[Pids] = []
    supervisor = Supervisor([running(tmp_path, "worker-1", group="worker")], on_change=told.append, backoff=SOON)
    await supervisor.start()
    [first] = supervisor.pids()["worker"]
    psutil.Process(first).kill()
    await until(lambda: supervisor.pids()["worker"] not in ([], [first]))
    await until(lambda: len(told) == 3)
    assert told == [{"worker": [first]}, {"worker": []}, supervisor.pids()]
    await supervisor.stop()


async def test_a_hook_that_fails_does_not_end_the_watch(tmp_path: Path) -> None:
    def full_disk(pids: Pids) -> None:
        raise OSError("no space left")

    supervisor = Supervisor([running(tmp_path, "worker")], on_change=full_disk, backoff=SOON)
    await supervisor.start()
    for _ in range(2):
        [pid] = supervisor.pids()["worker"]
        psutil.Process(pid).kill()
        await until(lambda pid=pid: supervisor.pids()["worker"] not in ([], [pid]))  # type: ignore[misc]  # the lambda keeps this pid
    await supervisor.stop()


async def test_all_is_stopped_in_reverse_order(tmp_path: Path) -> None:
    note = f"trap 'echo $0 >> {tmp_path}/order; exit' TERM; echo on; while true; do sleep 0.05; done"
    services = [
        running(tmp_path, "kafka", note.replace("$0", "kafka")),
        running(tmp_path, "worker", note.replace("$0", "worker"), after=frozenset({"kafka"})),
    ]
    supervisor = Supervisor(services)
    await supervisor.start()
    pids = [process.pid for process in supervisor.processes.values()]
    await until(lambda: all(process.tail() == "on" for process in supervisor.processes.values()))
    await supervisor.stop()
    assert all(gone(pid) for pid in pids)
    assert (tmp_path / "order").read_text().split() == ["worker", "kafka"]


async def test_one_that_ends_before_it_is_ready_stops_the_start_with_its_last_words(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    other = running(tmp_path, "other")
    bad = running(tmp_path, "bad", "echo no such file; exit 3", is_ready=never)
    supervisor = Supervisor([other, bad])
    with pytest.raises(ProcessEnded, match=r"(?s)bad ended with code 3.*no such file"):
        await supervisor.start()
    assert not supervisor.processes


async def test_one_that_is_never_ready_is_told_and_not_left_running(tmp_path: Path) -> None:
    async def refused() -> bool:
        raise ConnectionRefusedError

    slow = running(tmp_path, "slow", f"echo $$ > {tmp_path}/pid; exec sleep 600", is_ready=refused, ready_seconds=0.5)
    with pytest.raises(NotReady, match=r"slow was not ready within 0\.5 s"):
        await Supervisor([slow]).start()
    assert gone(int((tmp_path / "pid").read_text()))


async def test_one_that_ignores_the_signal_is_killed_after_its_time(tmp_path: Path) -> None:
    deaf = running(tmp_path, "deaf", "trap '' TERM; echo on; while true; do sleep 0.05; done", stop_seconds=0.2)
    process = ChildProcess(deaf.command)
    await until(lambda: "on" in process.tail())
    await process.stop()
    assert process.returncode == -signal.SIGKILL


async def test_the_children_of_a_killed_supervisor_are_killed_too(tmp_path: Path) -> None:
    script = f"""
import asyncio, sys
from pathlib import Path
from connectors.stack.process import ChildProcess, Command
child = ChildProcess(Command(name="c", argv=("/bin/sleep", "600"), log=Path({str(tmp_path / "c.log")!r})))
print(child.pid, flush=True)
asyncio.run(child.wait())
"""
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert starter.stdout is not None
    pid = int(await starter.stdout.readline())
    assert not gone(pid)
    starter.kill()
    await starter.wait()
    await until(lambda: gone(pid))


@pytest.mark.parametrize(("deaths", "expected"), [(1, 0.5), (2, 1.0), (4, 4.0), (7, 30.0), (500, 30.0)])
def test_the_wait_before_a_restart_doubles_up_to_a_bound(deaths: int, expected: float) -> None:
    assert Backoff().delay(deaths) == expected


def test_services_that_wait_for_one_another_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wait for one another"):
        Supervisor(
            [
                running(tmp_path, "hen", after=frozenset({"egg"})),
                running(tmp_path, "egg", after=frozenset({"hen"})),
            ]
        )
