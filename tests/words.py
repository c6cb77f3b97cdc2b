"""The words of the specifications: a small world in virtual time around the pure engine.

Instants are seconds after `T0`. The world holds what is true in both systems; records of it reach the engine when a
test says so (`heard`, `captured`), and questions are answered from the truth after `answer_after` seconds.
"""

import itertools
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

import msgspec

from streams.decode import decode_record
from streams.decode.calcom_booking import read_of
from streams.decode.columns import appointment_row, call_row
from streams.engine import Partition
from streams.model.facts import Read, RowVersion, Told
from streams.model.ids import Instant, iso, parse_iso
from streams.model.judgement import Judgement
from streams.model.observation import BookingReadSeen, Observation, Origin, RowChanged, WebhookHeard
from streams.model.records import (
    AnyQuestion,
    BookingQuestion,
    BookingRead,
    Finding,
    NumericQuestion,
    RowsQuestion,
    RowsRead,
    Verdict,
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


class World:
    """Both systems as they are, and the engine that watches them."""

    def __init__(self, *, answer_after: float = 0.2, judgement: Judgement | None = None) -> None:
        self.engine = Partition(judgement or Judgement())
        self.bookings: dict[str, dict[str, Any]] = {}
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.answer_after = answer_after
        self.calcom_down = False
        #: What Cal.com's API shows instead of the truth (a lagging replica), by uid.
        self.shown: Callable[[str], dict[str, Any] | None] = lambda uid: self.bookings.get(uid)
        self.now = 0.0
        self.tx = itertools.count(1000)
        self.asked: list[AnyQuestion] = []
        self.findings: list[tuple[float, Finding]] = []
        self.verdicts: list[tuple[float, Verdict]] = []
        self._answers: list[tuple[float, tuple[Observation, ...]]] = []
        self._numeric = itertools.count(900_001)
        self._bodies = itertools.count(1)

    # Cal.com ------------------------------------------------------------------------------------------------

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

    def reschedule(self, old: str, new: str, *, start: float, status: str = "accepted", minutes: int = 30) -> None:
        """A new uid; the old row is cancelled in the same transaction (facts/calcom.md §3)."""
        self.booking(new, status=status, start=start, minutes=minutes, rescheduledFromUid=old)
        self.change(old, status="cancelled", rescheduledToUid=new)

    def webhook(self, trigger: str, uid: str, **claims: Any) -> WebhookHeard:
        """The body Cal.com would send now; heard when a test says so."""
        held = self.bookings[uid]
        status = {"BOOKING_CANCELLED": "cancelled", "BOOKING_REQUESTED": "pending", "BOOKING_REJECTED": "rejected"}
        body = f"{trigger}{uid}{next(self._bodies)}".encode()
        told = Told(
            created_at=at(self.now),
            sequence=0,
            body=sha256(body).hexdigest()[:16],
            arrived=at(self.now),
            trigger=trigger,
            status=claims.get("status", status.get(trigger, "accepted")),
            start=claims.get("start", _ms(held["start"])),
            end=claims.get("end", _ms(held["end"])),
            event_type=str(held["eventTypeId"]),
            numeric_id=str(held["id"]),
            predecessor=held.get("rescheduledFromUid") if trigger != "BOOKING_CREATED" else None,
        )
        return WebhookHeard(TENANT, uid, told)

    def heard(self, webhook: WebhookHeard) -> None:
        """A webhook arrives now."""
        told = msgspec.structs.replace(webhook.told, arrived=at(self.now))
        self.engine.observe((msgspec.structs.replace(webhook, told=told),))

    def hears(self, trigger: str, uid: str, **claims: Any) -> None:
        self.heard(self.webhook(trigger, uid, **claims))

    def polled(self, uid: str) -> None:
        """A page of the poll shows the booking now."""
        self.engine.observe((self._read(uid, at(self.now), at(self.now)),))

    # The database -------------------------------------------------------------------------------------------

    def appointment(self, row: str, **columns: Any) -> RowChanged:
        """The application writes an appointment; the change event is heard when a test says so."""
        held = self.rows.get(("appointments", row)) or {
            "company_id": int(TENANT),
            "status": "confirmed",
            "source": "web",
            "call_id": None,
            "starts_at": clock(HOUR),
            "ends_at": clock(HOUR + 1800),
            "created_at": clock(self.now),
        }
        start = columns.pop("start", None)
        minutes = columns.pop("minutes", 30)
        if start is not None:
            columns |= {"starts_at": clock(start), "ends_at": clock(start + minutes * 60)}
        if "booking" in columns:
            columns["calcom_v2_booking_id"] = columns.pop("booking")
        self.rows[("appointments", row)] = held | columns | {"id": int(row), "table": "appointments"}
        return self._version("appointment", row, appointment_row(self.rows[("appointments", row)]))

    def call(self, row: str, **columns: Any) -> RowChanged:
        held = self.rows.get(("calls", row)) or {
            "company_id": int(TENANT),
            "direction": "inbound",
            "session_outcome": None,
            "appointment_made": False,
            "booking_id": None,
            "created_at": clock(self.now),
        }
        self.rows[("calls", row)] = held | columns | {"id": int(row), "table": "calls"}
        return self._version("call", row, call_row(self.rows[("calls", row)]))

    def delete(self, row: str, *, table: str = "appointments") -> RowChanged:
        del self.rows[(table, row)]
        return self._version("appointment" if table == "appointments" else "call", row, None)

    def _version(self, kind: Any, row: str, columns: Any) -> RowChanged:
        tx = next(self.tx)
        version = RowVersion(
            commit_lsn=tx * 100, lsn=tx * 100, tx=tx, arrived=at(self.now), source_at=at(self.now), row=columns
        )
        return RowChanged(TENANT, kind, row, version)

    def captured(self, change: RowChanged) -> None:
        """Debezium's record of a change arrives now."""
        version = msgspec.structs.replace(change.version, arrived=at(self.now))
        self.engine.observe((msgspec.structs.replace(change, version=version),))

    def writes(self, row: str, **columns: Any) -> None:
        self.captured(self.appointment(row, **columns))

    def calls(self, row: str, **columns: Any) -> None:
        self.captured(self.call(row, **columns))

    def deletes(self, row: str, *, table: str = "appointments") -> None:
        self.captured(self.delete(row, table=table))

    # Time and answers ---------------------------------------------------------------------------------------

    def until(self, seconds: float, *, every: float = 0.2) -> "World":
        """Let time pass: ticks, and answers to what was asked."""
        while self.now < seconds - 1e-9:
            self.now = min(self.now + every, seconds)
            due = [pair for pair in self._answers if pair[0] <= self.now]
            self._answers = [pair for pair in self._answers if pair[0] > self.now]
            for _, observations in due:
                self.engine.observe(observations)
            self.tick()
        return self

    def tick(self) -> None:
        more = True
        while more:
            effects = self.engine.tick(at(self.now))
            more = effects.more
            self.engine.take_writes()
            self.findings += [(self.now, f) for f in effects.findings if isinstance(f, Finding)]
            self.engine.announced(effects.findings)
            self.verdicts += [(self.now, verdict) for verdict in effects.verdicts]
            for question in effects.questions:
                self.asked.append(question)
                self._answers.append((self.now + self.answer_after, self.answer(question)))

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
            result="found" if held else "missing",
            duration_ms=50,
            asked_at=question.asked_at,
            request_ids=(question.request_id,),
            booking=held,
        )
        stamp = at(self.now + self.answer_after)
        return decode_record(Topic.BOOKINGS, TENANT.encode(), msgspec.json.encode(record), stamp, NOWHERE)

    def _read(self, uid: str, begun: int, answered: int) -> BookingReadSeen:
        held = self.shown(uid)
        read = read_of(held, begun, answered, NOWHERE) if held else Read(begun, answered)
        return BookingReadSeen(TENANT, uid, read)

    def _rows_answer(self, question: RowsQuestion) -> tuple[Observation, ...]:
        record = RowsRead(
            request_id=question.request_id,
            question=question,
            read_at=clock(self.now),
            reason="verify",
            result="found",
            rows=tuple(self._found(question)),
            snapshot=f"{next(self.tx)}:{next(self.tx)}:",
        )
        stamp = at(self.now + self.answer_after)
        return decode_record(Topic.ROWS, TENANT.encode(), msgspec.json.encode(record), stamp, NOWHERE)

    def _found(self, question: RowsQuestion) -> Iterable[dict[str, Any]]:
        for (table, row), columns in self.rows.items():
            by_key = question.row_id == row and question.table == table
            by_ref = table == "appointments" and columns.get("calcom_v2_booking_id") in question.booking_refs
            call = columns.get("call_id")
            by_call = table == "appointments" and question.call_id is not None and str(call) == question.call_id
            if by_key or by_ref or by_call:
                yield columns

    # What was told ------------------------------------------------------------------------------------------

    def told(self) -> list[str]:
        """The story as lines: `12.4 opened orphaned_calcom uid`."""
        return [_line(finding) for _, finding in self.findings if finding.change != "updated"]

    def told_at(self, rule: str, change: str = "opened") -> float:
        return next(when for when, finding in self.findings if finding.rule == rule and finding.change == change)

    def finding(self, rule: str, change: str = "opened") -> Finding:
        return next(f for _, f in self.findings if f.rule == rule and f.change == change)


def _line(finding: Finding) -> str:
    end = f" ({finding.resolution})" if finding.resolution else ""
    return f"{finding.change} {finding.rule} {finding.subject.kind} {finding.subject.id}{end}"


def _ms(text: str) -> int:
    return int(parse_iso(text) or 0)
