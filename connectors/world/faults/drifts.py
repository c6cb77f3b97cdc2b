"""Ways in which an appointment and its booking part: start, end, status, and a reschedule that was missed."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from msgspec.structs import replace

from connectors.world.app.desk import Desk
from connectors.world.app.visit import Visit
from connectors.world.faults.way import Planted, Repair, Way, about
from connectors.world.instants import moment, now
from connectors.world.knobs import Fate
from connectors.world.ledger import Bound

LOST = Fate(webhook="lose")
ANNOUNCED_ONLY = Fate(webhook="sure", write="forget")


def _drift(visit: Visit, at: int, repair: Repair) -> Planted:
    return Planted(
        subject=about("appointment", visit.row), complete_at=at, repair=repair, booking_uid=visit.booked.uid,
        appointment_id=visit.row, call_id=visit.call,
    )  # fmt: skip


def _put_right(desk: Desk, visit: Visit, **columns: object) -> Repair:
    """The row brought to the booking, times and reference."""

    async def repair() -> int:
        return await desk.repoint(visit, **columns)

    return repair


async def _settled(desk: Desk, visit: Visit) -> Visit:
    await desk.pause(4, 7)
    return visit


# Start and end ------------------------------------------------------------------------------------------------


def _shift(desk: Desk) -> timedelta:
    """Forward only: an appointment that is over is nobody's."""
    return timedelta(minutes=desk.rng.choice((15, 30, 60, 120)))


async def row_moved_alone(desk: Desk) -> Planted:
    visit = await _settled(desk, await desk.visit())
    booked, shift = visit.booked, _shift(desk)
    at = await desk.change(visit, starts_at=moment(booked.start) + shift, ends_at=moment(booked.end) + shift)
    return _drift(visit, at, _put_right(desk, visit))


async def wrong_time_written(desk: Desk) -> Planted:
    """The hour of another time zone, from the first."""
    visit = await desk.book()
    hour = timedelta(hours=desk.rng.choice((1, 2)))
    booked = visit.booked
    visit = await desk.row(visit, starts_at=moment(booked.start) + hour, ends_at=moment(booked.end) + hour)
    return _drift(visit, now(), _put_right(desk, visit))


async def repointed_without_its_time(desk: Desk) -> Planted:
    """A reschedule of which only the new uid was taken over."""
    visit = await _settled(desk, await desk.visit())
    moved = await desk.reschedule(visit)
    at = await desk.change(moved, calcom_v2_booking_id=desk.ref(moved.booked))
    return _drift(moved, at, _put_right(desk, moved))


async def class_moved_in_place(desk: Desk) -> Planted:
    """A seated booking moved by its host keeps its uid; the row keeps its time."""
    visit = await _settled(desk, await desk.visit("seated", call=False))
    moved = await desk.reschedule(visit)
    return _drift(moved, moved.booked.changed_at, _put_right(desk, moved))


async def end_moved_alone(desk: Desk) -> Planted:
    visit = await _settled(desk, await desk.visit())
    at = await desk.change(visit, ends_at=moment(visit.booked.end) + _shift(desk))
    return _drift(visit, at, _put_right(desk, visit))


async def wrong_length_written(desk: Desk) -> Planted:
    visit = await desk.book()
    visit = await desk.row(visit, ends_at=moment(visit.booked.end) + timedelta(minutes=15))
    return _drift(visit, now(), _put_right(desk, visit))


async def longer_visit_not_noticed(desk: Desk) -> Planted:
    """Booked for an hour; the row has the event type's half hour."""
    visit = await desk.book(minutes=60)
    visit = await desk.row(visit, ends_at=moment(visit.booked.start) + timedelta(minutes=visit.kind.length))
    return _drift(visit, now(), _put_right(desk, visit))


# Status -------------------------------------------------------------------------------------------------------


def _status(desk: Desk, visit: Visit, at: int, word: str) -> Planted:
    """Mended by the word that the row should have had."""

    async def repair() -> int:
        return await desk.change(visit, status=word)

    return _drift(visit, at, repair)


def cancelled_in_calcom_only(fate: Fate | None) -> Callable[[Desk], Awaitable[Planted]]:
    async def story(desk: Desk) -> Planted:
        visit = await _settled(desk, await desk.visit())
        return _status(desk, visit, await desk.cancel(visit, fate), "cancelled")

    return story


async def cancelled_in_the_row_only(desk: Desk) -> Planted:
    visit = await _settled(desk, await desk.visit())
    return _status(desk, visit, await desk.change(visit, status="cancelled"), "confirmed")


async def declined_unnoticed(desk: Desk) -> Planted:
    visit = await _settled(desk, await desk.visit("confirmed"))
    declined = await desk.decline(visit)
    return _status(desk, declined, declined.booked.changed_at, "cancelled")


