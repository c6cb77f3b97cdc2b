"""Traffic: ordinary life in every tenant, with faults and traps among it, for a while."""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec.structs import replace

from connectors.world.app.desk import Desk
from connectors.world.app.life import STORIES, Story
from connectors.world.app.practice import Practice
from connectors.world.faults.planter import DISTURBED, Planter
from connectors.world.faults.schedule import schedule
from connectors.world.instants import SECOND, now, with_millis
from connectors.world.knobs import Fate, Knobs
from connectors.world.ledger import Ledger

log = logging.getLogger(__name__)

#: Uids that an ordinary story makes on average, with its reschedules.
BOOKINGS_PER_STORY = 1.2
#: So long at most a tenant waits before the rate is looked at again.
RATE_SECONDS_MAX = 60.0

Phase = Literal["idle", "running", "draining", "done"]


class TrafficOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do. `rate` is ordinary stories a minute over all tenants; most of them make a booking.

    With `bookings` the rate follows from what is still to be booked, faults and traps included.
    """

    seconds: float = 240
    seed: int = 1
    rate: float = 75
    bookings: int | None = None
    faults_per_rule: int = 12
    #: Of the rules outside MAIN_RULES (schedule.py); None is as many.
    faults_per_further_rule: int | None = None
    #: Share of ordinary webhooks that get lost.
    lost_webhooks: float = 0.02


class Turned(msgspec.Struct, frozen=True):
    """How to read and turn the knobs of Cal.com, and how many bookings it holds."""

    read: Callable[[], Knobs]
    write: Callable[[Knobs], None]
    count: Callable[[], int]


class Traffic:
    """At most one run at a time."""

    def __init__(self, practices: list[Practice], ledger: Ledger, knobs: Turned) -> None:
        self._practices = practices
        self._ledger = ledger
        self._knobs = knobs
        self._run = 0
        self._task: asyncio.Task[None] | None = None
        self._planter: Planter | None = None
        self.phase: Phase = "idle"
        self.started_at: str | None = None
        self.stories_count = 0
        self.spoilt_count = 0

    @property
    def planter_spoilt_count(self) -> int:
        return self._planter.spoilt_count if self._planter else 0

    def start(self, order: TrafficOrder) -> bool:
        """False if a run is under way."""
        if self.phase in ("running", "draining"):
            return False
        self._run += 1
        self.phase, self.started_at = "running", with_millis(now())
        self._task = asyncio.create_task(self._live(order))
        return True

    async def stop(self) -> None:
        """At once; stories break off where they are."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.phase = "idle"

    async def _live(self, order: TrafficOrder) -> None:
        self._knobs.write(replace(self._knobs.read(), webhook_lose=order.lost_webhooks))
        planter = self._planter = Planter(self._practices, self._ledger, order.seed, self._run)
        plan = schedule(
            order.seed + self._run - 1,
            order.seconds,
            order.faults_per_rule,
            len(self._practices),
            order.faults_per_further_rule,
        )
        async with asyncio.TaskGroup() as stories:
            for appointed in plan:
                stories.create_task(planter.tell(appointed))
            lives = [
                stories.create_task(self._ordinary_life(stories, practice, order, n))
                for n, practice in enumerate(self._practices)
            ]
            await asyncio.gather(*lives)
            # What is left: ordinary stories that end soon, and faults waiting to be mended.
            self.phase = "draining"
        self.phase = "done"

    async def _ordinary_life(
        self, stories: asyncio.TaskGroup, practice: Practice, order: TrafficOrder, number: int
    ) -> None:
        """Stories of one tenant, at random intervals, until the time is up."""
        rng = random.Random(f"{order.seed}|{self._run}|life|{number}")
        ends_at = now() + order.seconds * 1000
        choices, weights = zip(*STORIES, strict=True)
        while (per_second := self._stories_per_second(order, ends_at)) > 0:
            await asyncio.sleep(min(RATE_SECONDS_MAX, rng.expovariate(per_second)))
            if now() >= ends_at:
                return
            story = rng.choices(choices, weights)[0]
            stories.create_task(self._tell(story, Desk(practice, random.Random(rng.random()), Fate())))
        await asyncio.sleep(order.seconds)

    def _stories_per_second(self, order: TrafficOrder, ends_at: float) -> float:
        """Of one tenant."""
        if order.bookings is None:
            return order.rate / 60 / len(self._practices)
        seconds_left = max(1.0, (ends_at - now()) / SECOND)
        due = max(1.0, order.bookings - self._knobs.count())
        return due / BOOKINGS_PER_STORY / seconds_left / len(self._practices)

    async def _tell(self, story: Story, desk: Desk) -> None:
        self.stories_count += 1
        try:
            await story(desk)
        except DISTURBED as error:
            self.spoilt_count += 1
            log.warning("%s came to nothing: %r", story.__name__, error)
