"""The same records through four programs, one after the other: the whole worker, and three that do less."""

import json
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import structlog

from api.bench.offsets import Offsets
from api.bench.program import Figures, Program
from api.bench.worker import DATA, POLL_SECONDS, findings_on, worker
from streams.settings_sections import KafkaSettings
from streams.topics import topic_name

log = structlog.get_logger(__name__)

WORKER = "whole worker"
FAUST = "stock Faust, counting"
QUIX = "Quix Streams, counting"
PLAIN = "plain aiokafka, reading"
_MODULES = {FAUST: "stock_faust", QUIX: "quix", PLAIN: "plain"}


async def contest(kafka: KafkaSettings, events: int, folder: Path, told: Callable[[Figures], None]) -> list[Figures]:
    """The figures of each program, told as they come. Raises ProcessEnded, TimeoutError."""
    results = []
    for name in (WORKER, *_MODULES):
        if name == QUIX and find_spec("quixstreams") is None:
            log.warning("Quix Streams is left out: install the extra 'bench'")
            continue
        figures = await (whole_worker(kafka, events, folder) if name == WORKER else _other(kafka, name, events, folder))
        told(figures)
        results.append(figures)
    return results


async def whole_worker(kafka: KafkaSettings, events: int, folder: Path) -> Figures:
    """From its first record until every cause is judged and every offset committed."""
    async with worker(kafka, folder, "worker") as watched:
        program = watched.program
        began = await program.until(watched.has_begun)
        read = await program.until(lambda: watched.has_read(events), every=POLL_SECONDS)
        judged = await program.until(lambda: watched.has_judged(events), every=POLL_SECONDS)
        ended = await program.until(watched.has_committed, every=POLL_SECONDS)
        state = watched.state
        return program.figures(
            WORKER,
            events,
            began,
            ended,
            merged_seconds=read - began,
            judged_seconds=judged - began,
            causes_judged=state.judged,
            entries=state.entries,
            questions=state.counted("questions"),
            findings=await findings_on(kafka),
            not_judged=state.counted("not_judged"),
            dead_letters=state.counted("dead_letters"),
        )


async def _other(kafka: KafkaSettings, name: str, events: int, folder: Path) -> Figures:
    """From its first record until the last is counted and its offset committed."""
    module = _MODULES[name]
    order = {
        "bootstrap": kafka.bootstrap_servers,
        "topics": [topic_name(topic, kafka.topic_prefix) for topic in DATA],
        "partitions": kafka.partitions,
        "events": events,
        "group": f"bench-{module}",
    }
    program = Program(module, (f"api.bench.programs.{module}", json.dumps(order)), folder, {})
    try:
        last = _Said(program, "last")
        await program.until(last.is_said)
        began, ended = _Said(program, "first").instant(), last.instant()
        counted_seconds = ended - began
        if name != PLAIN:  # plain reading keeps no books: it is through with its last record
            committed = Offsets(kafka, f"bench-{module}")
            ended = await program.until(lambda: committed.all_committed(DATA))
        return program.figures(name, events, began, ended, counted_seconds=counted_seconds)
    finally:
        await program.stop()


class _Said:
    """A line of programs/progress.py in the program's output, which terminal codes may stand before."""

    def __init__(self, program: Program, what: str) -> None:
        self._program = program
        self._line = re.compile(rf"bench {what} ([0-9.]+)")

    async def is_said(self) -> bool:
        return self._line.search(self._program.told()) is not None

    def instant(self) -> float:
        """On the monotonic clock, which all processes of a machine share."""
        found = self._line.search(self._program.told())
        assert found is not None, "it said the last before the first"
        return float(found[1])
