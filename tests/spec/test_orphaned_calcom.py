"""orphaned_calcom: a live booking in scope has no appointment."""

from tests.words import HOUR, World


def test_a_booking_without_an_appointment_is_told_after_grace_lag_wait_and_proof() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.until(12)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]
    assert 5 <= world.told_at("orphaned_calcom") <= 6.2


def test_a_row_that_comes_within_the_grace_is_no_finding() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.until(1.5).writes("17", booking="4fQx")
    assert world.until(20).told() == []


def test_a_row_written_but_not_captured_yet_is_found_by_the_select() -> None:
    """A stalled database feed must not make orphans: the SELECT sees what Debezium has not told."""
    world = World()
    world.booking("4fQx")
    world.appointment("17", booking="4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    assert world.until(20).told() == []


def test_a_booking_cancelled_before_the_read_is_no_finding() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.until(4)
    world.change("4fQx", status="cancelled")
    assert world.until(20).told() == []


def test_a_row_by_numeric_id_counts_as_the_bookings_appointment() -> None:
    world = World()
    world.booking("4fQx", id=31337)
    world.writes("17", booking="31337")
    world.until(0.6).hears("BOOKING_CREATED", "4fQx")
    assert world.until(30).told() == []


def test_a_row_that_comes_late_resolves_it_and_its_leaving_is_the_next_episode() -> None:
    world = World()
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    world.until(10).writes("17", booking="4fQx")
    world.until(15).deletes("17")
    world.until(30)
    assert world.told() == [
        "opened orphaned_calcom booking 4fQx",
        "resolved orphaned_calcom booking 4fQx (recovered)",
        "opened orphaned_calcom booking 4fQx",
    ]
    assert [finding.episode for _, finding in world.findings] == [1, 1, 2]


def test_while_calcom_cannot_be_read_nothing_is_told_and_afterwards_it_is() -> None:
    world = World()
    world.calcom_down = True
    world.booking("4fQx")
    world.hears("BOOKING_CREATED", "4fQx")
    assert world.until(60).told() == []
    world.calcom_down = False
    assert world.until(75).told() == ["opened orphaned_calcom booking 4fQx"]


def test_a_booking_found_by_the_poll_alone_is_told_too() -> None:
    world = World()
    world.booking("4fQx")
    world.polled("4fQx")
    assert world.until(12).told() == ["opened orphaned_calcom booking 4fQx"]


def test_a_booking_that_waits_for_payment_is_not_live() -> None:
    world = World()
    world.booking("4fQx", status="pending")
    world.hears("BOOKING_PAYMENT_INITIATED", "4fQx")
    assert world.until(30).told() == []


def test_a_past_booking_is_no_finding_and_an_open_one_expires_at_its_end() -> None:
    world = World()
    world.booking("4fQx", start=60, minutes=1)
    world.hears("BOOKING_CREATED", "4fQx")
    world.until(200)
    assert world.told() == [
        "opened orphaned_calcom booking 4fQx",
        "resolved orphaned_calcom booking 4fQx (expired)",
    ]
    late = World()
    late.booking("9cTx", start=-HOUR)
    late.hears("BOOKING_CREATED", "9cTx")
    assert late.until(30).told() == []


def test_a_repeated_webhook_moves_nothing() -> None:
    world = World()
    world.booking("4fQx")
    webhook = world.webhook("BOOKING_CREATED", "4fQx")
    world.heard(webhook)
    for second in (1, 2, 3, 4):
        world.until(second).heard(webhook)
    world.until(12)
    assert world.told() == ["opened orphaned_calcom booking 4fQx"]
    assert world.told_at("orphaned_calcom") <= 6.2
