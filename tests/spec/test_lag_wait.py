"""The lag wait is measured, per tenant (design §4a): how long Cal.com's reads run behind its webhooks."""

import pytest

from streams.cases.lag import LagMeter
from streams.model.facts import BookingFacts, Read, Told
from streams.model.judgement import Judgement
from streams.model.rule import Rule
from tests.words import HOUR, T0, World, pair

LEAST = 2_000
MINUTE = 60_000


def measured(*lags_ms: int, at: int = T0) -> LagMeter:
    """A meter that saw reads contradict a webhook these times after it, each put right by a later read."""
    meter = LagMeter()
    told = Told(
        created_at=at, sequence=0, body="b", arrived=at, trigger="BOOKING_CREATED", status="accepted", start=1, end=2
    )
    for lag in lags_ms:
        wrong = Read(at + lag, at + lag + 100, status="cancelled", start=1, end=2)
        right = Read(at + lag + 1_000, at + lag + 1_100, status="accepted", start=1, end=2)
        meter.observe(BookingFacts(told=(told,), reads=(wrong, right)), right)
    return meter


@pytest.mark.parametrize(
    ("lags_ms", "wait_ms"),
    [
        ((), LEAST),
        ((500,), LEAST),  # 1.25 s: never less than the least
        ((2_000,), 3_500),  # 1.5 × + 0.5 s
        ((4_000, 1_000), 6_500),  # the largest counts
        ((20_000,), 15_000),  # at most 15 s
    ],
)
def test_the_wait_follows_the_largest_sample(lags_ms: tuple[int, ...], wait_ms: int) -> None:
    assert measured(*lags_ms).wait_ms(LEAST, T0 + 30_000) == wait_ms


def test_a_sample_counts_for_fifteen_minutes() -> None:
    meter = measured(4_000)
    assert meter.wait_ms(LEAST, T0 + 15 * MINUTE) == 6_500
    assert meter.wait_ms(LEAST, T0 + 15 * MINUTE + 6_000) == LEAST


def test_a_move_in_place_and_back_is_no_lag() -> None:
    """Neither sends a webhook: between them reads contradict the webhook with a state that is younger than it."""
    told = Told(
        created_at=T0, sequence=0, body="b", arrived=T0, trigger="BOOKING_CREATED", status="accepted", start=1, end=2
    )
    moved = Read(T0 + 8_000, T0 + 8_100, status="accepted", start=5, end=6, updated_at=T0 + 6_000)
    back = Read(T0 + 60_000, T0 + 60_100, status="accepted", start=1, end=2, updated_at=T0 + 50_000)
    meter = LagMeter()
    meter.observe(BookingFacts(told=(told,), reads=(moved, back)), back)
    assert meter.wait_ms(LEAST, T0 + 61_000) == LEAST


@pytest.mark.parametrize(("younger_ms", "wait_ms"), [(2_000, 6_500), (2_001, LEAST)])
def test_clocks_of_its_hosts_may_be_two_seconds_apart(younger_ms: int, wait_ms: int) -> None:
    told = Told(
        created_at=T0, sequence=0, body="b", arrived=T0, trigger="BOOKING_CREATED", status="accepted", start=1, end=2
    )
    wrong = Read(T0 + 4_000, T0 + 4_100, status="cancelled", start=1, end=2, updated_at=T0 + younger_ms)
    right = Read(T0 + 5_000, T0 + 5_100, status="accepted", start=1, end=2)
    meter = LagMeter()
    meter.observe(BookingFacts(told=(told,), reads=(wrong, right)), right)
    assert meter.wait_ms(LEAST, T0 + 30_000) == wait_ms


def lagging() -> World:
    """A tenant whose replica was seen to lag: a page begun 2 s after a cancellation did not show it yet."""
    world = pair().until(20)
    before = dict(world.bookings["4fQx"])
    world.change("4fQx", status="cancelled")
    world.shown = lambda uid: before if uid == "4fQx" and world.now < 22.5 else world.bookings.get(uid)
    world.hears("BOOKING_CANCELLED", "4fQx")
    world.writes("17", status="cancelled")
    world.until(22).polled("4fQx")
    return world.until(60)


def test_a_measured_lag_makes_the_next_proof_wait_longer() -> None:
    world = lagging()
    world.booking("9cTx")
    world.hears("BOOKING_CREATED", "9cTx")
    world.until(90)
    assert world.told() == ["opened orphaned_calcom booking 9cTx"]
    # 3 s of grace + 1.5 × 2 s + 0.5 s, instead of 5 s
    assert 60 + 6.5 <= world.told_at("orphaned_calcom") <= 60 + 7.4


def test_it_is_the_tenants_own() -> None:
    world = lagging()
    assert world.engine._merging.lag_of("1").wait_ms(LEAST, T0 + 60_000) > LEAST
    assert world.engine._merging.lag_of("2").wait_ms(LEAST, T0 + 60_000) == LEAST


def test_two_sided_rules_wait_for_it_and_rules_about_one_side_do_not() -> None:
    slow = Judgement(calcom_lag_ms=8_000)
    world = World(judgement=slow)
    world.calls("5", direction=None)
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.until(30)
    assert world.told_at(Rule.MISSING_DIRECTION) <= 3
    assert world.told_at(Rule.ORPHANED_CALCOM) >= 11


def test_the_gap_between_two_404s_is_never_smaller() -> None:
    world = World(judgement=Judgement(calcom_lag_ms=8_000))
    world.writes("17", booking="gone1")
    world.until(30)
    asked = [when for when, q in zip(world.asked_at, world.asked, strict=True) if type(q).__name__ == "BookingQuestion"]
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 8
    assert world.told() == ["opened orphaned_local appointment 17"]


def test_a_read_that_resolves_keeps_to_the_lag_wait_too() -> None:
    world = World(judgement=Judgement(calcom_lag_ms=8_000))
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.writes("17", booking="4fQx", start=HOUR * 2)
    world.until(30)
    assert world.told() == ["opened start_time_drift appointment 17"]
    world.move("4fQx", start=HOUR * 2)
    world.hears("BOOKING_RESCHEDULED", "4fQx")
    world.until(37.5)
    assert len(world.told()) == 1
    world.until(42)
    assert world.told()[-1] == "resolved start_time_drift appointment 17 (recovered)"
