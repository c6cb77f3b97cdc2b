"""Facts of what is over are forgotten after the retention time, and nothing that is not over (issue 4, item 6)."""

from streams.model.judgement import Judgement
from tests.words import HOUR, World, pair

SHORT = Judgement(retention_ms=60_000)


def test_a_pair_is_forgotten_after_its_end_and_the_retention() -> None:
    world = pair(judgement=SHORT)
    world.until(1.5 * HOUR + 50, every=10.0)
    assert world.engine.entries() == 2
    world.until(1.5 * HOUR + 300, every=10.0)
    assert world.engine.entries() == 0


def test_what_is_forgotten_leaves_tombstones_only() -> None:
    world = pair(judgement=SHORT)
    world.until(1.5 * HOUR + 300, every=10.0)
    assert set(world.kept.values()) == {None}


def test_an_open_finding_keeps_its_facts() -> None:
    world = World(judgement=SHORT)
    world.calls("5", direction="")
    world.until(1000, every=5.0)
    assert world.told() == ["opened missing_direction call 5"]
    assert world.engine.entries() == 1


def test_a_chain_is_kept_as_long_as_its_newest_link() -> None:
    world = pair(judgement=SHORT).until(30)
    world.reschedule("4fQx", "5gRy", start=4 * HOUR)
    world.hears("BOOKING_RESCHEDULED", "5gRy")
    world.writes("17", booking="5gRy", start=4 * HOUR)
    world.until(3 * HOUR, every=20.0)
    assert world.engine.entries() == 3
    world.until(5 * HOUR, every=20.0)
    assert world.engine.entries() == 0


def test_a_second_snapshot_of_what_was_forgotten_raises_nothing() -> None:
    world = pair(judgement=SHORT)
    world.until(1.5 * HOUR + 300, every=10.0)
    world.writes("17")
    world.polled("4fQx")
    assert world.until(1.5 * HOUR + 400).told() == []


def test_a_restart_does_not_bring_it_back() -> None:
    world = pair(judgement=SHORT)
    world.until(1.5 * HOUR + 300, every=10.0)
    world.restarts()
    assert world.engine.entries() == 0
