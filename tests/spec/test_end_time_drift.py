"""end_time_drift: the starts agree, the ends differ by more than the tolerance."""

import pytest

from tests.words import HOUR, pair


def test_another_end_alone_is_end_time_drift() -> None:
    assert pair(minutes=45).until(20).told() == ["opened end_time_drift appointment 17"]


def test_another_start_speaks_for_the_end_too() -> None:
    assert pair(start=HOUR * 2, minutes=60).until(20).told() == ["opened start_time_drift appointment 17"]


@pytest.mark.parametrize(("minutes", "told"), [(31, []), (29, []), (32, ["opened end_time_drift appointment 17"])])
def test_a_minute_is_tolerated_here_too(minutes: int, told: list[str]) -> None:
    assert pair(minutes=minutes).until(20).told() == told


def test_it_is_told_within_seven_seconds_and_ends_with_the_rows_change() -> None:
    world = pair(minutes=45)
    world.until(20).writes("17", minutes=30, start=HOUR)
    world.until(21)
    assert world.told() == [
        "opened end_time_drift appointment 17",
        "resolved end_time_drift appointment 17 (recovered)",
    ]
    assert world.told_at("end_time_drift") <= 7


def test_a_row_without_an_end_gives_no_judgement() -> None:
    world = pair()
    world.until(10).writes("17", ends_at=None)
    assert world.until(30).told() == []
