"""An hour's stop at 200 events/s: a consistent life is waiting, nobody answers questions, and nothing may be found."""

import time
from pathlib import Path

import msgspec

from api.bench.feed import write_records
from api.bench.life import hour
from api.bench.worker import POLL_SECONDS, findings_on, worker
from streams.settings_sections import KafkaSettings


class CatchUp(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from the start of the process, its own start included."""

    events: int
    write_seconds: float
    first_tick_seconds: float
    judged_seconds: float
    committed_seconds: float
    causes_judged: int
    not_judged: int
    questions: int
    findings: int
    resident_mb: float


async def catch_up(kafka: KafkaSettings, events: int, folder: Path) -> CatchUp:
    """Write the backlog, start a worker, and see it judged. Raises ProcessEnded, TimeoutError."""
    began = time.monotonic()
    written = await write_records(kafka, hour(events, round(time.time() * 1000)))
    write_seconds, total = time.monotonic() - began, written.total()
    async with worker(kafka, folder, "backlog") as watched:
        program = watched.program
        ticked = await program.until(watched.has_ticked, every=POLL_SECONDS)
        judged = await program.until(lambda: watched.has_judged(total), every=POLL_SECONDS)
        state = watched.state
        committed = await program.until(watched.has_committed, every=POLL_SECONDS)
        resident = program.samples[-1].rss_bytes
    return CatchUp(
        events=total,
        write_seconds=round(write_seconds, 1),
        first_tick_seconds=round(ticked - program.began, 1),
        judged_seconds=round(judged - program.began, 1),
        committed_seconds=round(committed - program.began, 1),
        causes_judged=state.judged,
        not_judged=state.counted("not_judged"),
        questions=state.counted("questions"),
        findings=await findings_on(kafka),
        resident_mb=round(resident / 2**20),
    )
