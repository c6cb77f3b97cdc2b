"""When which entity is looked at again: at once, at its earliest deadline, or never; one deadline an entity."""

import pytest

from streams.cases.deadlines import Deadlines
from streams.cases.step import FAR
from streams.facts.index import Key

A, B, C = (Key("a", "1", str(number)) for number in (17, 18, 19))


def taken(deadlines: Deadlines) -> list[Key]:
    """Everything that is due, in turn."""
    found = []
    while (key := deadlines.head()) is not None:
        found.append(key)
        deadlines.settle([key])
    return found


def test_nothing_is_due_at_first() -> None:
    deadlines = Deadlines()
    assert not deadlines
    assert (len(deadlines), deadlines.head(), deadlines.hint(A)) == (0, None, 0)


def test_whoever_is_due_longest_is_first_however_often_it_is_named() -> None:
    deadlines = Deadlines()
    for key in (B, A, B, C):
        deadlines.now(key)
    assert deadlines
    assert len(deadlines) == 3
    assert taken(deadlines) == [B, A, C]


@pytest.mark.parametrize(("now", "due"), [(999, []), (1_000, [A]), (1_001, [A])])
def test_a_deadline_is_due_at_its_instant(now: int, due: list[Key]) -> None:
    deadlines = Deadlines()
    deadlines.later(A, 1_000)
    deadlines.pass_time(now)
    assert taken(deadlines) == due


def test_the_earlier_of_two_deadlines_stands_and_is_due_once() -> None:
    deadlines = Deadlines()
    for at in (2_000, 1_000, 3_000):
        deadlines.later(A, at)
    assert deadlines.hint(A) == 1_000
    deadlines.pass_time(1_000)
    assert taken(deadlines) == [A]
    deadlines.pass_time(5_000)
    assert taken(deadlines) == []


def test_deadlines_fall_due_in_their_order() -> None:
    deadlines = Deadlines()
    for key, at in ((A, 3_000), (B, 1_000), (C, 2_000)):
        deadlines.later(key, at)
    deadlines.pass_time(2_500)
    assert taken(deadlines) == [B, C]
    deadlines.pass_time(3_000)
    assert taken(deadlines) == [A]


@pytest.mark.parametrize("never", [0, FAR])
def test_none_and_far_are_no_deadlines(never: int) -> None:
    deadlines = Deadlines()
    deadlines.later(A, never)
    deadlines.pass_time(FAR)
    assert taken(deadlines) == []
    assert deadlines.hint(A) == 0


def test_a_deadline_of_one_is_one() -> None:
    """What a restarted worker must look at at once."""
    deadlines = Deadlines()
    deadlines.later(A, 1)
    deadlines.pass_time(1)
    assert taken(deadlines) == [A]


def test_what_is_judged_has_no_deadline_left_until_it_gets_a_new_one() -> None:
    deadlines = Deadlines()
    for key in (A, B):
        deadlines.later(key, 1_000)
        deadlines.held(key)
    deadlines.now(A)
    deadlines.settle([A, C])
    assert [deadlines.hint(key) for key in (A, B, C)] == [0, 1, 0]
    deadlines.later(A, 2_000)
    deadlines.pass_time(1_000)
    assert taken(deadlines) == [B]
    deadlines.pass_time(2_000)
    assert taken(deadlines) == [A]


def test_a_restarted_worker_looks_at_once_at_what_was_due_or_waited_for_a_source() -> None:
    deadlines = Deadlines()
    deadlines.now(A)
    deadlines.held(B)
    deadlines.later(C, 5_000)
    assert [deadlines.hint(key) for key in (A, B, C)] == [1, 1, 5_000]
