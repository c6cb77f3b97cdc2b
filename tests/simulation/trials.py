"""Small worlds, each made to show what one sentence of the design's §4a is for; with it, nothing goes wrong in them."""

from tests.simulation.births import at_another_tenant, booked, kept
from tests.simulation.stories import Appointment, Pauses
from tests.simulation.weather import Weather
from tests.truth import HOUR

#: Nothing is lost or late, nobody polls, both sides answer at once.
CALM = Weather(
    lag=0.2, lost=0.0, repeated=0.0, late=0.0, reads_take=0.3, answers_lost=0.0, poll_every=1e6, sweep_every=1e6
)
LAGGING = Weather(lag=2.0, lost=0.5, repeated=0.0, late=0.0, answers_lost=0.0)
DEEPLY_LAGGING = Weather(lag=8.0, lost=0.0, repeated=0.0, late=0.0, answers_lost=0.0, poll_every=1e6, sweep_every=1e6)
POLLED = Weather(lag=0.1, lost=0.0, late=0.0, repeated=0.0, reads_take=0.3, answers_lost=0.0, sweep_every=1e6)
STALLED = Weather(lag=0.2, lost=0.0, late=0.0, reads_take=0.3, answers_lost=0.0, stalls=((20.0, 34.0),))


def unheard(story: Appointment) -> Pauses:
    """Booked and kept; half of the webhooks are lost, and the replica has not got the booking yet."""
    yield from kept(story)


def agreed_claim(story: Appointment) -> Pauses:
    """A cancellation is announced and not done; the application believes it."""
    story.by_phone = False
    yield from kept(story)
    yield 20
    story.hears("BOOKING_CANCELLED")
    yield 0.5
    story.writes(status="cancelled")


def read_too_early(story: Appointment) -> Pauses:
    """The poll reads the booking just after its cancellation is announced, and the deed follows 5.5 s later.

    Denied by that read, the webhook would be settled by a second look before the deed: nobody would read again.
    """
    story.by_phone = False
    yield from kept(story)
    yield 44.3 - story.life.now
    story.hears("BOOKING_CANCELLED")
    yield 5.5
    story.life.changes(story.uid, announced=True, status="cancelled")


def left_for_the_newest(story: Appointment) -> Pauses:
    """Cancelled on both sides, the application first: nobody is left behind."""
    story.by_phone = False
    yield from kept(story)
    yield 20
    story.moves_there()
    yield 15
    story.writes(status="cancelled")
    yield 1.0
    story.life.changes(story.uid, status="cancelled")
    story.hears("BOOKING_CANCELLED")


def wrong_and_touched(story: Appointment) -> Pauses:
    """A wrong start in a row that is touched every second and a half for two minutes."""
    yield from kept(story, start=story.start + HOUR)
    for count in range(80):
        yield 1.5
        story.writes(sync_attempt_count=count % 2, calcom_sync_status="synced")


def foreign_and_gone(story: Appointment) -> Pauses:
    """Another tenant's row held the booking; its going sends no event to this one."""
    yield from at_another_tenant(story)
    yield 30
    story.life.deletes(story.cause, "appointments", story.row)
    story.life.changes(story.uid, announced=True, status="cancelled")


def old_news_after_a_stall(story: Appointment) -> Pauses:
    """The row is written and taken away again while the feed stands still."""
    story.by_phone = False
    yield max(0.0, 21 - story.life.now)
    booked(story)
    yield 0.2
    story.keeps()
    yield 0.2
    story.writes(calcom_v2_booking_id=None, status="cancelled")


def heard_then_unheard(story: Appointment) -> Pauses:
    """By the first booking's webhook the lag is measured; of the second no webhook tells, and a 404 would be a lie."""
    story.by_phone = story.numeric = False
    yield from kept(story)
    yield 30
    first, story.uid = story.row, f"{story.uid}later"
    story.row = str(int(first) + 1)
    story.books()
    yield 0.3
    story.keeps()


def learnt_by_the_poll(story: Appointment) -> Pauses:
    """Cancelled there without a webhook just before the poll, here two seconds later."""
    story.by_phone = False
    yield from kept(story)
    yield 89.7 - story.life.now
    story.life.changes(story.uid, status="cancelled")
    yield 2.3
    story.writes(status="cancelled")
