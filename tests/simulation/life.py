"""A seeded life of both systems in virtual time around the pure engine, and an oracle that knows what was planted.

The network loses, delays, repeats and reorders webhooks; reads come from a replica that lags; a poll finds what was
lost. The oracle is apart from the rules: each fault is noted by who plants it.
"""

import random
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Any

import msgspec

from streams.model.observation import RowChanged
from streams.model.records import AnyQuestion
from tests.words import HOUR, World

LAG_SECONDS = 1.0
POLL_SECONDS = 45.0
STALL_SECONDS = 10.0
#: A fault that lives shorter counts neither way.
SHORTEST_SECONDS = 25.0


class Fault(msgspec.Struct):
    rule: str
    subject: str
    since: float
    until: float = float("inf")


class Life(World):
    """Many bookings at once, one random script each."""

    def __init__(self, seed: int, bookings: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.faults: list[Fault] = []
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._fed_at = 0.0
        self.stall_at = self.random.choice((30.0, 60.0, float("inf")))
        self._history: dict[str, list[tuple[float, dict[str, Any]]]] = {}
        self.shown = self._lagging
        for number in range(bookings):
            self.at(self.random.uniform(0, 60), self._script(number))
        self.at(POLL_SECONDS, self._poll)

    # Time ---------------------------------------------------------------------------------------------------

    def at(self, when: float, what: Callable[[], None]) -> None:
        self._count += 1
        heappush(self._agenda, (when, self._count, what))

    def soon(self, least: float, most: float, what: Callable[[], None]) -> None:
        self.at(self.now + self.random.uniform(least, most), what)

    def live(self, seconds: float) -> None:
        """Let everything happen."""
        while self.now < seconds:
            following = min(self._agenda[0][0] if self._agenda else seconds, self.now + 0.2, seconds)
            self.until(max(following, self.now + 0.001), every=0.2)
            while self._agenda and self._agenda[0][0] <= self.now:
                heappop(self._agenda)[2]()

    # Cal.com behind a lagging replica -----------------------------------------------------------------------

    def _keep(self, uid: str) -> None:
        self._history.setdefault(uid, []).append((self.now, dict(self.bookings[uid])))

    def booking(self, uid: str, **more: Any) -> None:  # type: ignore[override]  # the same words, kept as history too
        super().booking(uid, **more)
        self._keep(uid)

    def change(self, uid: str, **fields: Any) -> None:
        super().change(uid, **fields)
        self._keep(uid)

    def _lagging(self, uid: str) -> dict[str, Any] | None:
        seen = self.now - self.random.uniform(0, LAG_SECONDS)
        shown = [state for when, state in self._history.get(uid, ()) if when <= seen]
        return shown[-1] if shown else None

    def answer(self, question: AnyQuestion) -> Any:
        self.answer_after = self.random.uniform(0.05, 0.5)
        return super().answer(question)

    def _poll(self) -> None:
        for uid in list(self.bookings):
            if self._lagging(uid):
                self.polled(uid)
        self.at(self.now + POLL_SECONDS, self._poll)

    def send(self, trigger: str, uid: str) -> None:
        """Deliver a webhook as life does: late, twice, out of order, or not at all."""
        webhook = self.webhook(trigger, uid)
        if self.random.random() < 0.02:
            return
        for _ in range(1 + (self.random.random() < 0.1)):
            self.soon(0.02, 3.0 if self.random.random() < 0.1 else 0.3, lambda: self.heard(webhook))

    # The database's feed ---------------------------------------------------------------------------------------

    def captured(self, change: RowChanged) -> None:
        """Change events come late, in order, and once stand still for a while."""
        late = self.random.uniform(0.02, 0.8)
        stalled = STALL_SECONDS if self.stall_at <= self.now < self.stall_at + STALL_SECONDS else 0.0
        self._fed_at = max(self._fed_at, self.now + late + stalled)
        self.at(self._fed_at, lambda: super(Life, self).captured(change))

    # What happens to one booking ----------------------------------------------------------------------------

    def _script(self, number: int) -> Callable[[], None]:
        story = self._story(number)

        def step() -> None:
            pause = next(story, None)
            if pause is not None:
                self.at(self.now + pause, step)

        return step

    def plant(self, rule: str, subject: str) -> Fault:
        fault = Fault(rule, subject, self.now)
        self.faults.append(fault)
        return fault

    def _story(self, number: int) -> Iterator[float]:
        uid, row, call = f"u{number}A", str(100 + number), str(5000 + number)
        pick = self.random.random
        ref = str(9001 + 10 * number) if number % 3 == 0 else uid
        start = HOUR * self.random.randint(1, 40)
        fate = self.random.choice(FATES)
        self.booking(uid, start=start, id=9001 + 10 * number)
        self.send("BOOKING_CREATED", uid)
        if fate == "never written":
            self.plant("orphaned_calcom", uid)
            return
        yield pick()
        wrong = 3600 if fate == "wrong time" else 0
        by_phone = fate in ("link missing",) or pick() < 0.4
        columns = {"booking": ref, "start": start + wrong, "source": "retell_webhook" if by_phone else "web"}
        if by_phone and fate != "link missing":
            columns["call_id"] = int(call)
        self.writes(row, **columns)
        self._plant_on_row(fate, row)
        if by_phone:
            yield pick() * 0.5
            self.calls(call, appointment_made=True, session_outcome="appointment_booked", booking_id=ref)
        yield 10 + 20 * pick()
        yield from self._later(fate, number, uid, row, start)

    def _plant_on_row(self, fate: str, row: str) -> None:
        if fate == "wrong time":
            self.plant("start_time_drift", row)
        if fate == "link missing":
            self.plant("missing_call_link", row)

    def _later(self, fate: str, number: int, uid: str, row: str, start: float) -> Iterator[float]:
        pick, new = self.random.random, f"u{number}B"
        match fate:
            case "rescheduled" | "left behind":
                self.reschedule(uid, new, start=start + HOUR)
                self._keep(uid)
                self.send("BOOKING_RESCHEDULED", new)
                if fate == "left behind":
                    self.plant("missed_reschedule", row)
                    return
                yield pick() * 1.5
                self.writes(row, booking=new, start=start + HOUR)
            case "cancelled" | "cancelled there alone":
                self.send("BOOKING_CANCELLED", uid)
                yield pick()
                self.change(uid, status="cancelled")
                if fate == "cancelled there alone":
                    self.plant("status_drift", row)
                    return
                yield pick() * 0.5
                self.writes(row, status="cancelled")
            case "row deleted":
                was = dict(self.rows[("appointments", row)])
                self.deletes(row)
                fault = self.plant("orphaned_calcom", uid)
                yield 40
                self.writes(row, **was)
                fault.until = self.now
            case "touched":
                for touch in range(10):
                    self.writes(row, sync_attempt_count=touch % 3)
                    yield 0.5
            case "announced and not done":
                self.send("BOOKING_CANCELLED", uid)

    # The score ----------------------------------------------------------------------------------------------

    def missed(self) -> list[Fault]:
        return [
            fault
            for fault in self.faults
            if min(fault.until, self.now) - fault.since >= SHORTEST_SECONDS + POLL_SECONDS * 2
            and not any(self._speaks(fault, finding) for _, finding in self.findings)
        ]

    def false(self) -> list[str]:
        return [
            f"{when:.1f} {finding.rule} {finding.subject.id}"
            for when, finding in self.findings
            if finding.change == "opened"
            and not any(self._speaks(f, finding) and f.since <= when <= f.until + 10 for f in self.faults)
        ]

    def _speaks(self, fault: Fault, finding: Any) -> bool:
        return (fault.rule, fault.subject) == (finding.rule, finding.subject.id) and finding.change == "opened"


FATES = (
    "well", "well", "well", "rescheduled", "rescheduled", "cancelled", "touched", "announced and not done",
    "never written", "wrong time", "link missing", "left behind", "cancelled there alone", "row deleted",
)  # fmt: skip
