"""The live stream over real processes: killed replicas, a store that goes away, a reader that takes nothing.

    python -m tests.prove.stream [--disconnects 1000] [--changes 20000]

Two `plumbline api` processes on one store, whose outbox a real relay numbers. While findings come in, one reader is cut
off again and again and comes back at either process; these are killed and the store's sessions ended in between. Then a
reader connects and takes nothing while changes come in, and the process's memory is looked at. Exit 1 if a promise is
broken: no gap, no repetition, at most `GROWTH_MB_MAX` more memory, streams end with their process.
"""

import argparse
import asyncio
import logging
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil
import structlog

from connectors.stack.ports import HOST, free_port
from connectors.stack.stack import LocalStack, StackPart
from connectors.store.relay import Relay
from connectors.supervision import supervised
from tests.alert_words import finding
from tests.integration.alerting import Ground, new_ground, running
from tests.integration.streaming import Reader, numbered, numbers, stalled, write_changes
from tests.integration.waiting import until

GROWTH_MB_MAX = 10.0
END_SECONDS_MAX = 2.0
KILL_EVERY = 50
#: Changes written at a time, and after how many of these times everything that has a bound is full.
AT_ONCE, FILLED = 1_000, 4

_CONFIGURATION = """
[kafka]
bootstrap_servers = "{bootstrap}"
topic_prefix = "{prefix}"
[store]
dsn = "{dsn}"
[api]
port = {port}
requests_per_minute = 100000
[[api_keys]]
name = "ops"
key = "key-of-ops"
role = "admin"
tenants = ["*"]
"""


class Replica:
    """`plumbline api` on a port of its own, to be ended and started again."""

    def __init__(self, ground: Ground, folder: Path, taken: list[int]) -> None:
        self.port = free_port(taken)
        self.url = f"http://{HOST}:{self.port}"
        self._log = folder / f"api-{self.port}.log"
        file = folder / f"api-{self.port}.toml"
        kafka = ground.settings.kafka
        file.write_text(
            _CONFIGURATION.format(
                bootstrap=kafka.bootstrap_servers, prefix=kafka.topic_prefix, dsn=ground.dsn, port=self.port
            )
        )
        self._env = {**os.environ, "PLUMBLINE_CONFIG": str(file), "PLUMBLINE_HOME": str(folder)}
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "api.cli", "api"], env=self._env, stdout=log, stderr=log)

    async def serves(self) -> None:
        async def alive() -> bool:
            async with httpx.AsyncClient(base_url=self.url) as client:
                with suppress(httpx.TransportError):
                    return (await client.get("/livez")).is_success
                return False

        await until(alive, 60)

    def end(self, how: signal.Signals) -> float:
        """Seconds until it was gone."""
        began = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(30)
        return time.monotonic() - began

    async def again(self) -> None:
        self.process = self._started()
        await self.serves()

    @property
    def megabytes(self) -> float:
        return psutil.Process(self.process.pid).memory_info().rss / 1e6


async def disconnects(ground: Ground, replicas: list[Replica], count: int) -> bool:
    """Cut off again and again, by itself and by processes and sessions that end."""
    chance = random.Random(5)
    reader = Reader()

    async def write() -> None:
        for number in range(10_000_000):
            size = chance.choice((1, 1, 2, 20))
            await ground.store.apply([finding("opened", 1, subject=f"{number}.{one}") for one in range(size)])
            await asyncio.sleep(chance.random() * 0.02)

    kills = 0
    await reader.connect(replicas[0].url)
    start = reader.last or 0
    async with running(write):
        for round_ in range(count):
            if round_ % KILL_EVERY == KILL_EVERY - 1:
                kills += 1
                replicas[kills % 2].end(signal.SIGKILL)
                await ground.query(_END_SESSIONS)
                await reader.read(replicas[1 - kills % 2].url, events=5)
                await replicas[kills % 2].again()
            await reader.read(chance.choice(replicas).url, events=chance.randint(1, 8))
    newest = await numbered(ground)
    written = [one for one in await numbers(ground) if one > start]
    await reader.read(replicas[0].url, until=newest)
    gaps, twice = len(set(written) - set(reader.seen)), len(reader.seen) - len(set(reader.seen))
    print(
        f"{count} disconnects, {kills} processes killed with their store's sessions, {len(written)} changes:"
        f" {gaps} missing, {twice} repeated, in order: {reader.seen == sorted(reader.seen)}, resets: {reader.resets}"
    )
    return reader.seen == written and not reader.resets


#: Of the processes and of the relay; who writes here goes on.
_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE application_name <> 'plumbline' AND datname = current_database()
"""


async def takes_nothing(ground: Ground, replica: Replica, changes: int) -> bool:
    """A reader connects and takes nothing while another reads all that comes."""
    one = finding("opened", 1, subject="stalled")
    await ground.store.apply([one])
    reader, sizes = Reader(), []
    reader.last = await numbered(ground)
    async with stalled(replica.url, reader.last):
        for _ in range(changes // AT_ONCE):
            await write_changes(ground, AT_ONCE, like=one.alert_id)
            await reader.read(replica.url, until=await numbered(ground))
            reader.seen, reader.alerts = [], []
            sizes.append(replica.megabytes)
    # What comes first fills the ring and the buffers of the connection.
    growth = max(sizes[FILLED:]) - sizes[FILLED - 1]
    print(
        f"a stalled reader over {changes} changes: {sizes[0]:.1f} MB resident after the first {AT_ONCE},"
        f" {sizes[FILLED - 1]:.1f} MB after {FILLED * AT_ONCE}, then at most {growth:.1f} MB more"
    )
    return growth <= GROWTH_MB_MAX


async def ends(replica: Replica) -> bool:
    """SIGTERM with a stream open."""
    reader = Reader()
    reading = asyncio.create_task(reader.read(replica.url, events=1))
    await until(lambda: reader.last is not None)
    seconds = await asyncio.to_thread(replica.end, signal.SIGTERM)
    await asyncio.gather(reading, return_exceptions=True)
    print(f"a process with an open stream ends {seconds:.1f} s after SIGTERM")
    return seconds <= END_SECONDS_MAX


async def prove(home: Path, disconnect_count: int, changes: int) -> bool:
    """Run all of it in an empty folder; whether every promise was kept."""
    stack = LocalStack(home, parts=frozenset({StackPart.KAFKA, StackPart.POSTGRES}))
    await stack.start()
    replicas: list[Replica] = []
    try:
        async with new_ground(stack) as ground:
            relay = Relay(ground.settings, ground.dsn)
            async with running(partial(supervised, "relay", relay.run)):
                for _ in range(2):
                    replicas.append(Replica(ground, home, [one.port for one in replicas]))
                await asyncio.gather(*(one.serves() for one in replicas))
                kept = await disconnects(ground, replicas, disconnect_count)
                kept &= await takes_nothing(ground, replicas[0], changes)
                return await ends(replicas[0]) and kept
    finally:
        for one in replicas:
            one.process.kill()
        await stack.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--disconnects", type=int, default=1_000)
    parser.add_argument("--changes", type=int, default=20_000)
    asked = parser.parse_args()
    # That the relay loses its session is what is asked of it here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with TemporaryDirectory(prefix="plumbline-stream-") as folder:
        os.chmod(folder, 0o755)  # Postgres may run as somebody else
        kept = asyncio.run(prove(Path(folder), asked.disconnects, asked.changes))
    raise SystemExit(not kept)