async def confirmed_unnoticed(desk: Desk) -> Planted:
    visit = await _settled(desk, await desk.visit("confirmed"))
    confirmed = await desk.confirm(visit)
    return _status(desk, confirmed, confirmed.booked.changed_at, "confirmed")


async def confirmed_too_early(desk: Desk) -> Planted:
    """The row says confirmed; the host has not answered yet."""
    visit = await _settled(desk, await desk.visit("confirmed"))
    return _status(desk, visit, await desk.change(visit, status="confirmed"), "pending")


async def moved_then_cancelled(desk: Desk) -> Planted:
    """The row names the old link of a chain whose newest is cancelled."""
    visit = await _settled(desk, await desk.visit())
    moved = await desk.reschedule(visit)
    return _status(desk, moved, await desk.cancel(moved, replace(desk.fate, early_seconds=0)), "cancelled")


async def announced_and_never_done(desk: Desk) -> Planted:
    """Cal.com announced the cancellation, answered 200, and kept the booking; the row believed it.

    Both sides agree by what they were told: only a settling read shows it.
    """
    visit = await _settled(desk, await desk.visit())
    await desk.cancel(visit, ANNOUNCED_ONLY)
    return _status(desk, visit, await desk.change(visit, status="cancelled"), "confirmed")


# Missed reschedules -------------------------------------------------------------------------------------------


def row_not_repointed(fate: Fate | None) -> Callable[[Desk], Awaitable[Planted]]:
    async def story(desk: Desk) -> Planted:
        visit = await _settled(desk, await desk.visit())
        moved = await desk.reschedule(visit, fate)
        return _drift(moved, moved.booked.changed_at, _put_right(desk, moved))

    return story


async def times_taken_over_alone(desk: Desk) -> Planted:
    """The row has the new times and the old uid."""
    visit = await _settled(desk, await desk.visit())
    moved = await desk.reschedule(visit)
    await desk.change(moved, starts_at=moment(moved.booked.start), ends_at=moment(moved.booked.end))
    return _drift(moved, moved.booked.changed_at, _put_right(desk, moved))


async def moved_twice(desk: Desk) -> Planted:
    """The row stayed with the first of three."""
    visit = await _settled(desk, await desk.visit())
    second = await desk.reschedule(visit)
    await desk.pause(0.3, 0.8)
    third = await desk.reschedule(second)
    return _drift(third, third.booked.changed_at, _put_right(desk, third))


async def overwritten_by_a_stale_retry(desk: Desk) -> Planted:
    """Re-pointed as it should be, then written again from an old copy."""
    visit = await _settled(desk, await desk.visit())
    moved = await desk.reschedule(visit)
    await desk.repoint(moved)
    await desk.pause(3, 5)
    at = await desk.repoint(visit)
    return _drift(moved, at, _put_right(desk, moved))


async def asked_move_confirmed(desk: Desk) -> Planted:
    """The customer asked to move, the host agreed later, the row stayed."""
    visit = await desk.visit("confirmed")
    visit = await desk.confirm(visit)
    await desk.change(visit, status="confirmed")
    await _settled(desk, visit)
    asked = await desk.reschedule(visit, host=False)
    await desk.pause(3, 5)
    agreed = await desk.confirm(asked)
    return _drift(agreed, agreed.booked.changed_at, _put_right(desk, agreed))


def _way(rule: str, story: Callable[[Desk], Awaitable[Planted]], name: str = "", bound: Bound | None = None) -> Way:
    return Way(rule=rule, name=name or story.__name__, story=story, bound=bound)


WAYS = (
    _way("start_time_drift", row_moved_alone),
    _way("start_time_drift", wrong_time_written),
    _way("start_time_drift", repointed_without_its_time),
    _way("start_time_drift", class_moved_in_place),
    _way("end_time_drift", end_moved_alone),
    _way("end_time_drift", wrong_length_written),
    _way("end_time_drift", longer_visit_not_noticed),
    _way("status_drift", cancelled_in_calcom_only(None), "cancelled_in_calcom_only"),
    _way("status_drift", cancelled_in_the_row_only),
    _way("status_drift", declined_unnoticed),
    _way("status_drift", confirmed_unnoticed),
    _way("status_drift", confirmed_too_early),
    _way("status_drift", moved_then_cancelled),
    _way("status_drift", cancelled_in_calcom_only(LOST), "cancelled_webhook_lost", "poll_bound"),
    _way("status_drift", announced_and_never_done, bound="settle_bound"),
    _way("missed_reschedule", row_not_repointed(None), "row_not_repointed"),
    _way("missed_reschedule", times_taken_over_alone),
    _way("missed_reschedule", moved_twice),
    _way("missed_reschedule", overwritten_by_a_stale_retry),
    _way("missed_reschedule", asked_move_confirmed),
    _way("missed_reschedule", row_not_repointed(LOST), "reschedule_webhook_lost", "poll_bound"),
)
