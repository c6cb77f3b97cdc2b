"""duplicate_booking: two accepted bookings of one host for one start (facts/calcom.md §6.16)."""

from typing import Any

from tests.words import HOUR, World


def twice(**second: Any) -> World:
    """Two bookings of host 7 at one start, each with its row."""
    world = World()
    for row, uid, more in (("17", "4fQx", {}), ("18", "5gRy", second)):
        world.booking(uid, **({"hosts": [{"id": 7}]} | more))
        world.hears("BOOKING_CREATED", uid)
        start = more.get("start", HOUR)
        world.writes(row, booking=uid, customer_id=int(row), start=start)
    return world


def test_the_later_one_is_told() -> None:
    world = twice().until(30)
    assert world.told() == ["opened duplicate_booking booking 5gRy"]
    assert "4fQx" in str(world.finding("duplicate_booking").evidence)


def test_both_are_read_in_the_round() -> None:
    world = twice().until(4)
    world.change("4fQx", status="cancelled")
    assert "opened duplicate_booking booking 5gRy" not in world.until(30).told()


def test_another_host_or_another_start_is_none() -> None:
    assert twice(hosts=[{"id": 8}]).until(30).told() == []
    assert twice(start=HOUR * 2).until(30).told() == []


def test_a_deleted_host_names_nobody() -> None:
    """All values of a host that is gone are the word "unknown" (facts/calcom.md §4)."""
    assert twice(hosts=[{"id": "unknown"}]).until(30).told() == []
    world = World()
    for row, uid in (("17", "4fQx"), ("18", "5gRy")):
        world.booking(uid, hosts=[{"id": "unknown"}])
        world.hears("BOOKING_CREATED", uid)
        world.writes(row, booking=uid, customer_id=int(row))
    assert world.until(30).told() == []


def test_seats_share_a_start() -> None:
    assert twice(seated=True).until(30).told() == []


def test_occurrences_of_one_series_are_meant() -> None:
    world = World()
    for row, uid in (("17", "4fQx"), ("18", "5gRy")):
        world.booking(uid, hosts=[{"id": 7}], recurringBookingUid="ser1")
        world.hears("BOOKING_CREATED", uid)
        world.writes(row, booking=uid, customer_id=int(row))
    assert world.until(30).told() == []


def test_a_pending_one_does_not_hold_the_host() -> None:
    assert [line for line in twice(status="pending").until(30).told() if "duplicate" in line] == []


def test_links_of_one_chain_are_one_booking() -> None:
    world = World()
    world.booking("4fQx", hosts=[{"id": 7}])
    world.reschedule("4fQx", "5gRy", start=HOUR)
    world.change("5gRy", hosts=[{"id": 7}])
    world.hears("BOOKING_RESCHEDULED", "5gRy")
    world.writes("17", booking="5gRy")
    assert world.until(30).told() == []


def test_a_duplicate_without_a_row_is_one_alert() -> None:
    world = World()
    for uid in ("4fQx", "5gRy"):
        world.booking(uid, hosts=[{"id": 7}])
        world.hears("BOOKING_CREATED", uid)
    world.writes("17", booking="4fQx")
    assert world.until(30).told() == ["opened duplicate_booking booking 5gRy"]


def test_of_three_the_two_later_ones_are_told() -> None:
    world = World()
    for row, uid in (("17", "4fQx"), ("18", "5gRy"), ("19", "6hSz")):
        world.booking(uid, hosts=[{"id": 7}])
        world.hears("BOOKING_CREATED", uid)
        world.writes(row, booking=uid, customer_id=int(row))
    world.until(30)
    assert sorted(world.told()) == ["opened duplicate_booking booking 5gRy", "opened duplicate_booking booking 6hSz"]


def test_a_cancelled_one_resolves_it() -> None:
    world = twice().until(30)
    world.change("5gRy", status="cancelled")
    world.hears("BOOKING_CANCELLED", "5gRy")
    world.writes("18", status="cancelled")
    world.until(50)
    assert world.told()[1:] == ["resolved duplicate_booking booking 5gRy (recovered)"]
