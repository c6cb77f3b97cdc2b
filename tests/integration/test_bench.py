"""`plumbline bench` on a few records: it measures everything there is, finds nothing, and leaves only its figures."""

import asyncio
from pathlib import Path

import msgspec
import psutil
import pytest

from api.bench.contest import FAUST, PLAIN, QUIX, WORKER
from api.bench.report import Report
from api.bench.run import Sizes, run_bench
from connectors.stack.errors import HomeInUse
from streams.settings import Settings
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

SMALL = Sizes(events=5_000, entries=3_000, backlog=3_000, partitions=3)


async def test_a_short_bench_measures_each_program_and_leaves_only_its_figures(tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))  # a stack of other tests may run
    await run_bench(Settings(), tmp_path, SMALL)

    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]
    report = msgspec.json.decode((tmp_path / "bench.json").read_bytes(), type=Report)
    assert [figures.program for figures in report.programs] == [WORKER, FAUST, QUIX, PLAIN]
    assert all(figures.events == 5_000 and figures.events_per_second > 0 for figures in report.programs)
    assert report.programs[0].notes["dead_letters"] == 0
    assert report.programs[0].notes["findings"] == 0
    assert report.recovery.entries == pytest.approx(3_000, rel=0.01)
    assert report.catch_up.events >= 3_000
    assert (report.catch_up.findings, report.catch_up.not_judged) == (0, 0)
    assert set(psutil.Process().children(recursive=True)) <= before


async def test_a_bench_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))  # a stack of other tests may run
    bench = asyncio.create_task(run_bench(Settings(), tmp_path, SMALL))
    await until(lambda: _exists(tmp_path / "bench" / "worker"))
    with pytest.raises(HomeInUse):
        await run_bench(Settings(), tmp_path, SMALL)
    bench.cancel()
    with pytest.raises(asyncio.CancelledError):
        await bench

    assert not list(tmp_path.iterdir())
    assert set(psutil.Process().children(recursive=True)) <= before


async def _exists(path: Path) -> bool:
    return path.exists()
