"""What is judged at all: scope, rules switched off, tenants apart; and what is restated (design §1.6, §4, §5)."""

import msgspec
import pytest

from streams.model.judgement import Judgement
from streams.model.rule import Rule
from tests.words import HOUR, World, pair


def orphan(judgement: Judgement) -> World:
    world = World(judgement=judgement)
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    return world.until(20)


@pytest.mark.parametrize(("types", "told"), [({"7"}, 1), ({"8"}, 0), (set(), 1)])
def test_a_booking_of_another_event_type_is_out_of_scope(types: set[str], told: int) -> None:
    assert len(orphan(Judgement(event_types=frozenset(types))).told()) == told


def test_an_event_type_not_known_yet_is_learnt_by_the_proving_read() -> None:
    world = World(judgement=Judgement(event_types=frozenset({"8"})))
    world.booking("4fQx")
    world.posts("BOOKING_CREATED", "4fQx", eventTypeId=None)
    assert world.until(20).told() == []


@pytest.mark.parametrize(("sources", "told"), [({"web"}, 1), ({"retell_webhook"}, 0), (set(), 1)])
def test_a_row_of_another_source_is_out_of_scope(sources: set[str], told: int) -> None:
    narrow = Judgement(synced_sources=frozenset(sources))
    world = World(judgement=narrow)
    world.writes("17", booking="gone1")
    assert len(world.until(20).told()) == told
    assert len(pair(start=HOUR * 2, judgement=narrow).until(20).told()) == told


def test_a_row_out_of_scope_is_its_bookings_appointment_all_the_same() -> None:
    assert pair(judgement=Judgement(synced_sources=frozenset({"retell_webhook"}))).until(30).told() == []


def test_a_rule_without_its_columns_is_switched_off() -> None:
    off = Judgement(disabled=frozenset({Rule.ORPHANED_CALCOM}))
    assert orphan(off).told() == []
    assert pair(start=HOUR * 2, judgement=off).until(20).told() == ["opened start_time_drift appointment 17"]


def test_a_higher_rule_that_is_switched_off_silences_nothing() -> None:
    off = Judgement(disabled=frozenset({Rule.STATUS_DRIFT}))
    world = pair(start=HOUR * 2, status="pending", judgement=off)
    assert world.until(20).told() == ["opened start_time_drift appointment 17"]


def test_the_same_uid_and_row_of_two_tenants_are_two_things() -> None:
    """Mixing two tenants is the worst fault this product can have."""
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    row = world.appointment("17", booking="4fQx")
    world.engine.observe((msgspec.structs.replace(row, tenant="2"),))
    del world.rows[("appointments", "17")]
    world.until(20)
    assert ("1", "opened", "orphaned_calcom") in {(f.tenant, f.change, f.rule) for _, f in world.findings}


def test_a_tenant_that_nobody_is_yet_is_not_judged() -> None:
    world = World()
    world.booking("4fQx")
    world.engine.observe((msgspec.structs.replace(world.webhook("BOOKING_CREATED", "4fQx"), tenant="~shared"),))
    world.until(30)
    assert (world.told(), world.asked) == ([], [])


# Restatements ------------------------------------------------------------------------


def test_every_five_minutes_the_open_findings_are_said_again_with_their_list() -> None:
    world = orphan(Judgement()).until(700)
    lists = [(when, record.open) for when, record in world.restated if record.open]
    alert = world.finding("orphaned_calcom").alert_id
    assert [held for _, held in lists] == [((alert, 1),)] * len(lists)
    assert len(lists) == 2
    assert lists[1][0] - lists[0][0] == pytest.approx(300, abs=1)
    assert len(world.told()) == 1
    assert [finding.alert_id for _, finding in world.said_again] == [alert, alert]


def test_a_tenant_without_open_findings_restates_an_empty_list() -> None:
    world = pair().until(700)
    assert [(record.tenant, record.open) for _, record in world.restated] == [("1", ()), ("1", ())]
