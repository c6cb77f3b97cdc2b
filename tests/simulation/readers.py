"""The connectors that read: answers to the worker's questions, and the poll, through the real decoders."""

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from streams.model.ids import NO_TENANT
from streams.model.records import (
    AnyQuestion,
    BookingQuestion,
    BookingRead,
    NumericQuestion,
    ReadReason,
    ReadResult,
    RowsQuestion,
    RowsRead,
)
from streams.model.source_records import PassComplete
from streams.topics import Topic
from tests.simulation.agenda import Agenda
from tests.simulation.calcom import Booking, CalCom
from tests.simulation.database import Database
from tests.simulation.topics import Topics
from tests.simulation.weather import Weather, within
from tests.truth import HOUR, clock

#: The poll reads again what changed this long before its last page, seconds (replicas lag).
POLL_OVERLAP = 20.0
#: Two list passes for a numeric id lie so far apart, seconds (design §4).
PASSES_APART = 4.0


class Readers:
    """Reads of both sides as the weather lets them. `shown` hears what a page showed, `swept` of each pass."""

    def __init__(
        self,
        agenda: Agenda,
        random: Random,
        weather: Weather,
        sides: tuple[CalCom, Database],
        topics: Topics,
        shown: Callable[[str, Booking], None],
        swept: Callable[[], None],
    ) -> None:
        self._agenda, self._random, self._weather = agenda, random, weather
        self._calcom, self._database = sides
        self._topics = topics
        self._shown, self._swept = shown, swept
        self._waiting: dict[str, list[AnyQuestion]] = {}
        #: Bookings whose reads are answered with 401.
        self.refused: set[str] = set()
        self.asked = 0
        self._polled_at = 0.0

    def ask(self, question: AnyQuestion) -> None:
        """One read answers every question on its booking that waits when it starts (design §4a)."""
        self.asked += 1
        begins_in = self._random.uniform(0.01, 0.3)
        if isinstance(question, RowsQuestion):
            self._agenda.after(begins_in, lambda: self._select(question))
            return
        asked = question.uid if isinstance(question, BookingQuestion) else question.numeric_id
        waiting = self._waiting.setdefault(asked, [])
        waiting.append(question)
        if len(waiting) == 1:
            self._agenda.after(begins_in, lambda: self._read(asked))

    def _duration(self) -> float:
        return self._random.uniform(0.05, self._weather.reads_take if self._random.random() < 0.1 else 0.3)

    def _answer(self, seconds: float, topic: Topic, question: AnyQuestion, record: Any) -> None:
        """Answers to what is asked once, after a pass or about nobody's row, are not lost: nobody asks again."""
        once = question.purpose == "settle" or question.tenant == NO_TENANT
        if once or self._random.random() >= self._weather.answers_lost:
            value = msgspec.json.encode(record)
            self._agenda.after(seconds, lambda: self._topics.append(topic, question.tenant, value))

    # Cal.com ------------------------------------------------------------------------------------------------

    def _read(self, asked: str) -> None:
        back_at = within(self._agenda.now, self._weather.outages)
        if back_at is not None:  # the breaker is open: they wait in the queue
            self._agenda.after(back_at - self._agenda.now, lambda: self._read(asked))
            return
        questions = self._waiting.pop(asked)
        newest = max(questions, key=lambda question: question.asked_at)
        tenant = newest.tenant
        booking = self._seen(self._calcom.by_id.get(asked, asked))
        numeric = isinstance(newest, NumericQuestion)
        if booking is not None and not numeric and asked != booking.uid:
            booking = None  # a numeric id is never found by uid
        result: ReadResult = "found" if booking is not None else "missing"
        if booking is not None and booking.tenant != tenant:
            result, booking = "missing" if numeric else "elsewhere", None
        took = self._duration() + (PASSES_APART if numeric and booking is None else 0.0)
        if asked in self.refused:
            result, booking = "unusable", None
        ids = tuple(question.request_id for question in questions)
        record = self._record(asked, tenant, "verify", result, took, booking, newest.asked_at, ids)
        self._answer(took, Topic.BOOKINGS, newest, record)

    def _seen(self, uid: str) -> Booking | None:
        """What a replica shows now."""
        return self._calcom.as_of(uid, self._agenda.now - self._weather.lag_at(self._agenda.now, self._random))

    def _record(
        self,
        asked: str,
        tenant: str,
        reason: ReadReason,
        result: ReadResult,
        took: float,
        booking: Booking | None,
        asked_at: str | None = None,
        request_ids: tuple[str, ...] = (),
    ) -> BookingRead:
        return BookingRead(
            account=f"a{tenant}",
            uid=asked,
            read_at=clock(self._agenda.now),
            reason=reason,
            result=result,
            duration_ms=round(took * 1000),
            asked_at=asked_at,
            request_ids=request_ids,
            booking=booking.api() if booking is not None else None,
        )

    def poll(self) -> None:
        """List pages of what changed lately, as a replica shows it."""
        self._agenda.after(self._weather.poll_every, self.poll)
        if within(self._agenda.now, self._weather.outages) is not None:
            return
        since, self._polled_at = self._polled_at - POLL_OVERLAP, self._agenda.now
        took = self._duration()
        for uid in self._calcom.changed_since(since):
            booking = self._seen(uid)
            if booking is not None:
                self._page(booking, took)

    def sweep(self) -> None:
        """A complete pass over Cal.com: pages of all that a replica shows, and behind them the word that it is done."""
        self._agenda.after(self._weather.sweep_every, self.sweep)
        if within(self._agenda.now, self._weather.outages) is not None:
            return
        took = self._duration()
        for uid in list(self._calcom.bookings):
            booking = self._seen(uid)
            if booking is not None:
                self._page(booking, took)
        done = PassComplete(
            side="calcom",
            tenant="1",
            starts_from=clock(-HOUR),
            starts_to=clock(1000 * HOUR),
            duration_ms=round(took * 1000),
            at=clock(self._agenda.now + took),
            full=True,
        )
        self._agenda.after(took, lambda: self._passed(msgspec.json.encode(done)))

    def _passed(self, value: bytes) -> None:
        self._topics.append(Topic.SOURCES, None, value)
        self._swept()

    def _page(self, booking: Booking, took: float) -> None:
        value = msgspec.json.encode(self._record(booking.uid, booking.tenant, "sweep", "found", took, booking))

        def arrives() -> None:
            self._topics.append(Topic.BOOKINGS, booking.tenant, value)
            self._shown(booking.uid, booking)

        self._agenda.after(took, arrives)

    # The database -------------------------------------------------------------------------------------------

    def _select(self, question: RowsQuestion) -> None:
        rows = [{"table": table} | columns for table, columns in self._found(question)]
        record = RowsRead(
            request_id=question.request_id,
            question=question,
            read_at=clock(self._agenda.now),
            reason="verify",
            result="found",
            rows=tuple(rows),
            snapshot=self._database.snapshot(),
        )
        self._answer(self._random.uniform(0.02, 0.3), Topic.ROWS, question, record)

    def _found(self, question: RowsQuestion) -> list[tuple[str, dict[str, Any]]]:
        if question.row_id is not None and question.table is not None:
            columns = self._database.visible(question.table, question.row_id)
            return [] if columns is None else [(question.table, columns)]
        if question.call_id is not None:
            return [("appointments", c) for c in self._database.naming("call_id", (question.call_id,))]
        named = self._database.naming("calcom_v2_booking_id", question.booking_refs)
        return [("appointments", columns) for columns in named]
