"""A fault that comes and goes is one alert with a count, and need not be told each time."""

from itertools import permutations

from streams.alerts.alert import Ledger
from streams.alerts.flapping import RETURNS_KEPT, flapping_until, is_flapping
from streams.model.records import Finding
from tests.alert_words import Life, at, finding


def returning(*minutes: float) -> list[Finding]:
    """A fault that opens at each of these minutes, and is over a minute later."""
    return [
        one
        for episode, minute in enumerate(minutes, start=1)
        for one in (
            finding("opened", minute, episode=episode),
            finding("resolved", minute + 1, proved=minute, episode=episode),
        )
    ]


def flaps(life: Life, minutes: float) -> bool:
    assert life.tracked is not None
    return is_flapping(life.tracked.ledger, at(minutes))


def test_three_returns_within_an_hour_are_flapping() -> None:
    assert not flaps(Life().hears(*returning(0, 10, 20)), 22)  # the first time is no return
    assert flaps(Life().hears(*returning(0, 10, 20, 30)), 32)


def test_the_count_that_people_see_is_the_episode() -> None:
    assert Life().hears(*returning(0, 10, 20, 30)).alert.episode == 4


def test_three_returns_within_more_than_an_hour_are_three_faults() -> None:
    assert not flaps(Life().hears(*returning(0, 10, 41, 71)), 72)


def test_ten_minutes_of_rest_end_it() -> None:
    life = Life().hears(*returning(0, 10, 20, 30))
    assert flaps(life, 40.9)
    assert not flaps(life, 41)  # over at 31


def test_a_fault_that_stays_has_come_to_rest_too() -> None:
    stays = Life().hears(*returning(0, 10, 20, 30)[:-1])
    assert flaps(stays, 39.9)
    assert not flaps(stays, 40)
    stays.hears(finding("resolved", 300, proved=30, episode=4))
    assert not flaps(stays, 301)


def test_a_fault_that_never_came_back_does_not_flap() -> None:
    life = Life().hears(finding("opened", 1))
    assert life.tracked is not None
    assert flapping_until(life.tracked.ledger) is None


def test_the_last_few_returns_are_remembered_and_no_more() -> None:
    life = Life().hears(*returning(*range(0, 200, 10)))
    assert life.tracked is not None
    assert len(life.tracked.ledger.returns) == RETURNS_KEPT


def test_a_new_workers_proof_of_the_same_fault_is_no_return() -> None:
    life = Life().hears(*returning(0, 10)[:-1])
    assert life.tracked is not None
    before = life.tracked.ledger.returns
    life.hears(finding("opened", 30, generation=2))
    assert life.tracked.ledger.returns == before == ((2, at(10)),)


def test_the_order_of_arrival_does_not_matter() -> None:
    opened = returning(0, 10, 20, 30)[::2]
    assert {flapping_until(_ledger(order)) for order in permutations(opened)} == {at(40)}


def _ledger(findings: tuple[Finding, ...]) -> Ledger:
    life = Life().hears(*findings)
    assert life.tracked is not None
    return life.tracked.ledger
