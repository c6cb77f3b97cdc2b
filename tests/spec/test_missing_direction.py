"""missing_direction: a call without direction."""

import pytest

from tests.words import World


@pytest.mark.parametrize(
    ("direction", "told"),
    [
        (None, ["opened missing_direction call 5"]),
        ("", ["opened missing_direction call 5"]),
        ("outbound", []),
    ],
)
def test_a_direction_that_is_null_or_empty(direction: str | None, told: list[str]) -> None:
    world = World()
    world.calls("5", direction=direction)
    world.until(10)
    assert world.told() == told
    assert all(when <= 3.2 for when, _ in world.findings)


def test_a_flag_mended_within_its_grace_is_none_and_later_it_resolves() -> None:
    world = World()
    world.calls("5", direction=None)
    world.until(1.5).calls("5", direction="inbound")
    assert world.until(20).told() == []
    world.calls("6", direction=None)
    world.until(30).calls("6", direction="inbound")
    world.until(31)
    assert world.told() == [
        "opened missing_direction call 6",
        "resolved missing_direction call 6 (recovered)",
    ]


def test_a_call_that_is_deleted_ends_it() -> None:
    world = World()
    world.calls("5", direction=None)
    world.until(10).deletes("5", table="calls")
    world.until(12)
    assert world.told()[-1] == "resolved missing_direction call 5 (recovered)"
