"""How an appointment comes to be: mostly well, sometimes wrong in one of the ways that the rules are about."""

from collections.abc import Callable

from tests.simulation.stories import Appointment, Pauses
from tests.truth import clock


def booked(story: Appointment, status: str = "accepted") -> None:
    story.books(status)
    story.hears("BOOKING_CREATED" if status == "accepted" else "BOOKING_REQUESTED")


def kept(story: Appointment, **wrong: object) -> Pauses:
    """Booking, then row, then call, as the application does; the call first now and then."""
    booked(story)
    first = story.by_phone and story.pick() < 0.2
    if first:
        story.calls()
    yield story.soon()
    story.keeps(**wrong)
    if story.by_phone and not first:
        yield story.soon()
        story.calls()


def well(story: Appointment) -> Pauses:
    yield from kept(story)


def row_comes_late(story: Appointment) -> Pauses:
    booked(story)
    yield story.random.uniform(3, 40)
    story.keeps()


def row_comes_first(story: Appointment) -> Pauses:
    """The row is written without a reference, which follows once Cal.com has answered."""
    story.keeps(calcom_v2_booking_id=None)
    yield story.soon()
    booked(story)
    yield story.soon()
    story.writes(calcom_v2_booking_id=story.ref())


def never_written(story: Appointment) -> Pauses:
    booked(story)
    story.planted("orphaned_calcom", story.uid)
    yield from ()


def names_nothing(story: Appointment) -> Pauses:
    """The row names a booking that never was."""
    story.keeps(calcom_v2_booking_id=str(70_000 + story.cause.number) if story.numeric else f"x{story.uid}")
    story.planted("orphaned_local")
    if story.by_phone:
        yield story.soon()
        story.calls(booking_id=None)


def wrong_start(story: Appointment) -> Pauses:
    """Never so early that the row is of the past, which nobody watches."""
    apart = max(story.random.choice((3600, -7200, 61)), -story.start)
    yield from kept(story, start=story.start + apart)
    story.planted("start_time_drift")


def wrong_end(story: Appointment) -> Pauses:
    yield from kept(story, minutes=story.random.choice((15, 45)))
    story.planted("end_time_drift")


def wrong_status(story: Appointment) -> Pauses:
    yield from kept(story, status=story.random.choice(("cancelled", "pending")))
    story.planted("status_drift")


def without_its_call(story: Appointment) -> Pauses:
    yield from kept(story, source="retell_webhook", call_id=None)
    story.planted("missing_call_link")


def call_names_its_booking(story: Appointment) -> Pauses:
    """The row is not by phone as far as its source says, yet a call names its booking."""
    yield from kept(story, source="web", call_id=None)
    yield story.soon()
    story.calls()
    story.planted("missing_call_link")


def promise_broken(story: Appointment) -> Pauses:
    story.calls(booking_id=None)
    story.planted("missing_appointment", story.call)
    yield story.after_a_while()


def promise_kept_late(story: Appointment) -> Pauses:
    """The call's promise comes first; the row within its grace, or long after."""
    story.by_phone = True
    story.calls(booking_id=None)
    yield story.random.choice((1.0, 3.0, 20.0))
    booked(story)
    yield story.soon()
    story.keeps()


def phantom(story: Appointment) -> Pauses:
    story.calls(appointment_made=False, booking_id=None)
    story.planted("phantom_booking", story.call)
    yield from ()


def flag_without_outcome(story: Appointment) -> Pauses:
    story.by_phone = True
    yield from kept(story)
    yield story.soon()
    story.calls(session_outcome=story.random.choice(("information_only", "transferred")))
    story.planted("appointment_made_mismatch", story.call)


def no_direction(story: Appointment) -> Pauses:
    story.calls(direction=None, appointment_made=None, session_outcome=None, booking_id=None)
    story.planted("missing_direction", story.call)
    yield from ()


def to_be_confirmed(story: Appointment) -> Pauses:
    """Requested, kept as pending, then accepted or rejected by the host; the application follows mostly."""
    booked(story, "pending")
    yield story.soon()
    story.keeps(status="pending")
    yield story.after_a_while()
    accepted = story.pick() < 0.6
    story.life.changes(story.uid, status="accepted" if accepted else "rejected")
    story.hears("BOOKING_CREATED" if accepted else "BOOKING_REJECTED")
    if story.pick() < 0.7:
        yield story.soon()
        story.writes(status="confirmed" if accepted else "cancelled")


def to_be_paid(story: Appointment) -> Pauses:
    """Payment initiated: nothing to expect before it is paid; then PAID and CREATED come together."""
    story.books("pending", unpaid=True)
    story.hears("BOOKING_PAYMENT_INITIATED")
    yield story.after_a_while()
    if story.pick() < 0.6:
        story.life.changes(story.uid, status="accepted", unpaid=False)
        story.hears("BOOKING_PAID")
        story.hears("BOOKING_CREATED")
        yield story.soon()
        story.keeps()


def moved_at_once(story: Appointment) -> Pauses:
    """Rescheduled twice within seconds, before the application wrote anything."""
    booked(story)
    yield story.soon()
    story.moves_there()
    yield story.soon()
    if story.pick() < 0.5:
        story.moves_there()
        yield story.soon()
    if story.pick() < 0.7:
        story.keeps()


