"""Findings as records, whole: the fields, how it was proved, and where each fact can be looked up again."""

import msgspec
import pytest

from streams.cases.case import Case, Phase
from streams.cases.evidence import EVIDENCE_MAX, opened, resolved
from streams.cases.step import Context
from streams.facts.cause import Cause
from streams.facts.index import FactIndex, Key
from streams.facts.picture import build_cause
from streams.model.facts import (
    AppointmentRow,
    BookingFacts,
    CallRow,
    Read,
    RowFacts,
    RowRead,
    RowVersion,
    Snapshot,
    Told,
)
from streams.model.judgement import Judgement
from streams.model.records import Difference, Evidence, Finding, Side, Subject, Verification
from streams.model.rule import Resolution, Rule, Severity, SubjectKind
from streams.rules.violation import Violation
from streams.topics import Topic
from tests.words import T0, clock

SECOND = 1_000
NOW = T0 + 60 * SECOND
SEEN = Snapshot(1, 1)
TOLD = Told(T0, 0, "b", T0 + 100, "BOOKING_CREATED", "accepted", 1, 2, event_type="7", partition=3, offset=41)
READ = Read(T0, T0 + 50 * SECOND, "accepted", 1, 2, event_type="7", partition=4, offset=42)
VERSION = RowVersion(1, 1, 1, T0, T0 + 5 * SECOND, AppointmentRow(booking="4fQxyzab"), partition=5, offset=43)


def cause() -> Cause:
    """A chain of two bookings, its row known by the feed and one by a read alone, and a call."""
    index = FactIndex()
    gone = Read(T0, T0 + 40 * SECOND, partition=4, offset=40)
    index.put_booking(Key("b", "1", "first"), BookingFacts(reads=(gone,)))
    read = msgspec.structs.replace(READ, predecessor="first")
    index.put_booking(Key("b", "1", "4fQxyzab"), BookingFacts(told=(TOLD,), reads=(read,)))
    index.put_row(Key("a", "1", "17"), RowFacts(versions=(VERSION,)))
    by_read = RowRead(SEEN, T0 + 50 * SECOND, T0 + 55 * SECOND, AppointmentRow(booking="4fQxyzab", call="5"))
    index.put_row(Key("a", "1", "18"), RowFacts(reads=(by_read,)))
    call = RowVersion(1, 1, 1, T0, T0 + 6 * SECOND, CallRow(), partition=6, offset=44)
    index.put_row(Key("c", "1", "5"), RowFacts(versions=(call,)))
    return build_cause(index, index.cause(Key("b", "1", "4fQxyzab")))


def case(rule: Rule = Rule.DUPLICATE_APPOINTMENT) -> Case:
    known = Case(tenant="1", rule=rule, kind=SubjectKind.APPOINTMENT, subject="18", phase=Phase.CONFIRMED)
    known.episode, known.suspected_at, known.detected_at = 3, NOW - 59_960, NOW - 1 * SECOND
    return known


def violation(of: Cause, **fields: object) -> Violation:
    said: dict[str, object] = {
        "rule": Rule.DUPLICATE_APPOINTMENT,
        "kind": SubjectKind.APPOINTMENT,
        "subject": "18",
        "two_sided": True,
        "newest": T0,
        "since": T0 + 2 * SECOND,
        "needs": (),
        "links": tuple(of.chains[0].links),
        "appointments": tuple(of.appointments),
        "calls": tuple(of.calls),
        "booking_uid": "4fQxyzab",
        "appointment_id": "18",
        "call_id": "5",
        "local": Side(booking="4fQxyzab"),
        "calcom": Side(status="accepted"),
        "differences": (Difference(field="row", local="18", calcom=None),),
        "starts_at": T0 + 3_600 * SECOND,
        "extra": (Evidence(source="database", what="beside"),),
    }
    return Violation(**(said | fields))  # type: ignore[arg-type]  # by name


def context(of: Cause, usual_ms: int | None = 9_955) -> Context:
    return Context(FactIndex(), [], of, Judgement(generation=2), NOW, 2_000, lambda tenant, need: None, usual_ms)


def finding(known: Case | None = None, **fields: object) -> Finding:
    of = cause()
    return opened(known or case(), violation(of, **fields), context(of))


def said(source: str, topic: Topic, partition: int, offset: int, seconds: float, what: str) -> Evidence:
    return Evidence(source=source, topic=topic, partition=partition, offset=offset, at=clock(seconds), what=what)


