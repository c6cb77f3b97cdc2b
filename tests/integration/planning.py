"""The words of the planner's tests: lanes over a real store and a simulated Cal.com, without Kafka."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg

from connectors.calcom.accounts import Accounts, open_accounts, tenants_by_keys
from connectors.calcom.breaker import BreakerPolicy
from connectors.calcom.lane import Lane
from connectors.calcom.ownership import Ownership
from connectors.calcom.queue import CalcomQuestion, QuestionQueue
from connectors.calcom.telling import Telling
from connectors.stack.stack import LocalStack
from connectors.store.migrate import migrate
from connectors.world.calcom.bookings import Attendee, Booking, Draft
from connectors.world.calcom.server import calcom_app
from connectors.world.calcom.state import CalcomState
from connectors.world.config import WorldConfig
from connectors.world.instants import now
from connectors.world.serving import serving
from streams.model.ids import Instant, iso
from streams.model.records import BookingQuestion, BookingRead
from streams.settings import Settings
from tests.integration.connecting import CALM, DAY, account, asked_now
from tests.integration.waiting import until

_numbers = itertools.count(1)
HARBOR = account("harbor", "1", 100)


class Office:
    """Whoever asks, its queue, and every answer with the second in which it came."""

    def __init__(self, settings: Settings, calcom: CalcomState, pool: Any) -> None:
        self.settings = settings
        self.calcom = calcom
        self.pool = pool
        self.queue = QuestionQueue(pool)
        self.reads: list[tuple[float, BookingRead]] = []

    def book(self, starts_in: timedelta, ago: timedelta = DAY) -> Booking:
        """A booking in Cal.com."""
        start = after(starts_in)
        draft = Draft(
            account="harbor",
            event_type=next(iter(self.calcom.event_types["harbor"].values())),
            start=start,
            end=start + 1_800_000,
            attendee=Attendee(name="Ewan Birrell", email="ewan.birrell@mail.example"),
        )
        return self.calcom.bookings.create(draft, after(-ago))

    async def ask(self, *questions: CalcomQuestion) -> None:
        """Into the queue, as the intake does."""
        for at in range(0, len(questions), 500):
            await self.queue.add(questions[at : at + 500])

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[tuple[Accounts, list[Lane]]]:
        """As long as one process lives."""
        accounts = await open_accounts(self.settings, self.pool, BreakerPolicy())
        lanes = [
            Lane(
                clients={tenant: accounts.of(tenant) for tenant in tenants},
                ownership=Ownership(self.settings),
                queue=self.queue,
                telling=Telling(self.queue, self._publish),
            )
            for tenants in tenants_by_keys(self.settings)
        ]
        tasks = [asyncio.create_task(lane.run()) for lane in lanes]
        try:
            yield accounts, lanes
            assert not [task for task in tasks if task.done()]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await accounts.close()

    async def answered(self, request_id: str, seconds: float = 20) -> float:
        """When it was."""

        def found() -> list[float]:
            return [at for at, read in self.reads if request_id in read.request_ids]

        return (await until(found, seconds))[0]

    @property
    def requests(self) -> int:
        """What Cal.com has counted for the key."""
        return self.calcom.requests["harbor"]

    async def _publish(self, _tenant: str, read: BookingRead) -> None:
        self.reads.append((time.monotonic(), read))


@asynccontextmanager
async def office(stack: LocalStack, requests_per_minute: int, **more: object) -> AsyncIterator[Office]:
    """A store of its own, and a Cal.com that takes twice as much: the rest is the application's."""
    admin_dsn = str(stack.endpoints.admin_dsn)
    name = f"planning_{next(_numbers)}"
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    dsn = admin_dsn.rsplit("/", 1)[0] + f"/{name}"
    await migrate(dsn)
    config = WorldConfig(accounts=(HARBOR,), knobs=CALM, api_key_requests_per_minute=2 * requests_per_minute)
    state = CalcomState(config)
    pool = await asyncpg.create_pool(
        dsn, min_size=0, max_size=4, server_settings={"plan_cache_mode": "force_generic_plan"}
    )
    async with serving(calcom_app(state)) as url:
        given = {
            "calcom": {"base_url": url, "requests_per_minute": requests_per_minute},
            "accounts": [{"name": "harbor", "tenant": "1", "api_key": HARBOR.api_key}],
            **more,
        }
        try:
            yield Office(Settings.model_validate(given), state, pool)
        finally:
            await pool.close()


def after(delta: timedelta) -> int:
    """That much from now, in milliseconds."""
    return now() + round(delta.total_seconds() * 1000)


def about(uid: str, starts_at: int | None) -> BookingQuestion:
    """A question whose id is the uid's."""
    return BookingQuestion(
        request_id=f"r-{uid}",
        tenant="1",
        asked_at=asked_now(),
        purpose="proof",
        uid=uid,
        matters_at=None if starts_at is None else iso(Instant(starts_at)),
    )
