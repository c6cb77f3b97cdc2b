"""The words of the specifications: a small world in virtual time around the pure engine.

Instants are seconds after `T0`. The world holds what is true in both systems; records of it reach the engine when a
test says so (`heard`, `posts`, `captured`), and questions are answered from the truth after `answer_after` seconds.
"""

import itertools
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

from streams.decode import decode_record
from streams.decode.columns import appointment_row, call_row
from streams.engine import Partition
from streams.model.facts import RowVersion, Told
from streams.model.ids import parse_iso
from streams.model.judgement import Judgement
from streams.model.observation import Observation, PassSeen, RowChanged, SourceSeen, WebhookHeard
from streams.model.records import (
    AnyQuestion,
    Finding,
    FindingRecord,
    Restatement,
    Verdict,
)
from streams.model.source_records import SourceState, SourceWord, TenantStanding
from streams.topics import Topic
from tests.truth import HOUR, NOWHERE, T0, TENANT, Truth, at, clock

__all__ = ["HOUR", "T0", "TENANT", "World", "at", "clock", "pair"]


class World(Truth):
    """Both systems as they are, and the engine that watches them."""

    def __init__(self, *, answer_after: float = 0.2, judgement: Judgement | None = None) -> None:
        super().__init__(answer_after)
        self.judgement = judgement or Judgement()
        self.engine = Partition(self.judgement)
        #: The changelog: what the worker has kept.
        self.kept: dict[bytes, bytes | None] = {}
        #: Whether the broker acknowledges findings.
        self.acknowledges = True
        self.asked: list[AnyQuestion] = []
        self.asked_at: list[float] = []
        self.findings: list[tuple[float, Finding]] = []
        #: Findings told once more, word for word, and the lists of those that stand.
        self.said_again: list[tuple[float, Finding]] = []
        self.restated: list[tuple[float, Restatement]] = []
        self.verdicts: list[tuple[float, Verdict]] = []
        self.standings: list[tuple[float, TenantStanding]] = []
        self.notes: list[str] = []
        self._answers: list[tuple[float, tuple[Observation, ...]]] = []
        self._bodies = itertools.count(1)

    # Cal.com ------------------------------------------------------------------------------------------------

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

    def posts(self, trigger: str, uid: str, **fields: Any) -> None:
        """A webhook's body arrives, through the real decoder; `fields` are its payload's, None leaves one out."""
        held = self.bookings[uid]
        claimed = {"BOOKING_CANCELLED": "CANCELLED", "BOOKING_REQUESTED": "PENDING", "BOOKING_REJECTED": "REJECTED"}
        payload = {
            "uid": uid,
            "bookingId": held["id"],
            "status": claimed.get(trigger, "ACCEPTED"),
            "startTime": held["start"],
            "endTime": held["end"],
            "eventTypeId": held["eventTypeId"],
            "title": f"body {next(self._bodies)}",
        } | fields
        sent = {"triggerEvent": trigger, "createdAt": clock(self.now)}
        sent |= {"payload": {name: value for name, value in payload.items() if value is not None}}
        body = msgspec.json.encode(sent)
        self.engine.observe(decode_record(Topic.WEBHOOKS, TENANT.encode(), body, at(self.now), NOWHERE))

    def polled(self, uid: str) -> None:
        """A page of the poll shows the booking now."""
        self.engine.observe((self.page(uid, at(self.now), at(self.now)),))

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

    # The sources --------------------------------------------------------------------------------------------

    def source(self, source: str, word: SourceWord, *, tenants: tuple[str, ...] = ("*",)) -> None:
        """The watcher of a source says how it fares."""
        now = clock(self.now)
        self.engine.observe((SourceSeen(SourceState(source=source, state=word, since=now, at=now, tenants=tenants)),))

    def passes(self, side: str, *, seconds: float = 1.0, full: bool = False) -> None:
        """A pass over one side, begun `seconds` ago, is complete; what it showed has been heard before."""
        day = 86_400
        bounds = at(self.now - 31 * day), at(self.now + 90 * day)
        self.engine.observe((PassSeen(side, TENANT, *bounds, at(self.now - seconds), full),))

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

    def restarts(self) -> None:
        """The worker dies and comes back with what it kept; what was asked before is answered all the same."""
        self.engine = Partition(self.judgement)
        for key, value in self.kept.items():
            if value is None:
                self.engine.forget(key)
            else:
                self.engine.load(key, value)

    def tick(self) -> None:
        more = True
        while more:
            effects = self.engine.tick(at(self.now))
            more = effects.more
            assert not effects.failures, effects.failures
            self.kept |= dict(self.engine.take_writes())
            if self.acknowledges:
                self._publish(effects.findings)
                self.engine.announced(effects.findings)
            for verdict in effects.verdicts:
                kept = self.standings if isinstance(verdict, TenantStanding) else self.verdicts
                kept.append((self.now, verdict))
            self.notes += effects.notes
            for question in effects.questions:
                self.asked.append(question)
                self.asked_at.append(self.now)
                self._answers.append((self.now + self.answer_after, self.answer(question)))

    def _publish(self, records: Iterable[FindingRecord]) -> None:
        told = {finding.alert_id: finding for _, finding in self.findings}
        for record in records:
            match record:
                case Finding() if told.get(record.alert_id) == record:
                    self.said_again.append((self.now, record))
                case Finding():
                    self.findings.append((self.now, record))
                case Restatement():
                    self.restated.append((self.now, record))

    # What was told ------------------------------------------------------------------------------------------

    def told(self) -> list[str]:
        """The story as lines: `12.4 opened orphaned_calcom uid`."""
        return [_line(finding) for _, finding in self.findings if finding.change != "updated"]

    def told_at(self, rule: str, change: str = "opened") -> float:
        return next(when for when, finding in self.findings if finding.rule == rule and finding.change == change)

    def finding(self, rule: str, change: str = "opened") -> Finding:
        return next(f for _, f in self.findings if f.rule == rule and f.change == change)


def pair(
    *,
    start: float = HOUR,
    minutes: int = 30,
    status: str = "confirmed",
    booked: str = "accepted",
    judgement: Judgement | None = None,
) -> World:
    """A booking at `HOUR` for 30 minutes and its row as given, both just made."""
    world = World(judgement=judgement)
    world.booking("4fQx", status=booked)
    world.hears("BOOKING_CREATED" if booked == "accepted" else "BOOKING_REQUESTED", "4fQx")
    world.writes("17", booking="4fQx", start=start, minutes=minutes, status=status)
    return world


def _line(finding: Finding) -> str:
    end = f" ({finding.resolution})" if finding.resolution else ""
    return f"{finding.change} {finding.rule} {finding.subject.kind} {finding.subject.id}{end}"


def _ms(text: str) -> int:
    return int(parse_iso(text) or 0)
