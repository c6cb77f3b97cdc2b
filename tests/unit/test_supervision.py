"""A task that crashes is started again and takes nothing along."""

import asyncio

import pytest

from connectors import supervision
from connectors.leadership import lock_number
from connectors.supervision import supervised


async def test_a_crashed_task_is_started_again_and_its_neighbour_never_hears_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervision, "PAUSE_FIRST_SECONDS", 0.001)
    starts = 0
    again, neighbour_works = asyncio.Event(), asyncio.Event()

    async def crashing() -> None:
        nonlocal starts
        starts += 1
        if starts < 3:
            raise RuntimeError("this time too")
        again.set()
        await asyncio.Event().wait()

    async def neighbour() -> None:
        await again.wait()
        neighbour_works.set()
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(supervised(name, work)) for name, work in (("a", crashing), ("b", neighbour))]
    async with asyncio.timeout(5):
        await neighbour_works.wait()
    assert starts == 3
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended)


def test_a_locks_number_fits_postgres_and_differs_by_name() -> None:
    assert 0 <= lock_number("calcom") < 2**63
    assert lock_number("calcom") != lock_number("relay")
