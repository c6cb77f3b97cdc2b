"""While a source is not trustworthy its absences are unknown; afterwards they are judged anew (design §1.4)."""

from tests.words import World


def orphan(world: World) -> World:
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    return world


def test_a_booking_without_row_is_unknown_while_the_feed_is_silent() -> None:
    world = World()
    world.source("database", "stalled")
    orphan(world).until(60)
    assert world.told() == []
    assert [verdict.reason for _, verdict in world.verdicts][-1] == "held_back:database"


def test_nothing_is_asked_about_what_is_held_back() -> None:
    world = World()
    world.source("database", "stalled")
    orphan(world).until(60)
    assert {question.purpose for question in world.asked} == {"settle"}


def test_it_is_judged_by_a_new_round_when_the_feed_is_back() -> None:
    world = World()
    world.source("database", "stalled")
    orphan(world).until(60)
    world.source("database", "live")
    world.until(70)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]
    assert 60 <= world.told_at("orphaned_calcom") <= 61


def test_a_row_that_comes_with_the_feed_is_no_finding() -> None:
    world = World()
    world.source("database", "stalled")
    orphan(world).until(60)
    world.writes("17", booking="4fQx")
    world.source("database", "live")
    assert world.until(80).told() == []


def test_a_gap_and_a_snapshot_hold_back_as_a_silence_does() -> None:
    for word in ("gap", "snapshotting"):
        world = World()
        world.source("database", word)
        assert orphan(world).until(30).told() == []


def test_an_older_word_changes_nothing() -> None:
    world = World()
    world.until(5)
    stale = World()
    stale.source("database", "stalled")
    world.source("database", "live")
    world.now = 4.0
    world.source("database", "stalled")
    world.now = 5.0
    assert orphan(world).until(30).told() == ["opened orphaned_calcom booking 4fQx"]


def test_what_does_not_need_the_feed_is_told_all_the_same() -> None:
    """A drift is proved by a SELECT and a GET: no silence could make it up."""
    world = World()
    world.source("database", "stalled")
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.writes("17", booking="4fQx", start=7200)
    assert world.until(20).told() == ["opened start_time_drift appointment 17"]


def test_a_silent_api_holds_back_its_own_tenants_absences_alone() -> None:
    world = World()
    world.source("calcom:acct2", "stalled", tenants=("2",))
    world.writes("17", booking="gone1")
    assert world.until(20).told() == ["opened orphaned_local appointment 17"]
    world = World()
    world.source("calcom:acct1", "stalled", tenants=("1",))
    world.writes("17", booking="gone1")
    assert world.until(20).told() == []


def test_silent_webhooks_hold_back_nothing() -> None:
    """Every absence is proved by reads, and the poll still tells of changes."""
    world = World()
    world.source("webhooks:acct1", "stalled", tenants=("1",))
    assert orphan(world).until(30).told() == ["opened orphaned_calcom booking 4fQx"]


def test_an_open_finding_stays_open_and_may_still_recover() -> None:
    world = orphan(World()).until(10)
    world.source("database", "stalled")
    world.until(200)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]
    world.appointment("17", booking="4fQx")
    world.until(330)
    assert world.told()[1:] == ["resolved orphaned_calcom booking 4fQx (recovered)"]


def test_a_restart_forgets_nothing_of_what_is_held() -> None:
    world = World()
    world.source("database", "stalled")
    orphan(world).until(30)
    world.restarts()
    world.source("database", "stalled")
    world.until(60)
    world.source("database", "live")
    assert world.until(200).told() == ["opened orphaned_calcom booking 4fQx"]
