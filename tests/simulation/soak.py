"""Quiet life: consistent traffic for hours, each event heard one to three times and out of order within its grace."""

from tests.simulation.life import Life
from tests.simulation.stories import Appointment, Pauses
from tests.simulation.weather import SKEW, Weather
from tests.truth import HOUR

#: A new appointment so often, seconds.
EVERY_SECONDS = 60.0

QUIET = Weather(
    skew_calcom=SKEW,
    skew_database=-SKEW,
    hosts_apart=1.0,
    lag=1.0,
    lost=0.0,
    repeated=0.5,
    late=0.5,
    late_by=1.0,
    early=0.5,
    reads_take=0.5,
    poll_every=45.0,
    sweep_every=6 * HOUR,
)


def _lives_well(story: Appointment) -> Pauses:
    """Booked, kept within a second, then perhaps moved or cancelled on both sides."""
    story.books()
    story.hears("BOOKING_CREATED")
    yield story.random.uniform(0, 1)
    story.keeps()
    if story.by_phone:
        yield story.random.uniform(0, 0.5)
        story.calls()
    yield story.random.uniform(10, 120)
    fate = story.pick()
    if fate < 0.3:
        story.moves_there()
        yield story.random.uniform(0, 1)
        story.keeps()
    elif fate < 0.5:
        yield from story.cancels_there()
        yield story.random.uniform(0, 1)
        story.writes(status="cancelled")
    elif fate < 0.6:
        for _ in range(10):
            story.writes(sync_attempt_count=0, calcom_sync_status="synced")
            yield 2.0


def soaked(seed: int, hours: float) -> Life:
    """So many virtual hours of it."""
    life = Life(seed, QUIET)
    numbers = iter(range(1, 1_000_000))

    def begin() -> None:
        story = Appointment(life, next(numbers))
        # Far enough ahead that nothing begins while it is watched.
        story.start += hours * HOUR
        life.tell(story.cause, _lives_well(story), 0.0)
        life.agenda.after(life.random.expovariate(1 / EVERY_SECONDS), begin)

    begin()
    life.run(hours * HOUR)
    return life
