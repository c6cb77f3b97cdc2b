"""duplicate_appointment: two active rows for one appointment."""

from datetime import UTC
from typing import Any
from uuid import UUID, uuid5

import pytest

from streams.alerts.texts import summary
from tests.words import HOUR, World, clock

ANA: dict[str, object] = {"customer_id": 7, "service_id": 3}
OUR_KEYS = UUID("550e8400-e29b-41d4-a716-446655440000")


def booked(uid: str = "4fQx", **booking: Any) -> World:
    world = World()
    world.booking(uid, **booking)
    world.hears("BOOKING_CREATED", uid)
    return world


def duplicates(world: World) -> list[str]:
    return [line for line in world.told() if "duplicate_appointment" in line]


def test_two_rows_of_one_booking_are_told_of_the_later() -> None:
    world = booked()
    world.writes("9", booking="4fQx")
    world.writes("10", booking="4fQx")
    world.until(12)
    assert world.told() == ["opened duplicate_appointment appointment 10"]
    finding = world.finding("duplicate_appointment")
    assert (finding.appointment_id, finding.booking_uid) == ("10", "4fQx")
    assert any(item.what == "row 9" for item in finding.evidence)
    assert [(d.field, d.local, d.calcom) for d in finding.differences] == [("appointment", "9, 10", "4fQx")]
    assert 4 <= world.told_at("duplicate_appointment") <= 6


def test_the_order_of_arrival_does_not_matter() -> None:
    world = booked()
    world.writes("10", booking="4fQx")
    world.writes("9", booking="4fQx")
    assert world.until(12).told() == ["opened duplicate_appointment appointment 10"]


def test_uid_and_numeric_id_name_one_booking() -> None:
    world = booked(id=900)
    world.writes("9", booking="4fQx")
    world.writes("10", booking="900")
    assert world.until(12).told() == ["opened duplicate_appointment appointment 10"]


def test_a_numeric_id_that_nobody_told_of_is_looked_for_first() -> None:
    world = World()
    world.booking("4fQx", id=900)
    world.writes("9", booking="900")
    world.writes("10", booking="900")
    assert world.until(20).told() == ["opened duplicate_appointment appointment 10"]


def test_a_class_has_a_row_for_each_customer_and_only_one() -> None:
    """Seats: one uid, many attendees (facts/calcom.md §1.7)."""
    world = booked(seated=True)
    for row, customer in (("9", 7), ("10", 8), ("11", 7), ("12", None), ("13", None)):
        world.writes(row, booking="4fQx", customer_id=customer)
    assert world.until(20).told() == ["opened duplicate_appointment appointment 11"]


def test_whether_it_is_a_class_is_read_before_anything_is_told() -> None:
    world = World()
    world.booking("4fQx", seated=True)
    world.writes("9", booking="4fQx", customer_id=7)
    world.writes("10", booking="4fQx", customer_id=8)
    assert world.until(30).told() == []


def test_while_cal_com_does_not_answer_rows_of_two_customers_may_be_a_class() -> None:
    world = World()
    world.booking("4fQx")
    world.calcom_down = True
    world.writes("9", booking="4fQx", customer_id=7)
    world.writes("10", booking="4fQx", customer_id=8)
    assert duplicates(world.until(30)) == []


@pytest.mark.parametrize(("apart", "told"), [(0, True), (299, True), (300, True), (301, False)])
def test_one_customer_and_service_within_five_minutes(apart: int, told: bool) -> None:
    world = World()
    world.writes("9", start=HOUR + 299, source="web", **ANA)
    world.writes("10", start=HOUR + 299 + apart, source="phone", **ANA)
    assert bool(duplicates(world.until(12))) is told


@pytest.mark.parametrize("other", [{"service_id": 4}, {"customer_id": 8}, {"service_id": None}])
def test_another_customer_or_service_is_another_appointment(other: dict[str, object]) -> None:
    world = World()
    world.writes("9", **ANA)
    world.writes("10", **ANA | other)
    assert duplicates(world.until(12)) == []


def test_the_same_stored_key_whatever_else_differs() -> None:
    world = World()
    world.writes("9", start=HOUR, idempotency_key="web-abc")
    world.writes("10", start=HOUR * 5, idempotency_key="web-abc")
    world.writes("11", start=HOUR * 5, idempotency_key="WEB-ABC")
    assert duplicates(world.until(12)) == ["opened duplicate_appointment appointment 10"]


def test_a_row_without_a_key_has_the_one_that_its_pieces_give() -> None:
    """The stored one was moved since; its key tells what it was made for (design §4)."""
    key = str(uuid5(OUR_KEYS, f"7:3:{clock(HOUR)}:web"))
    world = World()
    world.writes("9", start=HOUR * 3, idempotency_key=key, **ANA)
    world.writes("10", start=HOUR, source="web", **ANA)
    assert duplicates(world.until(12)) == ["opened duplicate_appointment appointment 10"]


