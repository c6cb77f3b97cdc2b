"""How each tenant stands is told every 10 s: through when it is compared, and how fast its sides usually meet."""

from streams.model.ids import parse_iso
from streams.model.judgement import Judgement
from streams.model.source_records import TenantStanding
from tests.words import HOUR, World


def synced(world: World, number: int, delay: float) -> None:
    """A booking is heard of now, its row `delay` seconds later."""
    uid, start = f"bk{number}x", HOUR * (number + 1)
    world.booking(uid, start=start)
    world.hears("BOOKING_CREATED", uid)
    world.until(world.now + delay)
    world.writes(str(number), booking=uid, start=start, customer_id=number)
    world.until(world.now + 1)


def test_it_says_through_when_everything_heard_is_judged() -> None:
    world = World()
    synced(world, 1, 0.4)
    world.until(25)
    when, standing = world.standings[-1]
    assert standing.tenant == "1"
    assert standing.compared_through == standing.at
    assert 15 <= when <= 25


def test_the_tenants_own_delay_is_measured_once_there_are_enough() -> None:
    world = World()
    for number in range(1, 31):
        synced(world, number, 0.8)
    world.until(world.now + 12)
    standing = world.standings[-1][1]
    assert standing.sync_samples == 30
    assert 700 <= (standing.sync_p50_ms or 0) <= 1000
    assert (standing.sync_p999_ms or 0) >= (standing.sync_p50_ms or 0)


def test_the_alert_says_what_is_usual() -> None:
    world = World()
    for number in range(1, 31):
        synced(world, number, 0.8)
    world.until(world.now + 12)
    world.booking("lonely", start=50 * HOUR)
    world.hears("BOOKING_CREATED", "lonely")
    world.until(world.now + 20)
    usual = world.finding("orphaned_calcom").verification.usual_seconds
    assert usual is not None
    assert 0.7 <= usual <= 1.0


def test_a_row_that_comes_a_day_late_is_no_sample() -> None:
    world = World()
    synced(world, 1, 100)
    world.until(world.now + 12)
    assert world.standings[-1][1].sync_samples == 0


def test_a_silent_source_is_named() -> None:
    world = World()
    synced(world, 1, 0.4)
    world.source("database", "stalled")
    world.until(world.now + 12)
    assert world.standings[-1][1].held_back_by == ("database",)


def test_what_is_open_and_held_is_counted() -> None:
    world = World()
    synced(world, 1, 0.4)
    world.booking("lonely", start=50 * HOUR)
    world.hears("BOOKING_CREATED", "lonely")
    world.until(90)
    standing = world.standings[-1][1]
    assert (standing.bookings, standing.appointments, standing.open) == (2, 1, 1)


# How bookings stand -----------------------------------------------------------------


def standing_after(world: World, seconds: float = 70) -> TenantStanding:
    """The word about the tenant once everything was counted anew."""
    world.until(world.now + seconds)
    return world.standings[-1][1]


def test_bookings_are_counted_by_how_they_stand() -> None:
    world = World()
    for number in range(1, 4):
        synced(world, number, 0.4)
    world.booking("lonely", start=50 * HOUR)
    world.hears("BOOKING_CREATED", "lonely")
    standing = standing_after(world, 90)
    assert (standing.in_sync, standing.differing, standing.unknown) == (3, 1, 0)


def test_a_suspicion_that_is_being_checked_is_unknown() -> None:
    world = World(answer_after=10_000)
    world.booking("lonely", start=50 * HOUR)
    world.hears("BOOKING_CREATED", "lonely")
    standing = standing_after(world, 90)
    assert (standing.in_sync, standing.differing, standing.unknown) == (0, 0, 1)


def test_a_reschedule_chain_is_one_booking() -> None:
    world = World()
    world.booking("first", start=50 * HOUR)
    world.hears("BOOKING_CREATED", "first")
    world.writes("17", booking="first", start=50 * HOUR)
    world.until(20).reschedule("first", "second", start=51 * HOUR)
    world.hears("BOOKING_RESCHEDULED", "second")
    world.writes("17", booking="second", start=51 * HOUR)
    standing = standing_after(world, 90)
    assert standing.bookings == 2
    assert (standing.in_sync, standing.differing, standing.unknown) == (1, 0, 0)


def test_an_appointment_without_a_booking_counts_only_where_it_is_wrong() -> None:
    world = World()
    world.writes("17", booking=None, start=50 * HOUR)
    assert standing_after(world).in_sync == 0
    world.until(world.now + 1_200)
    standing = standing_after(world)
    assert world.told() == ["opened never_synced appointment 17"]
    assert (standing.in_sync, standing.differing) == (0, 1)


def test_what_is_out_of_scope_is_not_compared() -> None:
    world = World(judgement=Judgement(event_types=frozenset({"elsewhere"})))
    synced(world, 1, 0.4)
    assert standing_after(world).in_sync == 0


def test_rows_are_counted_in_the_hour_in_which_they_were_made() -> None:
    world = World()
    synced(world, 1, 0.4)
    standing = standing_after(world)
    assert [made.appointments for made in standing.made] == [0, 0, 1]
    hours = [parse_iso(made.hour) for made in standing.made]
    assert hours == sorted(hours)
    world.until(world.now + HOUR, every=20)
    assert [made.appointments for made in standing_after(world).made] == [0, 1, 0]
