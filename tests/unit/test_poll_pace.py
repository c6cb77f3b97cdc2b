"""The poll is seldom while the quota is low and often while it is free, within bounds."""

import pytest

from connectors.calcom.pace import poll_interval_seconds
from connectors.calcom.quota_window import Priority, Window
from connectors.calcom.rate import RateNotice


@pytest.mark.parametrize(
    ("configured", "left_share", "seconds"),
    [
        (45, 1.0, 22.5),  # free
        (45, 0.75, 22.5),
        (45, 0.5, 45),  # half used up
        (45, 0.25, 67.5),  # low
        (45, 0.0, 67.5),
        (5, 1.0, 5),  # never more often
        (300, 0.0, 300),  # never more seldom
    ],
)
def test_the_interval_follows_what_is_left(configured: float, left_share: float, seconds: float) -> None:
    assert poll_interval_seconds(configured, left_share) == pytest.approx(seconds)


def test_what_is_left_is_the_lower_of_our_own_window_and_the_servers_word() -> None:
    window = Window(60)
    assert window.left_share(0) == 1
    for _ in range(15):
        window.take(0, Priority.POLL)
    assert window.left_share(0) == 0.75
    window.told(RateNotice(remaining=35, limit=120, reset_seconds=60), 0, 0)
    assert window.left_share(0) == 0.5  # 35 less a reserve of 5, of the 60 that are ours
    window.block(0, 60)
    assert window.left_share(0) == 0
    assert window.left_share(61) == 1


def test_passes_take_at_most_half_of_the_quota_and_leave_the_rest_to_proofs() -> None:
    window = Window(60)
    for _ in range(30):
        assert window.wait_seconds(0, Priority.SWEEP) == 0
        window.take(0, Priority.SWEEP)
    assert window.wait_seconds(0, Priority.SWEEP) == 60
    assert window.wait_seconds(0, Priority.PROOF) == 0


def test_settling_takes_at_most_half_of_the_quota_and_leaves_the_rest_to_proofs() -> None:
    window = Window(60)
    for _ in range(30):
        assert window.wait_seconds(0, Priority.SETTLE) == 0
        window.take(0, Priority.SETTLE)
    assert window.wait_seconds(0, Priority.SETTLE) == 60
    assert window.wait_seconds(0, Priority.PROOF) == 0
