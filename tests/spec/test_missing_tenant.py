"""missing_tenant: a row that names no tenant, so that nobody's rules look at it."""

from datetime import UTC

import pytest

from streams.alerts.texts import summary
from streams.model.ids import NO_TENANT
from tests.words import HOUR, World

NOBODY: dict[str, object] = {"company_id": None}


def test_an_appointment_without_tenant_is_told_after_its_grace() -> None:
    world = World()
    world.writes("17", start=HOUR, **NOBODY)
    world.until(8)
    assert world.told() == ["opened missing_tenant appointment 17"]
    finding = world.finding("missing_tenant")
    assert (finding.tenant, finding.appointment_id, finding.severity) == (NO_TENANT, "17", "warning")
    assert 2 <= world.told_at("missing_tenant") <= 4


def test_a_call_without_tenant_is_told_too() -> None:
    world = World()
    world.calls("5", **NOBODY)
    assert world.until(8).told() == ["opened missing_tenant call 5"]
    assert world.finding("missing_tenant").call_id == "5"


def test_no_other_rule_looks_at_it() -> None:
    """Neither the flags of a call nor a booking that nobody knows: whose Cal.com should be asked?"""
    world = World()
    world.calls("5", direction=None, session_outcome="creation_failed", appointment_made=True, **NOBODY)
    world.writes("17", booking="gone1", call_id=6, calcom_sync_status="failed", **NOBODY)
    assert sorted(world.until(60).told()) == [
        "opened missing_tenant appointment 17",
        "opened missing_tenant call 5",
    ]
    assert {question.tenant for question in world.asked} == {NO_TENANT}


def test_one_that_gets_its_tenant_within_the_grace_is_none() -> None:
    world = World()
    world.writes("17", start=HOUR, **NOBODY)
    world.until(1).writes("17", company_id=1)
    assert world.until(20).told() == []


@pytest.mark.parametrize("way", ["is given", "is deleted"])
def test_it_ends_when_the_row_gets_its_tenant_or_goes(way: str) -> None:
    world = World()
    world.writes("17", start=HOUR, **NOBODY)
    world.until(10)
    if way == "is given":
        world.writes("17", company_id=1)
    else:
        world.deletes("17")
    assert world.until(13).told()[1:] == ["resolved missing_tenant appointment 17 (recovered)"]


def test_an_end_that_nobody_heard_of_is_found_by_the_reread() -> None:
    world = World()
    world.writes("17", start=HOUR, **NOBODY)
    world.until(10).appointment("17", company_id=1)
    assert world.until(80).told()[1:] == ["resolved missing_tenant appointment 17 (recovered)"]


def test_a_row_that_loses_its_tenant_is_told_and_its_own_faults_end() -> None:
    world = World()
    world.calls("5", direction=None)
    world.until(10).calls("5", **NOBODY)
    assert sorted(world.until(20).told()) == [
        "opened missing_direction call 5",
        "opened missing_tenant call 5",
        "resolved missing_direction call 5 (recovered)",
    ]


def test_a_row_is_asked_for_once_a_second_however_often_it_changes() -> None:
    world = World()
    for change in range(20):
        world.writes("17", status="confirmed" if change % 2 else "pending", **NOBODY)
        world.until(world.now + 0.05, every=0.05)
    assert len(world.asked) <= 2


def test_the_last_change_of_a_second_is_read_all_the_same() -> None:
    world = World()
    world.writes("17", start=HOUR, **NOBODY)
    world.until(10.2)
    world.writes("17", status="pending", **NOBODY)
    world.until(10.4).writes("17", company_id=1)
    assert world.until(12).told()[1:] == ["resolved missing_tenant appointment 17 (recovered)"]


def test_nobody_is_told_how_a_booking_of_nobody_stands() -> None:
    world = World()
    world.writes("17", booking="4fQx", **NOBODY)
    world.until(10).deletes("17")
    world.until(30)
    assert world.verdicts == []


def test_it_is_found_again_after_a_restart() -> None:
    world = World()
    world.writes("17", start=HOUR, **NOBODY)
    world.until(10).restarts()
    world.writes("17", company_id=1)
    assert world.until(15).told()[1:] == ["resolved missing_tenant appointment 17 (recovered)"]


def test_people_read_which_column_is_empty() -> None:
    world = World()
    world.calls("5", **NOBODY)
    world.writes("17", start=HOUR, **NOBODY)
    world.until(10)
    texts = [summary(finding, UTC) for _, finding in world.findings]
    assert any(text.startswith("call 5: company_id empty · Proved ") for text in texts)
    assert any(text.startswith("company_id empty · database: confirmed, ") for text in texts)


def test_a_row_that_the_first_select_does_not_show_yet_is_asked_for_again() -> None:
    """Its commit waits for a standby: the feed tells of it before a SELECT does (design §9)."""
    world = World()
    world.writes("17", start=HOUR, **NOBODY)
    hidden = world.rows.pop(("appointments", "17"))
    world.until(2)
    world.rows[("appointments", "17")] = hidden
    assert world.until(20).told() == ["opened missing_tenant appointment 17"]
