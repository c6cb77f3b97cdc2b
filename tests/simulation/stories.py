"""What happens to one appointment: how it comes to be, rightly or wrongly, and what people do to it afterwards.

A story yields pauses in seconds. Whatever it plants on purpose it says to the ledger; everything else that its steps
make wrong the oracle sees by itself.
"""

from collections.abc import Callable, Iterator
from typing import Any

from tests.simulation.life import Life
from tests.simulation.wrongs import Cause
from tests.truth import HOUR, clock

Pauses = Iterator[float]


class Appointment:
    """One appointment with its booking and perhaps its call, and the verbs of its story."""

    def __init__(self, life: Life, number: int) -> None:
        self.life = life
        self.random = life.random
        self.cause = Cause(number)
        self.uid = f"u{number}a"
        self.row = str(100 + 10 * number)
        self.call = str(500_000 + number)
        self.start = HOUR * self.random.randint(1, 40)
        #: Whether the application stores numeric ids.
        self.numeric = self.random.random() < 0.3
        self.by_phone = self.random.random() < 0.4
        self._links = 0

    # Words --------------------------------------------------------------------------------------------------

    def pick(self) -> float:
        return self.random.random()

    def soon(self) -> float:
        """An application's pause between its two writes."""
        return self.random.uniform(0, 1.5)

    def after_a_while(self) -> float:
        return self.random.uniform(5, 40) if self.pick() < 0.7 else self.random.uniform(0, 4)

    def ref(self, uid: str | None = None) -> str | None:
        """What the application stores for a booking; nothing before there is one."""
        known = self.life.calcom.last_known.get(uid or self.uid)
        return None if known is None else str(known.id) if self.numeric else known.uid

    @property
    def booking(self) -> Any:
        return self.life.calcom.bookings[self.uid]

    @property
    def held(self) -> dict[str, Any] | None:
        return self.life.database.rows.get(("appointments", self.row))

    def books(self, status: str = "accepted", **more: Any) -> None:
        self.life.books(self.cause, self.uid, start=self.start, status=status, **more)

    def hears(self, trigger: str) -> bool:
        """A webhook; whether it is on its way."""
        return self.life.sends(trigger, self.uid)

    def writes(self, **columns: Any) -> None:
        self.life.writes(self.cause, "appointments", self.row, **columns)

    def keeps(self, **wrong: Any) -> None:
        """The row as it should be, but for what is given."""
        start = wrong.pop("start", self.start)
        minutes = wrong.pop("minutes", 30)
        self.writes(
            **{
                "calcom_v2_booking_id": self.ref(),
                "status": "confirmed",
                "starts_at": clock(start),
                "ends_at": clock(start + 60 * minutes),
                "source": "retell_webhook" if self.by_phone else "web",
                "call_id": int(self.call) if self.by_phone else None,
            }
            | wrong
        )

    def calls(self, **columns: Any) -> None:
        self.life.writes(
            self.cause,
            "calls",
            self.call,
            **{
                "direction": "inbound",
                "session_outcome": "appointment_booked",
                "appointment_made": True,
                "booking_id": self.ref(),
            }
            | columns,
        )

    def moves_there(self, status: str = "accepted") -> str:
        """A reschedule at Cal.com, never into the past; the uid that was."""
        self._links += 1
        old, self.uid = self.uid, f"u{self.cause.number}{chr(97 + self._links)}"
        hours = self.random.choice((1, 2, -0.5))
        self.start += HOUR * (hours if self.start >= HOUR else 1)
        self.life.reschedules(old, self.uid, start=self.start, status=status)
        self.hears("BOOKING_RESCHEDULED" if status == "accepted" else "BOOKING_REQUESTED")
        return old

    def cancels_there(self) -> Pauses:
        """Older senders announce it before it is done (facts/calcom.md §1.5)."""
        if self.pick() < 0.5:
            announced = self.hears("BOOKING_CANCELLED")
            yield self.random.uniform(0, self.life.weather.early)
            self.life.changes(self.uid, announced=announced, status="cancelled")
        else:
            self.life.changes(self.uid, status="cancelled")
            self.hears("BOOKING_CANCELLED")

    def planted(self, rule: str, subject: str | None = None) -> None:
        self.life.planted(rule, subject or self.row)

    # A whole story ------------------------------------------------------------------------------------------

    def told(self, births: dict[Callable[["Appointment"], Pauses], int], edits: Any) -> Pauses:
        """Born one way, then edited up to four times by both sides."""
        yield from _chosen(self, births)(self)
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 4))):
            yield self.after_a_while()
            yield from _chosen(self, edits)(self)


def _chosen(
    story: Appointment, weighted: dict[Callable[[Appointment], Pauses], int]
) -> Callable[[Appointment], Pauses]:
    return story.random.choices(list(weighted), weights=list(weighted.values()))[0]
