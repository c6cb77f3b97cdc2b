"""The quota of one key: at most so many requests in any minute, the urgent first, fewer while the server says so."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.calcom.quota import Quota
from connectors.calcom.quota_window import Priority, Usage, Window
from connectors.calcom.rate import RateNotice

URGENT, PROOF, SETTLE, REREAD = Priority.URGENT, Priority.PROOF, Priority.SETTLE, Priority.REREAD


def notice(remaining: int, reset: float = 30, limit: int = 120) -> RateNotice:
    return RateNotice(remaining=remaining, limit=limit, reset_seconds=reset)


def burst(window: Window, now: float, priority: Priority = URGENT) -> int:
    """How many requests go at once."""
    taken = 0
    while window.wait_seconds(now, priority) <= 0:
        window.take(now, priority)
        taken += 1
    return taken


def test_a_burst_may_take_the_whole_minute_and_nothing_more() -> None:
    window = Window(60)
    assert burst(window, now=0) == 60
    assert window.wait_seconds(30, URGENT) == 30
    assert burst(window, now=60) == 60


def test_the_last_quarter_is_for_urgent_reads_alone() -> None:
    window = Window(60)
    assert burst(window, 0, PROOF) == 45
    assert [window.wait_seconds(0, each) for each in (PROOF, Priority.POLL, SETTLE, REREAD)] == [60] * 4
    assert burst(window, 0, URGENT) == 15
    assert window.wait_seconds(0, URGENT) == 60


def test_a_quota_too_small_to_share_keeps_nothing_back() -> None:
    assert burst(Window(3), 0, PROOF) == 3


def test_a_server_that_takes_less_than_the_quota_has_a_smaller_last_quarter() -> None:
    window = Window(60)
    window.told(notice(remaining=10, reset=60, limit=10), now=0, in_flight=0)
    assert burst(window, 0, PROOF) == 8
    assert burst(window, 0, URGENT) == 2


@given(st.lists(st.floats(0, 20), max_size=200))
def test_no_sixty_seconds_ever_hold_more_than_the_quota(pauses: list[float]) -> None:
    window, now, taken = Window(10), 0.0, []
    for pause in pauses:
        now += pause
        if window.wait_seconds(now, URGENT) <= 0:
            window.take(now, URGENT)
            taken.append(now)
    assert all(sum(at <= other < at + 60 for other in taken) <= 10 for at in taken)


def test_rereads_take_at_most_a_quarter() -> None:
    window = Window(60)
    assert burst(window, 0, REREAD) == 15
    assert burst(window, 0, URGENT) == 45
    assert window.wait_seconds(1, REREAD) == 59


def test_the_servers_word_lowers_the_quota_until_its_reset() -> None:
    window = Window(60)
    window.told(notice(remaining=8, reset=20), now=0, in_flight=1)
    assert burst(window, now=1) == 2  # 8, less the one under way, less 5 kept for the application
    assert window.wait_seconds(1, URGENT) == 19
    assert burst(window, now=20) == 58


def test_an_answer_that_was_overtaken_does_not_raise_the_quota_again() -> None:
    window = Window(60)
    window.told(notice(remaining=6, reset=20), now=0, in_flight=0)
    window.told(notice(remaining=50, reset=19.9), now=0.1, in_flight=0)
    assert burst(window, now=1) == 1


def test_a_refusal_blocks_until_the_server_takes_requests_again() -> None:
    window = Window(60)
    window.block(now=0, seconds=42)
    assert window.wait_seconds(2, PROOF) == 40
    assert window.wait_seconds(42, PROOF) <= 0


async def test_when_requests_wait_the_urgent_goes_first() -> None:
    now = 0.0
    quota = Quota(1, lambda: now)
    await quota.turn(PROOF)
    order: list[Priority] = []

    async def wait(priority: Priority) -> None:
        await quota.turn(priority)
        order.append(priority)

    waiting = [asyncio.create_task(wait(priority)) for priority in (REREAD, SETTLE, PROOF)]
    for at in (60.0, 120.0, 180.0):
        await asyncio.sleep(0)
        now = at
        quota.told(notice(remaining=120, reset=0))
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order == [PROOF, SETTLE, REREAD]


async def test_who_gives_up_takes_nothing() -> None:
    now = 0.0
    quota = Quota(1, lambda: now)
    await quota.turn(PROOF)
    given_up = asyncio.create_task(quota.turn(PROOF))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    now = 60.0
    await quota.turn(PROOF)
    assert quota.wait_seconds(PROOF) == 60


async def test_a_request_goes_out_only_after_it_was_kept_with_all_granted_meanwhile() -> None:
    kept: list[Usage] = []
    storing, stored = asyncio.Event(), asyncio.Event()

    async def keep(usage: Usage) -> None:
        kept.append(usage)
        storing.set()
        await stored.wait()

    quota = Quota(60, lambda: 0.0, keep)
    turns = [asyncio.create_task(quota.turn(PROOF)) for _ in range(5)]
    await storing.wait()
    assert not any(turn.done() for turn in turns)
    stored.set()
    await asyncio.gather(*turns)
    assert kept[-1].ages == (0.0,) * 5
    assert len(kept) <= 2


async def test_a_request_that_cannot_be_kept_does_not_go_out() -> None:
    async def keep(_: Usage) -> None:
        raise OSError("the store is away")

    quota = Quota(60, lambda: 0.0, keep)
    with pytest.raises(OSError, match="away"):
        await quota.turn(PROOF)


@given(st.lists(st.floats(0, 59), max_size=60), st.floats(0, 100))
def test_a_process_that_starts_within_the_minute_goes_on_counting(sent: list[float], pause: float) -> None:
    before, after = Window(60), Window(60)
    for at in sorted(sent):
        before.take(at, URGENT)
    usage = before.usage(59)
    gone = Usage(ages=tuple(age + pause for age in usage.ages))  # as the store tells it a while later
    after.restore(1_000, gone)
    assert burst(after, 1_000) == burst(before, 59 + pause)


def test_what_the_server_said_outlives_the_process() -> None:
    window = Window(60)
    window.restore(0, Usage(blocked_seconds=12, told_left=3, told_seconds=40))
    assert window.wait_seconds(0, URGENT) == 12
    assert burst(window, 12) == 3