EVIDENCE = (
    Evidence(source="database", what="beside"),
    said("calcom_api", Topic.BOOKINGS, 4, 40, 40, "first: 404"),
    said("webhook", Topic.WEBHOOKS, 3, 41, 0.1, "BOOKING_CREATED 4fQxyzab"),
    said("calcom_api", Topic.BOOKINGS, 4, 42, 50, "4fQxyzab: accepted"),
    said("database", Topic.APPOINTMENTS, 5, 43, 5, "row 17"),
    Evidence(source="database", topic=Topic.ROWS, at=clock(55), what="row 18"),
    said("database", Topic.CALLS, 6, 44, 6, "row 5"),
)


def test_a_finding_carries_everything_that_its_violation_says() -> None:
    assert finding() == Finding(
        change="opened",
        alert_id=case().id,
        rule=Rule.DUPLICATE_APPOINTMENT,
        tenant="1",
        subject=Subject(kind=SubjectKind.APPOINTMENT, id="18"),
        episode=3,
        severity=Severity.CRITICAL,
        at=clock(60),
        opened_at=clock(2),
        detected_at=clock(59),
        booking_uid="4fQxyzab",
        appointment_id="18",
        call_id="5",
        local=Side(booking="4fQxyzab"),
        calcom=Side(status="accepted"),
        differences=(Difference(field="row", local="18", calcom=None),),
        verification=Verification(
            state="verified",
            read_at=clock(55),
            attempts=1,
            waited_seconds=60.0,
            read_what="Cal.com 200, database 3 rows for 4fQxyzab",
            usual_seconds=10.0,
        ),
        evidence=EVIDENCE,
        starts_at=clock(3_600),
        event_type_id="7",
        generation=2,
    )


def test_its_update_is_the_same_record_under_the_other_word() -> None:
    of = cause()
    updated = opened(case(), violation(of), context(of), change="updated")
    assert updated == msgspec.structs.replace(finding(), change="updated")


def test_its_end_is_the_record_that_opened_it_and_why_it_ended() -> None:
    ended = resolved(finding(), Resolution.SUPERSEDED, NOW + 5 * SECOND, superseded_by="higher")
    assert ended == msgspec.structs.replace(
        finding(), change="resolved", at=clock(65), resolution=Resolution.SUPERSEDED, superseded_by="higher"
    )
    assert resolved(finding(), Resolution.LATE, NOW).superseded_by is None


def test_what_could_not_be_checked_names_no_read() -> None:
    assert finding(case(Rule.VERIFICATION_FAILED), two_sided=False).verification == Verification(
        state="unverified",
        read_at=None,
        attempts=3,
        waited_seconds=60.0,
        read_what="database 3 rows for 4fQxyzab",
        usual_seconds=10.0,
    )


def test_without_a_usual_delay_none_is_told() -> None:
    of = cause()
    assert opened(case(), violation(of), context(of, None)).verification.usual_seconds is None


@pytest.mark.parametrize(
    ("fields", "read_at", "read_what"),
    [
        ({"appointments": ()}, 50, "Cal.com 200, database 1 row for 4fQxyzab"),
        ({"appointments": (), "calls": ()}, 50, "Cal.com 200, database 0 rows for 4fQxyzab"),
        ({"links": (), "appointments": (), "booking_uid": None}, 60, "database 1 row for 18"),
        ({"booking_uid": "4fQxyzabc"}, 55, "Cal.com 200, database 3 rows for 4fQ…"),
        ({"two_sided": False, "appointments": (), "calls": ()}, 50, "database 0 rows for 4fQxyzab"),
    ],
)
def test_people_read_what_was_read_and_when(fields: dict[str, object], read_at: float, read_what: str) -> None:
    verification = finding(**fields).verification
    assert (verification.read_at, verification.read_what) == (clock(read_at), read_what)


def test_a_booking_that_was_not_found_is_a_404_and_of_no_event_type() -> None:
    index = FactIndex()
    index.put_booking(Key("b", "1", "gone1"), BookingFacts(reads=(Read(T0, T0 + 40 * SECOND),)))
    links = tuple(build_cause(index, [Key("b", "1", "gone1")]).chains[0].links)
    said = finding(links=links, booking_uid="gone1")
    assert said.verification.read_what == "Cal.com 404, database 3 rows for gone1"
    assert said.event_type_id is None
    assert finding(links=()).event_type_id is None
    assert finding(links=tuple(cause().chains[0].links[1:])).event_type_id == "7"


def test_more_records_than_the_bound_leave_out_the_oldest_but_never_what_stands_beside() -> None:
    of = cause()
    rows = tuple(of.appointments[:1] * (EVIDENCE_MAX + 3))
    assert finding(appointments=rows, calls=()).evidence == (EVIDENCE[0], *[EVIDENCE[4]] * EVIDENCE_MAX)
    newest = msgspec.structs.replace(of.appointments[0], id="19")
    many = finding(appointments=(*rows, newest), calls=()).evidence
    assert [item.what for item in many] == ["beside", *["row 17"] * (EVIDENCE_MAX - 1), "row 19"]
