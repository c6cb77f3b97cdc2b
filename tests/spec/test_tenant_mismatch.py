"""tenant_mismatch: the booking of one tenant's account is held by another tenant's appointment."""

from typing import Any

from tests.words import World


def mixed_up(**columns: Any) -> World:
    """Tenant 1's booking; the row that names it is tenant 2's, and only the SELECT shows it."""
    world = World()
    world.booking("4fQx")
    world.appointment("17", booking="4fQx", company_id=2, **columns)
    world.hears("BOOKING_CREATED", "4fQx")
    return world


def test_it_is_told_instead_of_an_orphan() -> None:
    assert mixed_up().until(20).told() == ["opened tenant_mismatch booking 4fQx"]


def test_it_takes_no_longer_than_the_orphan_would() -> None:
    assert mixed_up().until(20).told_at("tenant_mismatch") <= 6.2


def test_whose_row_it_is_stands_in_restricted_evidence_alone() -> None:
    finding = mixed_up().until(20).finding("tenant_mismatch")
    assert finding.appointment_id is None
    assert [item.what for item in finding.evidence if item.restricted] == ["held by appointment 17 of tenant 2"]
    assert "tenant 2" not in str([finding.differences, finding.local, finding.calcom])


def test_a_cancelled_row_of_another_tenant_holds_nothing() -> None:
    assert mixed_up(status="cancelled").until(20).told() == ["opened orphaned_calcom booking 4fQx"]


def test_a_row_of_our_own_beside_the_foreign_one_is_enough() -> None:
    world = mixed_up()
    world.writes("18", booking="4fQx")
    assert world.until(20).told() == []


def test_when_the_foreign_row_goes_the_orphan_is_proved_anew() -> None:
    """No event of the other tenant comes here: the re-read of the open finding finds it (§4a)."""
    world = mixed_up().until(20)
    world.rows.clear()
    world.until(120)
    assert world.told() == [
        "opened tenant_mismatch booking 4fQx",
        "resolved tenant_mismatch booking 4fQx (recovered)",
        "opened orphaned_calcom booking 4fQx",
    ]


def test_an_orphan_that_another_tenant_takes_is_superseded() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.until(10)
    world.appointment("17", booking="4fQx", company_id=2)
    world.until(120)
    assert world.told() == [
        "opened orphaned_calcom booking 4fQx",
        "opened tenant_mismatch booking 4fQx",
        "resolved orphaned_calcom booking 4fQx (superseded)",
    ]
