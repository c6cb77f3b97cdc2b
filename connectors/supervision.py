"""Keeping one task alive: what crashes is logged and started again, with growing pauses, and takes nothing
along."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import Counter

log = structlog.get_logger()

PAUSE_FIRST_SECONDS = 0.5
PAUSE_SECONDS_MAX = 15.0
#: A task that ran this long before it crashed begins again with the first pause.
HEALTHY_SECONDS = 60.0

CRASHES = Counter("plumbline_task_crashes_total", "Crashes of supervised tasks.", ["task"])


async def supervised(name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Run `work` for ever: after a crash, or a return, again. Ends only by cancellation."""
    clock = asyncio.get_running_loop().time
    pause = PAUSE_FIRST_SECONDS
    while True:
        began = clock()
        try:
            await work()
            log.info("task ended, starting it again", task=name)
        except Exception as error:  # whatever it is, the other tasks must not hear of it
            CRASHES.labels(name).inc()
            log.error("task crashed", task=name, error=repr(error), exc_info=error)
        if clock() - began > HEALTHY_SECONDS:
            pause = PAUSE_FIRST_SECONDS
        await asyncio.sleep(pause * random.uniform(0.75, 1.25))
        pause = min(pause * 2, PAUSE_SECONDS_MAX)
