"""The booking application of the simulated world: its keys, and the hours that it gives away."""

import random
from typing import cast

import pytest
from msgspec.structs import replace

from connectors.world.app.calcom_api import AccountApi, Booked
from connectors.world.app.crm import Crm
from connectors.world.app.practice import SLOT, Practice
from connectors.world.app.visit import Visit
from connectors.world.config import default_accounts
from connectors.world.instants import DAY, MINUTE

START = 1_790_000_100_000


def practice() -> Practice:
    """One without connections: hours are given away in its head."""
    return Practice(default_accounts(None)[0], cast(AccountApi, None), cast(Crm, None))


def visit() -> Visit:
    booked = Booked(id=7, uid="u", status="accepted", start=START, end=START + 30 * MINUTE, changed_at=START)
    return Visit(booked=booked, kind=practice().kinds["plain"], customer=10_001, email="", name="")


def test_the_same_wish_has_the_same_key_whatever_became_of_it() -> None:
    wish = visit()
    assert wish.key("website") == replace(wish, row="1", call="2").key("website")
    # customer:service:start:source in the namespace of design §4, worked out apart.
    assert wish.key("website") == "f2db2f82-6be4-5cd1-9a59-674c1d3afa25"


@pytest.mark.parametrize(
    "other",
    [
        replace(visit(), customer=10_002),
        replace(visit(), kind=practice().kinds["paid"]),
        replace(visit(), booked=replace(visit().booked, start=START + MINUTE)),
    ],
    ids=["another customer", "another service", "another start"],
)
def test_another_wish_has_another_key(other: Visit) -> None:
    assert other.key("website") != visit().key("website")


def test_another_source_has_another_key() -> None:
    assert visit().key("calcom") != visit().key("website")


def test_no_hour_of_a_host_is_given_away_twice() -> None:
    host, rng = practice(), random.Random(1)
    given = [host.slot(rng) for _ in range(200)]
    given += [host.slot_from(given[n]) for n in range(20)]
    weekly = [host.weekly_slot(rng, 3) for _ in range(20)]
    given += [start + week * 7 * DAY for start in weekly for week in range(3)]
    assert len(set(given)) == len(given)
    assert all(start % SLOT == 0 for start in given)
