"""The planter: tells each appointed story at its time, and writes into the ledger what really happened."""

import asyncio
import logging
import random

import asyncpg

from connectors.world.app.calcom_api import CalcomFailed
from connectors.world.app.desk import Desk
from connectors.world.app.practice import Practice
from connectors.world.faults.schedule import Appointed
from connectors.world.faults.way import Planted, Way
from connectors.world.instants import now, with_millis
from connectors.world.knobs import Fate
from connectors.world.ledger import Fault, Ledger, Trap

log = logging.getLogger(__name__)

#: A planted story's webhooks arrive, once and in order, so that a fault is found at the pace its bound says.
SURE = Fate(webhook="sure")
#: What a story may fail of when the world itself is disturbed; then there is no fault, and none in the ledger.
DISTURBED = (CalcomFailed, asyncpg.PostgresError, OSError)


class Planter:
    """Plants in the practices given, in the order of the schedule's tenant numbers."""

    def __init__(self, practices: list[Practice], ledger: Ledger, seed: int, run: int) -> None:
        self._practices = practices
        self._ledger = ledger
        self._seed = seed
        self._run = run
        self.spoilt_count = 0

    async def tell(self, appointed: Appointed) -> None:
        """Waits for its time, tells the story, mends it at the end of its life."""
        await asyncio.sleep(appointed.after_seconds)
        rng = random.Random(f"{self._seed}|{self._run}|{appointed.id}")
        desk = Desk(self._practices[appointed.tenant % len(self._practices)], rng, SURE)
        try:
            if appointed.way is not None:
                await self._plant(appointed, appointed.way, desk)
            elif appointed.trap is not None:
                await self._spring(appointed, desk)
        except DISTURBED as error:
            self.spoilt_count += 1
            log.warning("story %s came to nothing: %r", appointed.id, error)

    async def _plant(self, appointed: Appointed, way: Way, desk: Desk) -> None:
        planted = await way.story(desk)
        fault = self._fault(appointed, way, desk, planted)
        self._ledger.planted(fault)
        if appointed.life_seconds is None:
            return
        await asyncio.sleep(appointed.life_seconds)
        self._ledger.ended(fault, await planted.repair())

    async def _spring(self, appointed: Appointed, desk: Desk) -> None:
        assert appointed.trap is not None
        sprung = await appointed.trap(desk)
        self._ledger.passed(
            Trap(
                id=f"{self._run}-{appointed.id}", way=appointed.trap.__name__, tenant=desk.practice.tenant,
                text=sprung.text, subjects=sprung.subjects, at=with_millis(now()),
            )
        )  # fmt: skip

    def _fault(self, appointed: Appointed, way: Way, desk: Desk, planted: Planted) -> Fault:
        return Fault(
            id=f"{self._run}-{appointed.id}",
            rule=way.rule,
            way=way.name,
            tenant=planted.tenant or desk.practice.tenant,
            subject=planted.subject,
            booking_uid=planted.booking_uid,
            appointment_id=planted.appointment_id,
            call_id=planted.call_id,
            complete_at=with_millis(planted.complete_at),
            bound=way.bound,
            changes=desk.changes,
        )
