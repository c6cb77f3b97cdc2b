"""What each rule's finding carries: the ids, both sides and the difference that people act on (contracts.md).

One world a rule, as plain as can be; times are shown as seconds after the beginning.
"""

from collections.abc import Callable
from typing import Any

import pytest

from streams.model.ids import parse_iso
from streams.model.records import Finding, Side
from tests.words import HOUR, T0, World, pair


def seconds(text: str | None) -> float | None:
    at = parse_iso(text)
    return None if at is None else (at - T0) / 1000


def side(one: Side) -> dict[str, Any]:
    said = {"booking": one.booking, "start": seconds(one.start), "end": seconds(one.end), "status": one.status}
    return {name: value for name, value in said.items() if value is not None} | one.extra


def shown(finding: Finding) -> dict[str, Any]:
    """All but what is absent; differences as (field, local, Cal.com)."""
    said = {
        "subject": f"{finding.subject.kind} {finding.subject.id}",
        "severity": str(finding.severity),
        "booking_uid": finding.booking_uid,
        "appointment_id": finding.appointment_id,
        "call_id": finding.call_id,
        "local": side(finding.local),
        "calcom": side(finding.calcom),
        "differences": [(d.field, _value(d.local), _value(d.calcom)) for d in finding.differences],
        "starts_at": seconds(finding.starts_at),
        "event_type_id": finding.event_type_id,
        "opened_at": seconds(finding.opened_at),
        "read_what": finding.verification.read_what,
        "evidence": [item.what for item in finding.evidence],
    }
    return {name: value for name, value in said.items() if value not in (None, {}, [])}


def _value(text: str | None) -> float | str | None:
    return seconds(text) if text and text.endswith("Z") else text


def drifted() -> World:
    return pair(start=2 * HOUR)


def longer() -> World:
    return pair(minutes=60)


def cancelled_there() -> World:
    world = pair().until(5)
    world.change("4fQx", status="cancelled")
    world.hears("BOOKING_CANCELLED", "4fQx")
    return world


def lonely_booking() -> World:
    world = World()
    world.booking("4fQx")
    world.calls("5", booking_id="4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    return world


def lonely_row() -> World:
    world = World()
    world.writes("17", booking="gone1", call_id=5)
    return world


def left_behind() -> World:
    world = pair().until(5)
    world.writes("17", call_id=5)
    world.reschedule("4fQx", "5gRy", start=3 * HOUR)
    world.hears("BOOKING_RESCHEDULED", "5gRy")
    return world


def call(**columns: Any) -> World:
    world = World()
    world.calls("5", **columns)
    return world


def call_without_appointment() -> World:
    world = World()
    world.booking("4fQx", status="cancelled")
    world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id="4fQx")
    world.hears("BOOKING_CANCELLED", "4fQx")
    return world


def unlinked() -> World:
    world = pair()
    world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id="4fQx")
    return world


def crossed() -> World:
    world = pair()
    world.writes("17", call_id=6)
    world.calls("6")
    world.calls("5", appointment_made=True, session_outcome="appointment_booked", booking_id="4fQx")
    return world


def made_but_said_otherwise() -> World:
    world = pair()
    world.writes("17", call_id=5)
    world.calls("5", session_outcome="no_answer", appointment_made=True, booking_id="4fQx")
    return world


def row(**columns: Any) -> World:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.writes("17", **({"booking": "4fQx"} | columns))
    return world


def twins() -> World:
    world = pair()
    world.writes("18", booking="4fQx", call_id=6)
    world.calls("6")
    return world


def one_host_twice() -> World:
    world = World()
    for number, uid in ((17, "4fQx"), (18, "5gRy")):
        world.booking(uid, hosts=[{"id": 7}])
        world.hears("BOOKING_CREATED", uid)
        world.writes(str(number), booking=uid, customer_id=number)
    return world


def of_another_company() -> World:
    world = World()
    world.booking("4fQx")
    world.appointment("17", booking="4fQx", company_id=2)
    world.hears("BOOKING_CREATED", "4fQx")
    return world


