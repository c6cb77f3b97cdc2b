"""Readiness of what runs in other processes: the worker's clock and the database's feed."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError

from api.health import Check
from connectors.clock_health import clock_is_fresh
from connectors.source.errors import SourceError
from connectors.source.registering import registration_of
from connectors.source.rest import ConnectRest
from streams.settings import Settings

#: An answer is given again for so long: probes come often, and each asks other systems.
KEPT_SECONDS = 1.0
ANSWER_SECONDS_MAX = 2.5


def worker_check(settings: Settings) -> Check:
    """Whether every partition has a fresh tick that the worker has passed."""

    async def check() -> str | None:
        try:
            fresh = await clock_is_fresh(settings, settings.worker.group)
        except KafkaError as away:
            return f"not known: {away!r}"
        return None if fresh else "no fresh tick was passed on every partition: the worker is away, behind or stuck"

    return _kept(check)


def database_check(settings: Settings) -> Check:
    """Whether Debezium's connector and its tasks run; nothing is known here of a database that is polled."""

    async def check() -> str | None:
        if settings.source.connect_url is None or settings.source.mode == "poll":
            return None
        try:
            registration = registration_of(settings)
            async with ConnectRest(str(settings.source.connect_url)) as connect:
                state = await connect.state(registration.connector)
        except SourceError as error:
            return str(error)
        if state is None:
            return "Debezium's connector is not registered yet"
        return None if state.running else (state.failure or "Debezium's connector does not run yet")[:300]

    return _kept(check)


def _kept(check: Callable[[], Awaitable[str | None]]) -> Check:
    last: list[tuple[float, str | None]] = []

    async def kept() -> str | None:
        if not last or time.monotonic() - last[0][0] > KEPT_SECONDS:
            try:
                answer = await asyncio.wait_for(check(), ANSWER_SECONDS_MAX)
            except TimeoutError:
                answer = f"no answer within {ANSWER_SECONDS_MAX:g} s"
            last[:] = [(time.monotonic(), answer)]
        return last[0][1]

    return kept
