"""orphaned_local: an active appointment names a booking for which Cal.com answers 404."""

from streams.model.judgement import Judgement
from streams.model.records import NumericQuestion
from streams.model.rule import Rule
from tests.words import HOUR, World


def test_two_reads_that_find_nothing_prove_it() -> None:
    world = World()
    world.writes("17", booking="gone1")
    world.until(12)
    assert world.told() == ["opened orphaned_local appointment 17"]
    assert 5 <= world.told_at("orphaned_local") <= 7
    reads = [q for q in world.asked if q.purpose == "proof" and type(q).__name__ == "BookingQuestion"]
    assert len(reads) == 2


def test_a_booking_that_a_lagging_replica_shows_late_is_no_finding() -> None:
    world = World()
    world.booking("4fQx")
    world.shown = lambda uid: world.bookings.get(uid) if world.now > 3 else None
    world.writes("17", booking="4fQx")
    assert world.until(30).told() == []


def test_a_numeric_id_is_never_asked_by_uid_and_missing_after_two_list_passes() -> None:
    world = World()
    world.writes("17", booking="424242")
    world.until(15)
    assert world.told() == ["opened orphaned_local appointment 17"]
    asked = [q for q in world.asked if not type(q).__name__.startswith("Rows")]
    assert all(isinstance(q, NumericQuestion) for q in asked)
    assert asked[0].starts_at is not None
    assert asked[0].created_at is not None


def test_a_numeric_id_whose_alias_is_learnt_late_is_no_finding() -> None:
    world = World()
    world.writes("17", booking="31337")
    world.until(2).booking("4fQx", id=31337)
    assert world.until(40).told() == []


def test_while_calcom_is_down_it_is_unknown_never_an_orphan() -> None:
    world = World()
    world.calcom_down = True
    world.writes("17", booking="gone1")
    assert world.until(120).told() == []
    world.calcom_down = False
    assert world.until(150).told() == ["opened orphaned_local appointment 17"]


def test_a_cancelled_or_past_appointment_is_none() -> None:
    world = World()
    world.writes("17", booking="gone1", status="cancelled")
    world.writes("18", booking="gone2", start=-HOUR)
    assert world.until(30).told() == []


def test_it_resolves_when_the_row_is_repointed() -> None:
    world = World()
    world.booking("4fQx")
    world.writes("17", booking="gone1")
    world.until(10).writes("17", booking="4fQx")
    world.until(30)
    assert world.told() == [
        "opened orphaned_local appointment 17",
        "resolved orphaned_local appointment 17 (recovered)",
    ]


def test_a_booking_told_by_webhook_that_the_api_forgot_is_an_orphan() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.writes("17", booking="4fQx")
    del world.bookings["4fQx"]
    assert world.until(20).told() == ["opened orphaned_local appointment 17"]


def test_a_row_touched_every_second_is_judged_all_the_same() -> None:
    """Bookkeeping restarts no grace (M 26 in the trial)."""
    world = World()
    world.writes("17", booking="gone1")
    for second in range(1, 12):
        world.until(second).writes("17", sync_attempt_count=second % 3)
    assert world.told() == ["opened orphaned_local appointment 17"]


def test_two_404s_lie_four_seconds_apart_however_short_the_grace_is() -> None:
    """Every 404 that counts needs two reads, the second at least max(4 s, lag wait) after the first was answered."""
    world = World(judgement=Judgement(grace_ms=dict.fromkeys(Rule, 0), calcom_lag_ms=0))
    world.writes("17", booking="gone1")
    world.until(12)
    first, second = (
        at for at, asked in zip(world.asked_at, world.asked, strict=True) if type(asked).__name__ == "BookingQuestion"
    )
    assert second - (first + world.answer_after) >= 4
    assert world.told() == ["opened orphaned_local appointment 17"]
