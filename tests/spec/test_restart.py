"""A restart: what the worker kept goes on; nothing is told twice, nothing is forgotten (design §1.6, §9)."""

import random

from streams.engine import Partition
from tests.words import HOUR, World, at, pair


def orphan() -> World:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    return world


def test_an_open_finding_is_not_told_twice_and_still_ends() -> None:
    world = orphan().until(10)
    world.restarts()
    world.until(100)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]
    world.writes("17", booking="4fQx")
    world.until(105)
    assert world.told()[-1] == "resolved orphaned_calcom booking 4fQx (recovered)"


def test_a_finding_that_was_not_acknowledged_is_told_after_the_restart_once() -> None:
    world = orphan()
    world.acknowledges = False
    assert world.until(10).told() == []
    world.restarts()
    world.acknowledges = True
    world.until(60)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]
    assert world.findings[0][0] <= 10.2
    assert world.findings[0][1].detected_at == "2027-01-15T08:00:05.200Z"  # when it was proved, not when told


def test_a_finding_whose_state_was_never_kept_is_proved_again() -> None:
    """Killed between the proof and the changelog: nothing was told, so nothing is lost."""
    world = orphan().until(5)
    world.kept = {key: value for key, value in world.kept.items() if not key.startswith(b"k")}
    world.restarts()
    assert world.until(20).told() == ["opened orphaned_calcom booking 4fQx"]


def test_a_grace_goes_on_and_does_not_begin_anew() -> None:
    world = orphan().until(4)
    world.restarts()
    world.until(20)
    assert world.told_at("orphaned_calcom") <= 6.4


def test_deadlines_are_kept_for_causes_that_nothing_touches_any_more() -> None:
    """Dead while the grace ran out: judged at once, before anything new is heard."""
    world = pair(start=HOUR * 2).until(1)
    world.restarts()
    world.now = 60.0
    world.until(70)
    assert world.told() == ["opened start_time_drift appointment 17"]


def test_what_waits_for_a_source_is_judged_when_it_is_back_also_by_a_worker_that_died_meanwhile() -> None:
    """Who waits is known in memory only (simulation, seed 3629: told 40 s late)."""
    world = World()
    world.source("calcom:a1", "stalled")
    world.writes("17", booking="4fQx")
    world.until(10).restarts()
    world.source("calcom:a1", "stalled")
    world.until(20).source("calcom:a1", "live")
    assert world.until(40).told() == ["opened orphaned_local appointment 17"]
    assert world.told_at("orphaned_local") <= 30


def test_a_case_resolved_keeps_its_episode_number() -> None:
    world = orphan().until(10)
    world.writes("17", booking="4fQx")
    world.until(15).restarts()
    world.until(20).deletes("17")
    world.until(40)
    assert [finding.episode for _, finding in world.findings] == [1, 1, 2]


def test_old_values_loaded_after_newer_ones_change_nothing() -> None:
    """A frozen old owner may have written last: values are merged, not overwritten."""
    world = orphan().until(10)
    before = dict(world.kept)
    world.writes("17", booking="4fQx")
    world.until(30)
    newer = list(world.kept.items())
    for seed in range(5):
        records = newer + list(before.items())
        random.Random(seed).shuffle(records)
        engine = Partition(world.judgement)
        for key, value in records:
            assert value is not None
            engine.load(key, value)
        effects = engine.tick(at(31))
        assert effects.failures == ()
        assert effects.findings == ()
        assert engine.phases()["confirmed"] == 0


def test_a_restart_at_every_moment_tells_the_same_story() -> None:
    for moment in range(1, 30):
        world = orphan().until(moment)
        world.restarts()
        world.until(20).writes("17", booking="4fQx")
        world.until(40)
        assert (
            world.told()
            == [
                "opened orphaned_calcom booking 4fQx",
                "resolved orphaned_calcom booking 4fQx (recovered)",
            ][: len(world.told())]
        )
        assert len(world.told()) == 2, moment