@pytest.mark.parametrize("lacking", [{"customer_id": None}, {"service_id": None}, {"source": None}])
def test_without_all_its_pieces_there_is_no_key(lacking: dict[str, object]) -> None:
    world = World()
    world.writes("9", start=HOUR * 2, **ANA | lacking)
    world.writes("10", start=HOUR * 3, **ANA | lacking)
    assert duplicates(world.until(12)) == []


def test_three_rows_are_two_alerts() -> None:
    world = World()
    for row in ("9", "10", "11"):
        world.writes(row, **ANA)
    assert sorted(world.until(12).told()) == [
        "opened duplicate_appointment appointment 10",
        "opened duplicate_appointment appointment 11",
    ]


@pytest.mark.parametrize("status", ["cancelled", "completed", "no_show"])
def test_a_row_that_is_not_active_is_no_twin(status: str) -> None:
    world = World()
    world.writes("9", status=status, **ANA)
    world.writes("10", **ANA)
    assert world.until(12).told() == []


def test_links_of_one_chain_are_the_drifts_and_the_missed_reschedules_business() -> None:
    """A reschedule that made a new row and left the old one active."""
    world = booked("oldA", start=HOUR)
    world.writes("9", booking="oldA", **ANA)
    world.until(10).reschedule("oldA", "newB", start=HOUR + 240)
    world.hears("BOOKING_RESCHEDULED", "newB")
    world.writes("10", booking="newB", start=HOUR + 240, **ANA)
    assert world.until(40).told() == ["opened status_drift appointment 9"]


def test_a_new_row_that_replaces_the_old_within_the_grace_is_none() -> None:
    world = World()
    world.writes("9", **ANA)
    world.until(10).writes("10", **ANA)
    world.until(13).writes("9", status="cancelled")
    assert world.until(30).told() == []


def test_the_rows_are_read_before_it_is_told() -> None:
    """The change that cancelled the first was lost on the way."""
    world = World()
    world.writes("9", **ANA)
    world.until(10).appointment("9", status="cancelled")
    world.writes("10", **ANA)
    assert world.until(30).told() == []


@pytest.mark.parametrize("kept", ["9", "10"])
def test_it_ends_when_either_is_cancelled(kept: str) -> None:
    world = booked()
    world.writes("9", booking="4fQx", **ANA)
    world.writes("10", booking="4fQx", **ANA)
    world.until(12).writes("9" if kept == "10" else "10", status="cancelled")
    assert world.until(20).told()[1:] == ["resolved duplicate_appointment appointment 10 (recovered)"]


def test_it_is_over_with_the_end_of_either() -> None:
    world = World()
    world.writes("9", start=60, minutes=1, idempotency_key="same")
    world.writes("10", start=600, idempotency_key="same")
    world.until(130)
    assert "resolved duplicate_appointment appointment 10 (expired)" in world.told()


def test_the_end_of_one_twin_leaves_it_open_while_another_lasts() -> None:
    world = World()
    world.writes("8", start=60, minutes=1, idempotency_key="same")
    world.writes("9", start=900, idempotency_key="same")
    world.writes("10", start=900, idempotency_key="same")
    world.until(130)
    assert [line for line in world.told() if "appointment 10" in line] == [
        "opened duplicate_appointment appointment 10"
    ]


def test_it_speaks_for_whatever_else_is_wrong_with_the_second_row() -> None:
    """No booking, and a time of its own: one cause, one alert (design §5)."""
    world = booked()
    world.writes("9", booking="4fQx", **ANA)
    world.writes("10", booking="4fQx", start=HOUR * 2, **ANA)
    world.writes("11", **ANA)
    assert sorted(world.until(1000, every=1).told()) == [
        "opened duplicate_appointment appointment 10",
        "opened duplicate_appointment appointment 11",
    ]


def test_a_row_that_moved_away_is_no_twin_of_those_who_come_after_it() -> None:
    """The link between them stays and says nothing: the facts decide."""
    world = World()
    world.writes("9", start=HOUR, **ANA)
    world.until(10).writes("9", start=HOUR * 4)
    world.writes("10", start=HOUR, **ANA)
    world.until(30).writes("11", start=HOUR + 120, **ANA)
    assert world.until(50).told() == ["opened duplicate_appointment appointment 11"]


def test_a_customer_with_many_appointments_has_many_causes() -> None:
    world = World()
    for day in range(300):
        world.writes(str(100 + day), start=HOUR * (1 + day), **ANA)
    world.until(1)
    index = world.engine._index
    assert {len(index.cause(key)) for key in index.rows} == {1}


def test_twins_are_found_again_after_a_restart() -> None:
    world = World()
    world.writes("9", **ANA)
    world.until(5).restarts()
    world.writes("10", **ANA)
    assert world.until(15).told() == ["opened duplicate_appointment appointment 10"]


def test_people_read_which_rows_they_are() -> None:
    world = booked()
    world.writes("9", booking="4fQx")
    world.writes("10", booking="4fQx")
    text = summary(world.until(12).finding("duplicate_appointment"), UTC)
    assert text.startswith("rows 9, 10 · Cal.com: accepted, ")
