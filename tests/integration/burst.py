"""Much traffic at a steady pace, with faults in it whose alerts are known beforehand."""

import asyncio
from collections.abc import Iterable

from streams.model.ids import AlertId, alert_id
from streams.model.records import Finding
from streams.topics import Topic
from tests.integration.waiting import until
from tests.integration.working import TENANTS, Yard

#: A story in so many is a fault; another in so many a booking with its appointment, all others are whole calls.
FAULT_EVERY = 40
PAIR_EVERY = 20
PACE_SECONDS = 0.02


class Burst:
    """Events for every tenant in turn."""

    def __init__(self, yard: Yard, *, fault_every: int = FAULT_EVERY) -> None:
        self._fault_every = fault_every
        self._yard = yard
        self._stories = 0
        self._enough = False
        self.events = 0
        self.expected: dict[AlertId, str] = {}

    async def feed(self, per_second: int) -> None:
        """Send evenly until `enough`."""
        loop = asyncio.get_running_loop()
        began, before = loop.time(), self.events
        while not self._enough:
            while self.events - before < (loop.time() - began) * per_second:
                await self._story()
            await asyncio.sleep(PACE_SECONDS)  # the pace, not a hope
        await self._yard.sent()

    def enough(self) -> None:
        self._enough = True

    async def _story(self) -> None:
        self._stories += 1
        number, systems = self._stories, self._yard.systems
        # Neighbours in number are of different tenants, and each tenant gets stories of every kind.
        tenant = TENANTS[(number + number // self._fault_every) % len(TENANTS)]
        if number % self._fault_every == 0:
            outcome = systems.call(tenant, number, session_outcome="appointment_booked")
            await self._send(Topic.CALLS, tenant, outcome)
            self._expect("phantom_booking", tenant, "call", str(number))
        elif number % self._fault_every == self._fault_every // 2 + 1:
            uid = f"orphan{number:08d}"
            await self._send(Topic.WEBHOOKS, tenant, systems.booking(uid, number))
            self._expect("orphaned_calcom", tenant, "booking", uid)
        elif number % PAIR_EVERY == 0:
            uid = f"paired{number:08d}"
            await self._send(Topic.WEBHOOKS, tenant, systems.booking(uid, number))
            await self._send(Topic.APPOINTMENTS, tenant, systems.appointment(tenant, number, uid))
        else:
            await self._send(Topic.CALLS, tenant, systems.call(tenant, number))

    async def _send(self, topic: Topic, tenant: str, value: bytes) -> None:
        self.events += 1
        await self._yard.soon(topic, tenant, value)

    def _expect(self, rule: str, tenant: str, kind: str, subject: str) -> None:
        self.expected[alert_id(rule, tenant, kind, subject)] = f"{rule} {tenant} {kind} {subject}"

    async def all_found(self, seconds: float) -> None:
        """Every fault was told. Raises AssertionError naming those that were not."""
        try:
            await until(lambda: not self.missing(), seconds)
        except TimeoutError:
            missing = self.missing()
            raise AssertionError(f"{len(missing)} of {len(self.expected)} not told: {missing[:5]}") from None

    def missing(self) -> list[str]:
        found = {finding.alert_id for finding in self._yard.findings}
        return [name for key, name in self.expected.items() if key not in found]

    def wrongly_told(self, findings: Iterable[Finding]) -> list[str]:
        """Alerts for which there is no fault, second episodes, ends of what has not ended."""
        return [
            f"{finding.change} {finding.rule} {finding.subject} episode {finding.episode}"
            for finding in findings
            if self.expected.get(AlertId(finding.alert_id)) != _name(finding)
            or finding.episode != 1
            or finding.change == "resolved"
        ]


def _name(finding: Finding) -> str:
    return f"{finding.rule} {finding.tenant} {finding.subject.kind} {finding.subject.id}"