def sync_fails(story: Appointment) -> Pauses:
    """The application gives up on Cal.com by its own word, or by its attempts; later it gets through, or never."""
    story.keeps(calcom_v2_booking_id=None, calcom_sync_status="pending", sync_attempt_count=0)
    yield story.soon()
    failed = {"calcom_sync_status": "failed"} if story.pick() < 0.5 else {"sync_attempt_count": 3}
    story.writes(**failed)
    story.planted("sync_failed")
    if story.pick() < 0.5:
        yield story.after_a_while()
        booked(story)
        yield story.soon()
        story.writes(calcom_v2_booking_id=story.ref(), calcom_sync_status="synced")


def sync_hangs(story: Appointment) -> Pauses:
    """Pending for ever, touched again and again: bookkeeping does not put it off."""
    booked(story)
    yield story.soon()
    story.keeps(calcom_sync_status="pending")
    story.planted("stuck_pending")
    for count in range(2):
        yield 8.0
        story.writes(sync_attempt_count=count, last_sync_attempt_at=clock(count))


def never_booked(story: Appointment) -> Pauses:
    story.keeps(calcom_v2_booking_id=None)
    story.planted("never_synced")
    yield from ()


def call_says_it_failed(story: Appointment) -> Pauses:
    column = story.random.choice(("session_outcome", "appointment_link_status"))
    story.calls(**{"appointment_made": None, "booking_id": None, "session_outcome": None} | {column: "creation_failed"})
    story.planted("recent_failure", story.call)
    yield from ()


def at_another_tenant(story: Appointment) -> Pauses:
    """The row belongs to another tenant than the booking's account, from the start or since it was moved there."""
    story.numeric = story.by_phone = False
    booked(story)
    yield story.soon()
    if story.pick() < 0.5:
        story.keeps()
        yield story.after_a_while()
        story.writes(company_id=2)
    else:
        story.keeps(company_id=2)
    story.planted("tenant_mismatch", story.uid)


def at_no_tenant(story: Appointment) -> Pauses:
    """The row has no tenant; it gets one later, or never."""
    story.by_phone = False
    booked(story)
    yield story.soon()
    story.keeps(company_id=None)
    story.planted("missing_tenant")
    yield story.after_a_while()
    if story.pick() < 0.5:
        story.writes(company_id=1)


def booked_twice(story: Appointment) -> Pauses:
    """A race at Cal.com: two accepted bookings of one host for one start; the application knows one of them."""
    story.by_phone = False
    host = 1_000 + story.cause.number
    story.books(host=host)
    story.hears("BOOKING_CREATED")
    yield story.random.uniform(0.1, 1)
    first, story.uid = story.uid, f"{story.uid}twin"
    story.books(host=host)
    story.hears("BOOKING_CREATED")
    yield story.soon()
    story.uid = story.random.choice((first, story.uid))
    story.keeps()


def kept_twice(story: Appointment) -> Pauses:
    """Two rows where one was meant: for one booking, under one key, or of one customer and service at one time."""
    story.by_phone = False
    way = story.random.choice(
        ({}, {"idempotency_key": f"k{story.row}"}, {"customer_id": int(story.row), "service_id": 3})
    )
    booked(story)
    yield story.soon()
    story.keeps(**way)
    yield story.soon()
    first, story.row = story.row, str(int(story.row) + 1)
    story.keeps(**way | ({} if way == {} else {"calcom_v2_booking_id": None}))
    if story.pick() < 0.5:
        yield story.after_a_while()
        story.writes(status="cancelled")
        story.row = first


def calls_mixed_up(story: Appointment) -> Pauses:
    """The call names one booking, its appointment another."""
    story.by_phone = True
    yield from kept(story)
    yield story.soon()
    other, story.uid = story.uid, f"{story.uid}other"
    story.start += 86_400
    booked(story)
    yield story.soon()
    story.calls(booking_id=story.ref())
    story.planted("call_link_mismatch", story.call)
    story.uid = other
    story.start -= 86_400


def vanished(story: Appointment) -> Pauses:
    """Deleted at Cal.com without a trace."""
    yield from kept(story)
    yield story.after_a_while()
    story.life.vanishes(story.uid)
    story.planted("orphaned_local")


BIRTHS: dict[Callable[[Appointment], Pauses], int] = {
    well: 14, row_comes_late: 3, row_comes_first: 2, never_written: 1, names_nothing: 1, wrong_start: 1, wrong_end: 1,
    wrong_status: 1, without_its_call: 1, call_names_its_booking: 1, promise_broken: 1, promise_kept_late: 1,
    phantom: 1, flag_without_outcome: 1, no_direction: 1, to_be_confirmed: 2, to_be_paid: 1, moved_at_once: 2,
    sync_fails: 1, sync_hangs: 1, never_booked: 1, call_says_it_failed: 1, at_another_tenant: 1, at_no_tenant: 1,
    booked_twice: 1, kept_twice: 1, calls_mixed_up: 1, vanished: 1,
}  # fmt: skip
