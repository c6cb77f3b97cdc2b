"""One world for each rule, as plain as can be: how the fault comes about, and by when it is told."""

from collections.abc import Callable
from typing import Any

from tests.words import HOUR, World, pair


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