PLAIN: dict[str, tuple[Callable[[], World], float]] = {
    "start_time_drift": (drifted, 20),
    "end_time_drift": (longer, 20),
    "status_drift": (cancelled_there, 30),
    "orphaned_calcom": (lonely_booking, 20),
    "orphaned_local": (lonely_row, 20),
    "missed_reschedule": (left_behind, 30),
    "phantom_booking": (lambda: call(session_outcome="appointment_booked", appointment_made=False), 20),
    "appointment_made_mismatch": (made_but_said_otherwise, 20),
    "missing_appointment": (call_without_appointment, 30),
    "missing_direction": (lambda: call(direction=None), 20),
    "missing_call_link": (unlinked, 20),
    "call_link_mismatch": (crossed, 30),
    "recent_failure": (lambda: call(session_outcome="creation_failed"), 5),
    "stuck_pending": (lambda: row(calcom_sync_status="pending"), 320),
    "sync_failed": (lambda: row(calcom_sync_status="failed"), 20),
    "never_synced": (lambda: row(booking=None, call_id=5), 960),
    "duplicate_appointment": (twins, 20),
    "duplicate_booking": (one_host_twice, 30),
    "tenant_mismatch": (of_another_company, 20),
}


SAID: dict[str, dict[str, Any]] = {
    "start_time_drift": {
        "subject": "appointment 17",
        "severity": "critical",
        "booking_uid": "4fQx",
        "appointment_id": "17",
        "local": {"booking": "4fQx", "start": 7200.0, "end": 9000.0, "status": "confirmed"},
        "calcom": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "accepted"},
        "differences": [("start", 7200.0, 3600.0)],
        "starts_at": 7200.0,
        "event_type_id": "7",
        "opened_at": 0.0,
        "read_what": "Cal.com 200, database 1 row for 4fQx",
        "evidence": ["BOOKING_CREATED 4fQx", "4fQx: accepted", "row 17"],
    },
    "end_time_drift": {
        "subject": "appointment 17",
        "severity": "warning",
        "booking_uid": "4fQx",
        "appointment_id": "17",
        "local": {"booking": "4fQx", "start": 3600.0, "end": 7200.0, "status": "confirmed"},
        "calcom": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "accepted"},
        "differences": [("end", 7200.0, 5400.0)],
        "starts_at": 3600.0,
        "event_type_id": "7",
        "opened_at": 0.0,
        "read_what": "Cal.com 200, database 1 row for 4fQx",
        "evidence": ["BOOKING_CREATED 4fQx", "4fQx: accepted", "row 17"],
    },
    "status_drift": {
        "subject": "appointment 17",
        "severity": "critical",
        "booking_uid": "4fQx",
        "appointment_id": "17",
        "local": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "confirmed"},
        "calcom": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "cancelled"},
        "differences": [("status", "confirmed", "cancelled")],
        "starts_at": 3600.0,
        "event_type_id": "7",
        "opened_at": 5.0,
        "read_what": "Cal.com 200, database 1 row for 4fQx",
        "evidence": ["BOOKING_CANCELLED 4fQx", "4fQx: cancelled", "row 17"],
    },
    "orphaned_calcom": {
        "subject": "booking 4fQx",
        "severity": "critical",
        "booking_uid": "4fQx",
        "call_id": "5",
        "calcom": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "accepted"},
        "differences": [("appointment", None, "4fQx")],
        "starts_at": 3600.0,
        "event_type_id": "7",
        "opened_at": 0.0,
        "read_what": "Cal.com 200, database 0 rows for 4fQx",
        "evidence": ["BOOKING_CREATED 4fQx", "4fQx: accepted"],
    },
    "orphaned_local": {
        "subject": "appointment 17",
        "severity": "critical",
        "booking_uid": "gone1",
        "appointment_id": "17",
        "call_id": "5",
        "local": {"booking": "gone1", "start": 3600.0, "end": 5400.0, "status": "confirmed"},
        "calcom": {"booking": "gone1", "status": "missing"},
        "differences": [("booking", "gone1", None)],
        "starts_at": 3600.0,
        "opened_at": 0.0,
        "read_what": "Cal.com 404, database 1 row for gone1",
        "evidence": ["gone1: 404", "row 17"],
    },
    "missed_reschedule": {
        "subject": "appointment 17",
        "severity": "critical",
        "booking_uid": "5gRy",
        "appointment_id": "17",
        "call_id": "5",
        "local": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "confirmed"},
        "calcom": {"booking": "5gRy", "start": 10800.0, "end": 12600.0, "status": "accepted"},
        "differences": [("booking", "4fQx", "5gRy")],
        "starts_at": 10800.0,
        "event_type_id": "7",
        "opened_at": 5.0,
        "read_what": "Cal.com 200, database 1 row for 5gRy",
        "evidence": ["BOOKING_CREATED 4fQx", "4fQx: accepted", "BOOKING_RESCHEDULED 5gRy", "5gRy: accepted", "row 17"],
    },
    "phantom_booking": {
        "subject": "call 5",
        "severity": "critical",
        "call_id": "5",
        "local": {"session_outcome": "appointment_booked", "appointment_made": "false"},
        "differences": [("session_outcome", "appointment_booked", None), ("appointment_made", "false", None)],
        "opened_at": 0.0,
        "read_what": "database 1 row for 5",
        "evidence": ["row 5"],
    },
    "appointment_made_mismatch": {
        "subject": "call 5",
        "severity": "warning",
        "booking_uid": "4fQx",
        "appointment_id": "17",
        "call_id": "5",
        "local": {"booking": "4fQx", "appointment_made": "true", "session_outcome": "no_answer"},
        "differences": [("appointment_made", "true", None), ("session_outcome", "no_answer", None)],
        "starts_at": 3600.0,
        "opened_at": 0.0,
        "read_what": "database 1 row for 4fQx",
        "evidence": ["row 5"],
    },
    "missing_appointment": {
        "subject": "call 5",
        "severity": "critical",
        "booking_uid": "4fQx",
        "call_id": "5",
        "local": {"booking": "4fQx", "appointment_made": "true"},
        "calcom": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "cancelled"},
        "differences": [("appointment", None, "4fQx")],
        "starts_at": 3600.0,
        "event_type_id": "7",
        "opened_at": 0.0,
        "read_what": "Cal.com 200, database 1 row for 4fQx",
        "evidence": ["BOOKING_CANCELLED 4fQx", "4fQx: cancelled", "row 5"],
    },
    "missing_direction": {
        "subject": "call 5",
        "severity": "warning",
        "call_id": "5",
        "local": {"direction": None},
        "differences": [("direction", None, None)],
        "opened_at": 0.0,
        "read_what": "database 1 row for 5",
        "evidence": ["row 5"],
    },
    "missing_call_link": {
        "subject": "appointment 17",
        "severity": "warning",
        "booking_uid": "4fQx",
        "appointment_id": "17",
        "call_id": "5",
        "local": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "confirmed"},
        "calcom": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "accepted"},
        "differences": [("call", None, None)],
        "starts_at": 3600.0,
        "opened_at": 0.0,
        "read_what": "database 2 rows for 4fQx",
        "evidence": ["row 17", "row 5"],
    },
    "call_link_mismatch": {
        "subject": "call 5",
        "severity": "warning",
        "booking_uid": "4fQx",
        "appointment_id": "17",
        "call_id": "5",
        "local": {"booking": "4fQx", "appointment_made": "true"},
        "calcom": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "accepted"},
        "differences": [("call", "6", None)],
        "starts_at": 3600.0,
        "opened_at": 0.0,
        "read_what": "database 2 rows for 4fQx",
        "evidence": ["row 17", "row 5"],
    },
    "recent_failure": {
        "subject": "call 5",
        "severity": "warning",
        "call_id": "5",
        "local": {"session_outcome": "creation_failed"},
        "differences": [("session_outcome", "creation_failed", None)],
        "opened_at": 0.0,
        "read_what": "database 1 row for 5",
        "evidence": ["row 5"],
    },
    "stuck_pending": {
        "subject": "appointment 17",
        "severity": "warning",
        "booking_uid": "4fQx",
        "appointment_id": "17",
        "local": {
            "booking": "4fQx",
            "start": 3600.0,
            "end": 5400.0,
            "status": "confirmed",
            "calcom_sync_status": "pending",
            "sync_attempt_count": None,
        },
        "differences": [("calcom_sync_status", "pending", None)],
        "starts_at": 3600.0,
        "opened_at": 0.0,
        "read_what": "database 1 row for 4fQx",
        "evidence": ["row 17"],
    },
    "sync_failed": {
        "subject": "appointment 17",
        "severity": "warning",
        "booking_uid": "4fQx",
        "appointment_id": "17",
        "local": {
            "booking": "4fQx",
            "start": 3600.0,
            "end": 5400.0,
            "status": "confirmed",
            "calcom_sync_status": "failed",
            "sync_attempt_count": None,
        },
        "differences": [("calcom_sync_status", "failed", None)],
        "starts_at": 3600.0,
        "opened_at": 0.0,
        "read_what": "database 1 row for 4fQx",
        "evidence": ["row 17"],
    },
    "never_synced": {
        "subject": "appointment 17",
        "severity": "critical",
        "appointment_id": "17",
        "call_id": "5",
        "local": {"start": 3600.0, "end": 5400.0, "status": "confirmed"},
        "differences": [("booking", None, None)],
        "starts_at": 3600.0,
        "opened_at": 0.0,
        "read_what": "database 1 row for 17",
        "evidence": ["row 17"],
    },
    "duplicate_appointment": {
        "subject": "appointment 18",
        "severity": "critical",
        "booking_uid": "4fQx",
        "appointment_id": "18",
        "call_id": "6",
        "local": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "confirmed"},
        "calcom": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "accepted"},
        "differences": [("appointment", "17, 18", "4fQx")],
        "starts_at": 3600.0,
        "opened_at": 0.0,
        "read_what": "database 2 rows for 4fQx",
        "evidence": ["row 18", "row 17"],
    },
    "duplicate_booking": {
        "subject": "booking 5gRy",
        "severity": "critical",
        "booking_uid": "5gRy",
        "calcom": {"booking": "5gRy", "start": 3600.0, "end": 5400.0, "status": "accepted"},
        "differences": [("booking", None, "4fQx")],
        "starts_at": 3600.0,
        "event_type_id": "7",
        "opened_at": 0.0,
        "read_what": "Cal.com 200, database 0 rows for 5gRy",
        "evidence": [
            "the same host and start as 4fQx",
            "BOOKING_CREATED 4fQx",
            "4fQx: accepted",
            "BOOKING_CREATED 5gRy",
            "5gRy: accepted",
        ],
    },
    "tenant_mismatch": {
        "subject": "booking 4fQx",
        "severity": "critical",
        "booking_uid": "4fQx",
        "calcom": {"booking": "4fQx", "start": 3600.0, "end": 5400.0, "status": "accepted"},
        "differences": [("tenant", None, "1")],
        "starts_at": 3600.0,
        "event_type_id": "7",
        "opened_at": 0.0,
        "read_what": "Cal.com 200, database 0 rows for 4fQx",
        "evidence": ["held by appointment 17 of tenant 2", "BOOKING_CREATED 4fQx", "4fQx: accepted"],
    },
}


@pytest.mark.parametrize("rule", PLAIN)
def test_each_rule_says(rule: str) -> None:
    make, until = PLAIN[rule]
    assert shown(make().until(until).finding(rule)) == SAID[rule]


@pytest.mark.parametrize("rule", PLAIN)
def test_each_rule_speaks_alone(rule: str) -> None:
    """One cause, one alert."""
    make, until = PLAIN[rule]
    others = {"orphaned_calcom"} if rule == "never_synced" else set()  # the booking beside it is no part of the cause
    assert {finding.rule for _, finding in make().until(until).findings} - others == {rule}


@pytest.mark.parametrize("rule", PLAIN)
def test_a_restart_changes_nothing_of_it(rule: str) -> None:
    make, until = PLAIN[rule]
    world = make().until(until)
    world.restarts()
    assert len([f for _, f in world.until(until + 20).findings if f.rule == rule and f.change == "opened"]) == 1
