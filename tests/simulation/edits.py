"""What people and programs do to an appointment later, on both sides, followed by the other side or not."""

from collections.abc import Callable

from tests.simulation.stories import Appointment, Pauses
from tests.truth import HOUR, clock


def _can_move(story: Appointment) -> bool:
    booking = story.life.calcom.bookings.get(story.uid)
    return booking is not None and booking.status == "accepted"


def moved_there(story: Appointment) -> Pauses:
    """A reschedule; the application follows at once, late or never."""
    if not _can_move(story):
        return
    story.moves_there("pending" if story.pick() < 0.15 else "accepted")
    pause = story.random.choice((story.soon(), story.soon(), story.soon(), 12.0, None))
    if pause is None or story.held is None:
        return
    yield pause
    if story.held is not None:
        story.keeps()


def half_followed(story: Appointment) -> Pauses:
    """The application takes the new uid and forgets the new time, or the other way round."""
    if not _can_move(story):
        return
    story.moves_there()
    yield story.soon()
    if story.held is None:
        return
    if story.pick() < 0.5:
        story.writes(calcom_v2_booking_id=story.ref())
    else:
        story.writes(starts_at=clock(story.start), ends_at=clock(story.start + 1800))


def moved_in_place(story: Appointment) -> Pauses:
    """The owner of a seated booking moves it: same uid, with a webhook or none (facts/calcom.md §1.7)."""
    if not _can_move(story):
        return
    story.start += HOUR
    story.life.changes(story.uid, start=story.start, end=story.start + 1800)
    if story.pick() < 0.5:
        story.hears("BOOKING_RESCHEDULED")
    if story.pick() < 0.6 and story.held is not None:
        yield story.soon()
        if story.held is not None:
            story.writes(starts_at=clock(story.start), ends_at=clock(story.start + 1800))


def cancelled_there(story: Appointment) -> Pauses:
    if not _can_move(story):
        return
    yield from story.cancels_there()
    if story.pick() < 0.6:
        yield story.soon()
        if story.held is not None:
            story.writes(status="cancelled")


def cancelled_in_silence(story: Appointment) -> Pauses:
    """One of a series: no webhook tells of it (facts/calcom.md §1.7)."""
    if not _can_move(story):
        return
    story.life.changes(story.uid, status="cancelled")
    if story.pick() < 0.5:
        yield story.after_a_while()
        if story.held is not None:
            story.writes(status="cancelled")


def announced_and_not_done(story: Appointment) -> Pauses:
    if _can_move(story):
        story.hears("BOOKING_CANCELLED")
    yield from ()


def cancelled_here(story: Appointment) -> Pauses:
    """A person cancels in the application; Cal.com is told, or not."""
    if story.held is None:
        return
    story.writes(status="cancelled")
    if story.pick() < 0.6 and _can_move(story):
        yield story.soon()
        if _can_move(story):
            yield from story.cancels_there()


def moved_here(story: Appointment) -> Pauses:
    """A person moves the row; put back after a while, or never."""
    held = story.held
    if held is None:
        return
    was = {"starts_at": held["starts_at"], "ends_at": held["ends_at"]}
    story.writes(starts_at=clock(story.start + 2 * HOUR), ends_at=clock(story.start + 2 * HOUR + 1800))
    if story.pick() < 0.5:
        yield story.after_a_while()
        if story.held is not None:
            story.writes(**was)


def deleted(story: Appointment) -> Pauses:
    """The row goes; it comes back, or another one in its place, or nothing."""
    held = story.held
    if held is None:
        return
    columns = {name: value for name, value in held.items() if name != "id"}
    story.life.deletes(story.cause, "appointments", story.row)
    again = story.pick()
    if again < 0.6:
        yield story.after_a_while()
        if again < 0.3:
            story.row = str(int(story.row) + 1)
        story.writes(**columns)


def repointed(story: Appointment) -> Pauses:
    """The row names another booking: an older link, nothing, or a stranger; mostly it is put right again."""
    held = story.held
    if held is None:
        return
    was = held["calcom_v2_booking_id"]
    others = [story.ref(uid) for uid in story.cause.uids if story.ref(uid) != was]
    story.writes(calcom_v2_booking_id=story.random.choice([*others, None, f"y{story.cause.number}"]))
    if story.pick() < 0.7:
        yield story.after_a_while()
        if story.held is not None:
            story.writes(calcom_v2_booking_id=was)


def touched(story: Appointment) -> Pauses:
    """Bookkeeping every few seconds: it must not put off anything for ever."""
    every = story.random.uniform(0.5, 3)
    for count in range(12):
        if story.held is None:
            return
        story.writes(sync_attempt_count=count % 2, calcom_sync_status="synced", last_sync_attempt_at=clock(count))
        yield every


def call_corrected(story: Appointment) -> Pauses:
    if story.life.database.rows.get(("calls", story.call)) is not None:
        story.calls()
    yield from ()


def call_unlinked(story: Appointment) -> Pauses:
    """The row forgets its call, and may remember it."""
    held = story.held
    if held is None or held["call_id"] is None:
        return
    story.writes(call_id=None)
    if story.pick() < 0.6:
        yield story.after_a_while()
        if story.held is not None:
            story.writes(call_id=int(story.call))


def back_and_forth(story: Appointment) -> Pauses:
    """Three reschedules within seconds; the application follows the last one."""
    for _ in range(3):
        if not _can_move(story):
            return
        story.moves_there()
        yield story.random.uniform(0.2, 5)
    if story.held is not None:
        story.keeps()


EDITS: dict[Callable[[Appointment], Pauses], int] = {
    moved_there: 6, half_followed: 1, moved_in_place: 2, cancelled_there: 4, cancelled_in_silence: 1,
    announced_and_not_done: 2, cancelled_here: 3, moved_here: 2, deleted: 2, repointed: 2, touched: 2,
    call_corrected: 1, call_unlinked: 1, back_and_forth: 1,
}  # fmt: skip
