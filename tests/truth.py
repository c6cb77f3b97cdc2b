"""Both systems as they are in a specification, and how they answer questions.

Instants are seconds after `T0`.
"""

import itertools
from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from streams.decode import decode_record
from streams.decode.calcom_booking import read_of
from streams.model.facts import Read
from streams.model.ids import Instant, iso
from streams.model.observation import BookingReadSeen, Observation, Origin
from streams.model.records import (
    AnyQuestion,
    BookingQuestion,
    BookingRead,
    NumericQuestion,
    ReadResult,
    RowsQuestion,
    RowsRead,
)
from streams.topics import Topic

T0 = 1_800_000_000_000
TENANT = "1"
HOUR = 3600.0
NOWHERE = Origin(0, 0)


def at(seconds: float) -> Instant:
    return Instant(T0 + round(seconds * 1000))


def clock(seconds: float) -> str:
    return str(iso(at(seconds)))


class Truth:
    """Cal.com's bookings and the database's rows. Nothing of them is heard before a test says so."""

    def __init__(self, answer_after: float) -> None:
        self.bookings: dict[str, dict[str, Any]] = {}
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.answer_after = answer_after
        self.now = 0.0
        #: Cal.com does not answer at all.
        self.calcom_down = False
        #: Said instead of an answer: "unavailable", "unusable" or "elsewhere".
        self.calcom_says: ReadResult | None = None
        #: The same of the database: "unusable" or "unavailable".
        self.rows_say: Literal["unusable", "unavailable"] | None = None
        #: What Cal.com's API shows instead of the truth (a lagging replica), by uid.
        self.shown: Callable[[str], dict[str, Any] | None] = lambda uid: self.bookings.get(uid)
        self.tx = itertools.count(1000)
        self._numeric = itertools.count(900_001)

    def booking(
        self, uid: str, *, status: str = "accepted", start: float = HOUR, minutes: int = 30, **more: Any
    ) -> None:
        """Cal.com holds this booking from now on."""
        self.bookings[uid] = {
            "id": more.pop("id", None) or next(self._numeric),
            "uid": uid,
            "status": status,
            "start": clock(start),
            "end": clock(start + minutes * 60),
            "eventTypeId": 7,
            "createdAt": clock(self.now),
            "updatedAt": clock(self.now),
            **more,
        }

    def change(self, uid: str, **fields: Any) -> None:
        self.bookings[uid] |= fields | {"updatedAt": clock(self.now)}

    def move(self, uid: str, *, start: float, minutes: int = 30) -> None:
        """In place, as the owner of a seated booking does: the uid stays (facts/calcom.md §1.7)."""
        self.change(uid, start=clock(start), end=clock(start + minutes * 60))

    def reschedule(self, old: str, new: str, *, start: float, status: str = "accepted", minutes: int = 30) -> None:
        """A new uid; the old row is cancelled in the same transaction (facts/calcom.md §3)."""
        self.booking(new, status=status, start=start, minutes=minutes, rescheduledFromUid=old)
        self.change(old, status="cancelled", rescheduledToUid=new)

    def answer(self, question: AnyQuestion) -> tuple[Observation, ...]:
        """What a connector would publish, through the real decoders."""
        match question:
            case BookingQuestion(uid=uid):
                return () if self.calcom_down else self._booking_answer(question, uid)
            case NumericQuestion(numeric_id=numeric_id):
                held = [b for b in self.bookings.values() if str(b["id"]) == numeric_id]
                return (
                    () if self.calcom_down else self._booking_answer(question, held[0]["uid"] if held else numeric_id)
                )
            case RowsQuestion():
                return self._rows_answer(question)

    def _booking_answer(self, question: AnyQuestion, uid: str) -> tuple[Observation, ...]:
        held = self.shown(uid)
        record = BookingRead(
            account="a",
            uid=uid,
            read_at=clock(self.now),
            reason="verify",
            result=self.calcom_says or ("found" if held else "missing"),
            duration_ms=50,
            asked_at=question.asked_at,
            request_ids=(question.request_id,),
            booking=None if self.calcom_says else held,
        )
        stamp = at(self.now + self.answer_after)
        return decode_record(Topic.BOOKINGS, TENANT.encode(), msgspec.json.encode(record), stamp, NOWHERE)

    def page(self, uid: str, begun: int, answered: int) -> BookingReadSeen:
        """A list page shows this booking, or not."""
        held = self.shown(uid)
        read = read_of(held, begun, answered, NOWHERE) if held else Read(begun, answered)
        return BookingReadSeen(TENANT, uid, read)

    def _rows_answer(self, question: RowsQuestion) -> tuple[Observation, ...]:
        record = RowsRead(
            request_id=question.request_id,
            question=question,
            read_at=clock(self.now),
            reason="verify",
            result=self.rows_say or "found",
            rows=() if self.rows_say else tuple(self._found(question)),
            snapshot=f"{next(self.tx)}:{next(self.tx)}:",
        )
        stamp = at(self.now + self.answer_after)
        return decode_record(Topic.ROWS, question.tenant.encode(), msgspec.json.encode(record), stamp, NOWHERE)

    def _found(self, question: RowsQuestion) -> Iterable[dict[str, Any]]:
        for (table, row), columns in self.rows.items():
            by_key = question.row_id == row and question.table == table
            by_ref = table == "appointments" and columns.get("calcom_v2_booking_id") in question.booking_refs
            call = columns.get("call_id")
            by_call = table == "appointments" and question.call_id is not None and str(call) == question.call_id
            if by_key or by_ref or by_call:
                yield columns
