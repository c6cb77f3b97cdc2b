"""The barrier: no tick passes before the data it stands behind."""

from streams.barrier import HELD_TICKS_MAX, Barrier

CALLS, WEBHOOKS = "crm.public.calls", "calcom.webhooks"


def test_a_tick_waits_until_every_input_was_read_to_the_end_that_it_carries() -> None:
    barrier = Barrier({CALLS: 10, WEBHOOKS: 5})
    barrier.hold({CALLS: 12, WEBHOOKS: 6}, 1000)
    assert barrier.release() is None
    barrier.processed(CALLS, 10)
    barrier.processed(CALLS, 11)
    assert barrier.release() is None
    barrier.processed(WEBHOOKS, 5)
    assert barrier.release() == 1000
    assert not barrier.waiting


def test_after_a_quiet_restart_the_seeded_positions_let_ticks_pass_without_a_single_record() -> None:
    barrier = Barrier({CALLS: 10, WEBHOOKS: 5})
    barrier.hold({CALLS: 10, WEBHOOKS: 5}, 1000)
    assert barrier.release() == 1000


def test_an_input_that_nobody_seeded_holds_ticks_back_unless_it_is_empty() -> None:
    barrier = Barrier({CALLS: 10})
    barrier.hold({CALLS: 10, WEBHOOKS: 0}, 1000)
    assert barrier.release() == 1000
    barrier.hold({CALLS: 10, WEBHOOKS: 1}, 2000)
    assert barrier.release() is None


def test_of_the_ticks_that_may_pass_the_newest_says_now() -> None:
    barrier = Barrier({CALLS: 0})
    for end, timestamp in ((1, 1000), (2, 2000), (9, 3000)):
        barrier.hold({CALLS: end}, timestamp)
    barrier.processed(CALLS, 0)
    barrier.processed(CALLS, 1)
    assert barrier.release() == 2000
    assert barrier.waiting  # for the record before 9


def test_no_tick_passes_before_all_that_was_there_when_the_partition_was_taken_over() -> None:
    barrier = Barrier({CALLS: 0, WEBHOOKS: 0}, {CALLS: 2, WEBHOOKS: 1})
    barrier.hold({CALLS: 1, WEBHOOKS: 0}, 1000)  # of an owner who was frozen before it was sent
    barrier.processed(CALLS, 0)
    assert barrier.release() is None
    barrier.processed(CALLS, 1)
    assert barrier.release() is None
    barrier.processed(WEBHOOKS, 0)
    assert barrier.release() == 1000


def test_now_never_goes_back() -> None:
    barrier = Barrier({CALLS: 0})
    barrier.hold({CALLS: 0}, 2000)
    assert barrier.release() == 2000
    barrier.hold({CALLS: 0}, 1500)  # of an owner before us
    assert barrier.release() is None
    assert barrier.now == 2000


def test_a_record_that_is_read_again_moves_no_position_back() -> None:
    barrier = Barrier({CALLS: 10})
    barrier.processed(CALLS, 3)
    assert barrier.positions == {CALLS: 10}


def test_records_that_the_log_has_lost_are_not_waited_for() -> None:
    barrier = Barrier({CALLS: 10})
    barrier.processed(CALLS, 40)  # compaction or retention took those between
    barrier.hold({CALLS: 41}, 1000)
    assert barrier.release() == 1000


def test_ticks_held_are_bounded_and_the_first_of_them_still_passes() -> None:
    barrier = Barrier({CALLS: 0})
    for number in range(HELD_TICKS_MAX + 10):
        barrier.hold({CALLS: number + 1}, 1000 + number)
    barrier.processed(CALLS, 0)
    assert barrier.release() == 1000
    barrier.processed(CALLS, HELD_TICKS_MAX + 9)
    assert barrier.release() == 1000 + HELD_TICKS_MAX - 1
    assert not barrier.waiting
