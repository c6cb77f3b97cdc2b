"""How each tenant stands is told every 10 s: through when it is compared, and how fast its sides usually meet."""

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
