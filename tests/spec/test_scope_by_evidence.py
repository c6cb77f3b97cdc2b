"""What never has a partner is taken out of scope, after complete coverage (design §4, "Scope")."""

from tests.words import HOUR, World, pair

PRIVATE = 99


def private_calendar(bookings: int) -> World:
    """Bookings of an event type of which no row ever comes; they were there before, and lie behind us."""
    world = World()
    for number in range(bookings):
        world.booking(f"priv{number}x", start=-HOUR * (number + 2), eventTypeId=PRIVATE)
        world.polled(f"priv{number}x")
    return world


def covered(world: World) -> World:
    world.passes("calcom")
    world.passes("database")
    return world.until(world.now + 2)


def new_private_booking(world: World) -> World:
    world.booking("newone", eventTypeId=PRIVATE)
    world.hears("BOOKING_CREATED", "newone")
    return world.until(world.now + 30)


def test_an_event_type_with_ten_bookings_and_no_appointment_is_out_and_told_once() -> None:
    world = covered(private_calendar(10))
    assert new_private_booking(world).told() == []
    assert world.until(2000, every=5.0).notes == [
        "tenant 1: never matched, so out of scope: event types ('99',), sources ()"
    ]


def test_nine_are_too_few() -> None:
    world = covered(private_calendar(9))
    assert new_private_booking(world).told() == ["opened orphaned_calcom booking newone"]


def test_before_both_sides_are_covered_nothing_is_out() -> None:
    world = private_calendar(10)
    world.passes("calcom")
    world.until(2)
    assert new_private_booking(world).told() == ["opened orphaned_calcom booking newone"]


def test_a_call_that_names_one_keeps_it_in() -> None:
    world = private_calendar(10)
    world.calls("5", booking_id="priv3x")
    covered(world)
    assert new_private_booking(world).told() == ["opened orphaned_calcom booking newone"]


def test_an_open_alert_keeps_it_in() -> None:
    world = private_calendar(10)
    assert new_private_booking(world).told() == ["opened orphaned_calcom booking newone"]
    covered(world)
    world.until(700, every=1.0)
    assert world.told() == ["opened orphaned_calcom booking newone"]


def test_the_first_partner_brings_it_back() -> None:
    world = new_private_booking(covered(private_calendar(10)))
    world.booking("paired", eventTypeId=PRIVATE)
    world.hears("BOOKING_CREATED", "paired")
    world.writes("17", booking="paired", customer_id=5)
    world.until(world.now + 30)
    assert world.told() == ["opened orphaned_calcom booking newone"]


def test_a_restart_remembers_what_is_out() -> None:
    world = covered(private_calendar(10))
    world.restarts()
    assert new_private_booking(world).told() == []


def test_the_matched_share_of_each_group_is_told() -> None:
    world = covered(private_calendar(10))
    world.until(30)
    shares = {(share.kind, share.id): share for share in world.standings[-1][1].shares}
    assert (shares["event_type", "99"].total, shares["event_type", "99"].matched) == (10, 0)
    assert shares["event_type", "99"].out


def test_a_pair_counts_as_matched() -> None:
    world = covered(pair().until(5))
    world.until(30)
    assert [(share.kind, share.matched) for share in world.standings[-1][1].shares] == [
        ("event_type", 1),
        ("source", 1),
    ]
