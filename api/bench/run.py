"""`plumbline bench`: its own broker, the same records for each program, and the figures in one run."""

import asyncio
import fcntl
import logging
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec

from api.bench.catch_up import catch_up
from api.bench.contest import contest
from api.bench.feed import write_records
from api.bench.life import agreeing
from api.bench.recovery import recovery
from api.bench.report import Report, Teller, aims, machine, write
from connectors.stack.errors import HomeInUse
from connectors.stack.stack import LocalStack, StackPart
from connectors.topics_admin import ensure_topics
from streams.logs import configure_logs
from streams.settings import Settings
from streams.settings_sources import ConfigurationError

FOLDER = "bench"
EXIT_MISSED = 1
#: Environment: PLUMBLINE_BENCH_EVENTS and so on.
PREFIX = "PLUMBLINE_BENCH_"


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured. Small ones are a smoke test: their figures say little."""

    events: int = 200_000
    entries: int = 200_000
    #: An hour at 200 events/s.
    backlog: int = 720_000
    partitions: int = 4

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Sizes":
        """Raises ConfigurationError."""
        given = {name: env[key] for name in cls.__struct_fields__ if (key := f"{PREFIX}{name.upper()}") in env}
        for name, value in given.items():
            if not value.isdecimal() or int(value) < 1:
                raise ConfigurationError(f"{PREFIX}{name.upper()} = {value}: allowed is a whole number from 1 on")
        return cls(**{name: int(value) for name, value in given.items()})


async def run_bench(settings: Settings, home: Path, sizes: Sizes | None = None) -> int:
    """0 if every aim is met, else 1. Nothing of it is left but `bench.json`."""
    configure_logs("bench", level=logging.WARNING)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # a new topic's first batches may be sent twice
    sizes = sizes or Sizes.from_env(os.environ)
    teller, home = Teller(), home.absolute()
    with _folder(home) as folder:
        teller.line(f"Starting a broker of its own in {folder} …")
        async with _broker(folder) as bootstrap:
            report = await _measure(settings, bootstrap, sizes, folder, teller)
    teller.report(report)
    teller.line(f"Written to {write(report, home)}")
    return 0 if all(report.aims.values()) else EXIT_MISSED


async def _measure(settings: Settings, bootstrap: str, sizes: Sizes, folder: Path, teller: Teller) -> Report:
    where = machine()
    ours = await _with_topics(settings, bootstrap, "bench.", sizes)
    events = (await write_records(ours.kafka, agreeing(sizes.events, round(time.time() * 1000)))).total()
    teller.line(f"{events:,} records written. Through each program:")
    programs = await contest(ours.kafka, events, folder, teller.program)
    teller.line(f"Recovery of {sizes.entries:,} entries …")
    recovered = await recovery(await _with_topics(settings, bootstrap, "recovery.", sizes), sizes.entries, folder)
    teller.line(f"Catch-up of {sizes.backlog:,} events …")
    backlog = await _with_topics(settings, bootstrap, "backlog.", sizes)
    caught_up = await catch_up(backlog.kafka, sizes.backlog, folder)
    return Report(
        machine=where,
        partitions=sizes.partitions,
        programs=tuple(programs),
        recovery=recovered,
        catch_up=caught_up,
        aims=aims(programs, recovered, caught_up),
    )


async def _with_topics(settings: Settings, bootstrap: str, prefix: str, sizes: Sizes) -> Settings:
    """Settings of one measurement, its topics created. Detection as by default: whatever is configured is not asked."""
    kafka = settings.kafka.model_copy(
        update={
            "bootstrap_servers": bootstrap,
            "partitions": sizes.partitions,
            "replication_factor": 1,
            "topic_prefix": prefix,
            "security_protocol": "PLAINTEXT",
        }
    )
    await ensure_topics(kafka)
    return Settings(kafka=kafka)


@asynccontextmanager
async def _broker(folder: Path) -> AsyncIterator[str]:
    stack = LocalStack(folder / "stack", parts=frozenset({StackPart.KAFKA}))
    await stack.start()
    try:
        yield stack.endpoints.kafka_bootstrap
    finally:
        await asyncio.shield(stack.stop())


@contextmanager
def _folder(home: Path) -> Iterator[Path]:
    """An empty folder, gone at the end; what a killed bench left is cleared away. Raises HomeInUse."""
    home.mkdir(parents=True, exist_ok=True)
    folder, claim = home / FOLDER, home / f"{FOLDER}.lock"
    with claim.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeInUse(folder) from error
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            claim.unlink(missing_ok=True)
