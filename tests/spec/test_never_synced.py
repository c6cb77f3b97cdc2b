"""never_synced: an active appointment to come, of a source in scope, has no booking."""

from datetime import UTC

import pytest

from streams.alerts.texts import summary
from streams.model.judgement import Judgement
from streams.model.rule import GRACE_SECONDS, Rule
from tests.words import HOUR, World, clock

DAY = 24 * HOUR


def row(start: float, judgement: Judgement | None = None, **columns: object) -> World:
    """A row just made, without a booking."""
    world = World(judgement=judgement)
    world.writes("17", start=start, **columns)
    return world


def test_a_quarter_of_an_hour_after_it_was_made_it_is_told() -> None:
    world = row(48 * HOUR).until(899, every=1)
    assert world.told() == []
    assert world.until(905).told() == ["opened never_synced appointment 17"]


@pytest.mark.parametrize("start", [60.0, 600.0, 1700.0])
def test_but_no_later_than_half_way_to_its_start(start: float) -> None:
    world = row(start).until(start / 2 - 0.4)
    assert world.told() == []
    assert world.until(start / 2 + 2).told() == ["opened never_synced appointment 17"]


def test_a_shorter_grace_of_the_configuration_holds() -> None:
    grace = {rule: round(seconds * 1000) for rule, seconds in GRACE_SECONDS.items()} | {Rule.NEVER_SYNCED: 5_000}
    world = row(48 * HOUR, Judgement(grace_ms=grace))
    assert world.until(4.8).told() == []
    assert world.until(7).told() == ["opened never_synced appointment 17"]


def test_a_row_without_the_time_of_its_making_counts_from_its_first_change() -> None:
    world = row(600, created_at=None)
    assert world.until(299, every=1).told() == []
    assert world.until(303).told() == ["opened never_synced appointment 17"]


def test_one_made_for_a_time_that_is_over_is_none() -> None:
    """Written after the event, or with a mistaken date: no booking can be made for it any more."""
    assert row(-HOUR).until(1000, every=2).told() == []


def test_a_booking_that_comes_in_time_is_none() -> None:
    world = row(HOUR).until(300, every=1)
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.writes("17", booking="4fQx")
    assert world.until(1200, every=1).told() == []


def test_the_row_is_read_before_it_is_told() -> None:
    """The change that gave it its booking was lost on the way."""
    world = row(600).until(100, every=1)
    world.booking("4fQx", start=600)
    world.appointment("17", booking="4fQx")
    assert world.until(400, every=1).told() == []


@pytest.mark.parametrize("status", ["cancelled", "completed", "no_show"])
def test_what_is_not_active_needs_none(status: str) -> None:
    assert row(600, status=status).until(400, every=1).told() == []


def test_a_source_that_is_never_synced_is_out_of_scope() -> None:
    walk_ins = Judgement(synced_sources=frozenset({"retell_webhook"}))
    assert row(600, walk_ins, source="walk_in").until(400, every=1).told() == []
    assert row(600, walk_ins, source="retell_webhook", call_id=5).until(400, every=1).told() != []


def test_within_a_day_of_its_start_it_is_critical_and_before_a_warning() -> None:
    world = row(DAY + 2 * HOUR).until(1000, every=5)
    assert world.finding("never_synced").severity == "warning"
    world.until(2 * HOUR + 10, every=5)
    raised = world.finding("never_synced", "updated")
    assert raised.severity == "critical"
    assert raised.at <= clock(2 * HOUR + 5)
    assert [finding.change for _, finding in world.findings] == ["opened", "updated"]


def test_one_that_starts_within_a_day_is_critical_at_once() -> None:
    world = row(10 * HOUR).until(1000, every=5)
    assert world.finding("never_synced").severity == "critical"


def test_it_is_over_with_its_start() -> None:
    world = row(600).until(700, every=1)
    assert world.told() == ["opened never_synced appointment 17", "resolved never_synced appointment 17 (expired)"]


def test_a_sync_that_failed_speaks_for_it() -> None:
    """One cause, one alert: it has no booking because the sync gave up."""
    world = row(600, calcom_sync_status="failed").until(400, every=1)
    assert world.told() == ["opened sync_failed appointment 17"]


def test_a_sync_that_is_stuck_does_not_speak_for_it() -> None:
    """Its grace is longer: the last minutes before a start would pass in silence."""
    world = row(500, calcom_sync_status="pending").until(290, every=1)
    assert world.told() == ["opened never_synced appointment 17"]


def test_people_read_that_there_is_no_booking() -> None:
    world = row(600).until(400, every=1)
    text = summary(world.finding("never_synced"), UTC)
    assert text.startswith("Cal.com: no booking · database: confirmed, ")
