"""How long until everything that waits is proved, and through which instant a side is compared."""

import pytest

from connectors.store.coverage import Source, through_of_calcom, through_of_database
from connectors.store.planning import Queued, Quota, Waiting, full_proof_seconds

ACCOUNTS = {"1": ("harbor",), "2": ("quay", "pier"), "3": ("mole",)}


def quota(*accounts: str, left: int = 60, answered: int = 0, blocked: float = 0) -> Quota:
    return Quota(
        accounts=accounts,
        requests_per_minute=60,
        urgent_per_minute=15,
        left=left,
        answered_last_minute=answered,
        blocked_seconds=blocked,
    )


def proofs(count: int, numeric: int = 0) -> Queued:
    return Queued(waiting=Waiting(proof=count), requests=count + numeric)


def seconds(key: Quota, waiting: dict[str, Queued], away: tuple[str, ...] = ()) -> float | None:
    return full_proof_seconds(key, waiting, lambda tenant: ACCOUNTS[tenant], away)


@pytest.mark.parametrize(
    ("key", "waiting", "expected"),
    [
        (quota("harbor"), {}, 0),
        (quota("harbor"), {"1": proofs(45)}, 0),  # the quota takes them all now
        (quota("harbor"), {"1": proofs(90)}, 60),  # and as many again a minute later
        (quota("harbor", left=0), {"1": proofs(45)}, 60),
        (quota("harbor"), {"1": proofs(45, numeric=45)}, 60),  # a numeric id takes two passes
        (quota("harbor", left=0, answered=900), {"1": proofs(900)}, 60),  # list pages answer many at once
        (quota("harbor", left=0, answered=1), {"1": proofs(45)}, 60),  # an idle minute says nothing
        (quota("harbor", left=0, blocked=30), {"1": proofs(45)}, 90),
        (quota("pier"), {"2": proofs(45)}, 60),  # two accounts are asked for each
        (quota("harbor", "mole", left=0), {"1": proofs(45), "3": proofs(45)}, 120),  # one key for both
        (quota("harbor", left=0), {"3": proofs(45)}, 0),  # another key's
    ],
)
def test_the_full_proof_takes_as_long_as_the_quota_is_waited_for(
    key: Quota, waiting: dict[str, Queued], expected: float
) -> None:
    assert seconds(key, waiting) == expected


def test_while_calcom_is_away_nobody_can_say() -> None:
    assert seconds(quota("harbor"), {"1": proofs(1)}, away=("harbor",)) is None
    assert seconds(quota("harbor"), {"1": proofs(1)}, away=("quay",)) == 0


def source(name: str, heard: str | None) -> Source:
    return Source(source=name, state="live", since="", heard_through=heard, why="")


def test_the_databases_side_is_compared_as_far_as_it_was_heard_of() -> None:
    clock = source("clock", "08:00")
    assert through_of_database("12:00", [clock, source("database", "11:00")]) == "11:00"
    assert through_of_database("10:00", [clock, source("database", "11:00")]) == "10:00"
    assert through_of_database("10:00", [clock, source("database", None)]) is None
    assert through_of_database("10:00", [clock]) == "10:00"


def test_calcoms_side_is_compared_as_far_as_lists_have_shown_of_every_account() -> None:
    heard = [source("calcom:a", "11:00"), source("webhooks:a", "11:59"), source("webhooks:b", "10:30")]
    assert through_of_calcom("12:00", heard, ("a",)) == "11:00"
    assert through_of_calcom("12:00", heard, ("a", "b")) == "10:30"
    assert through_of_calcom("12:00", [*heard, source("calcom:b", None)], ("a", "b")) is None
