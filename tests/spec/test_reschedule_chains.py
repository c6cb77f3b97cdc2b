"""The reschedule chains of a cause: their order, since when each link is what it is, and what it says of itself."""

from typing import Any

import pytest

from streams.facts.cause import Link
from streams.model.facts import CallRow
from tests.fact_words import Facts, chains, change, link, read, row, select, told
from tests.truth import at

# Chains --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [("z1", "y2", "x3"), ("x3", "y2", "z1"), ("y2", "x3", "z1")])
def test_a_chain_stands_oldest_first_however_it_was_learnt(order: tuple[str, ...]) -> None:
    known = {
        "z1": [read(0, "cancelled", successor="y2")],
        "y2": [told(1, predecessor="z1")],
        "x3": [told(2, predecessor="y2")],
    }
    facts = Facts()
    for uid in order:
        facts.booking(uid, *known[uid])
    for uid in order:
        cause = facts.cause("b", uid)
        assert chains(cause) == [["z1", "y2", "x3"]]
        assert (cause.chains[0].oldest.uid, cause.chains[0].newest.uid) == ("z1", "x3")
        assert [each.superseded for each in cause.chains[0].links] == [True, True, False]
        assert all(each.chain is cause.chains[0] for each in cause.chains[0].links)


def test_of_two_successors_the_one_with_the_greater_number_is_the_newest() -> None:
    facts = Facts().booking("m0", told(0))
    facts.booking("a1", told(1, predecessor="m0", numeric_id="1000"))
    facts.booking("b2", told(2, predecessor="m0", numeric_id="999"))
    assert chains(facts.cause("b", "m0")) == [["m0", "b2", "a1"]]
    facts.booking("c3", told(3, predecessor="m0")).booking("d4", told(3, predecessor="m0"))
    assert chains(facts.cause("b", "m0")) == [["m0", "c3", "d4", "b2", "a1"]]


def test_a_link_comes_after_all_its_predecessors() -> None:
    """Two bookings moved into one: the longer way counts."""
    facts = Facts().booking("a0", read(0, "cancelled", successor="b1"))
    facts.booking("b1", read(1, "cancelled", successor="d3")).booking("c9", read(1, "cancelled", successor="d3"))
    facts.booking("d3", told(2))
    assert chains(facts.cause("b", "d3")) == [["a0", "c9", "b1", "d3"]]


def test_a_chain_that_bites_its_tail_has_an_order_all_the_same() -> None:
    facts = Facts().booking("a0", read(0, successor="b1")).booking("b1", read(0, successor="a0"))
    assert chains(facts.cause("b", "a0")) == [["a0", "b1"]]
    alone = Facts().booking("c2", read(0, successor="c2", predecessor="c2"))
    assert chains(alone.cause("b", "c2")) == [["c2"]]
    assert not link(alone.cause("b", "c2"), "c2").superseded


def test_chains_stand_by_the_smallest_of_their_uids() -> None:
    facts = Facts().booking("a1", told(0)).booking("b2", told(0)).booking("c3", told(1, predecessor="a1"))
    assert chains(facts.all()) == [["a1", "c3"], ["b2"]]


def test_a_chain_is_known_by_all_its_names() -> None:
    facts = Facts().booking("4fQx", told(0, numeric_id="901"), read(0, series="s1"))
    facts.booking("5gRy", told(1, predecessor="4fQx", numeric_id="902"))
    assert facts.cause("b", "4fQx").chains[0].refs == ("4fQx", "5gRy", "901", "902", "s1")


# Since when ----------------------------------------------------------------------------------------------


def ended(*old: Any, new: Any = ()) -> int:
    """Since when the old link of a chain is what it is."""
    facts = Facts().booking("old", *old).booking("new", *new)
    return link(facts.cause("b", "old"), "old").changed_at


def test_the_end_of_an_old_link_is_no_news_once_its_successor_is_known() -> None:
    over = read(9, "cancelled", successor="new")
    assert ended(over, new=[told(2, predecessor="old")]) == 0
    assert ended(over, new=[read(2, predecessor="old")]) == 0
    assert ended(over, new=[told(2)]) == at(9.2)
    assert ended(over, new=[told(9.3, predecessor="old"), read(9.3, predecessor="old")]) == at(9.2)
    assert ended(read(9, "cancelled", successor="new"), read(1, "pending", successor="new"), new=[]) == 0
    assert ended(over) == at(9.2)


def test_a_booking_that_a_row_left_is_judged_again_since_then() -> None:
    left = [change(0, row(booking="4fQx", call="5")), change(7, row(booking="5gRy", call="6"))]
    facts = Facts().booking("4fQx", told(1)).booking("5gRy", told(2)).appointment("17", *left)
    facts.call("5", change(3, CallRow())).call("6", change(4, CallRow()))
    cause = facts.cause("a", "17")
    assert {each.uid: each.changed_at for chain in cause.chains for each in chain.links} == {
        "4fQx": at(7),
        "5gRy": at(2),
    }
    assert {call.id: call.changed_at for call in cause.calls} == {"5": at(7), "6": at(4)}


def test_an_end_is_news_where_the_successor_is_forgotten() -> None:
    facts = Facts().booking("old", read(9, "cancelled")).booking("new", told(2, predecessor="old"))
    facts.index.drop(facts.key("b", "new"))
    assert link(facts.cause("b", "old"), "old").changed_at == at(9.2)


def test_a_leaving_that_only_a_read_shows_counts() -> None:
    facts = Facts().booking("4fQx", told(1)).appointment("17", change(0, row(booking="4fQx")), select(6, None))
    assert link(facts.all(), "4fQx").changed_at == at(6.1)


def test_of_several_leavings_the_last_counts() -> None:
    facts = Facts().booking("4fQx", told(1, numeric_id="901"))
    facts.call("5", CallRow())
    facts.appointment("17", change(0, row(booking="901", call="5")), change(9, None))
    facts.appointment("18", change(0, row(booking="4fQx", call="5")), select(6, None))
    cause = facts.all()
    assert (link(cause, "4fQx").changed_at, cause.calls[0].changed_at) == (at(9), at(9))


def test_news_after_the_leaving_counts_more() -> None:
    facts = Facts().booking("4fQx", told(8)).appointment("17", change(0, row(booking="4fQx")), change(7, None))
    assert link(facts.cause("b", "4fQx"), "4fQx").changed_at == at(8)


# What a link says of itself ------------------------------------------------------------------------------


def alone(*facts: Any) -> Link:
    return link(Facts().booking("4fQx", *facts).cause("b", "4fQx"), "4fQx")


def test_a_link_tells_type_hosts_seats_and_series_from_whoever_knows_them() -> None:
    unread = alone(told(0, event_type="7", hosts=("1",), numeric_id="901", seated=True), told(1, hosts=("2",)))
    assert (unread.event_type, unread.hosts, unread.numeric_ids) == ("7", frozenset({"2"}), {"901"})
    assert unread.seated
    assert (unread.series, alone(told(0)).hosts) == (None, frozenset())
    shown = alone(
        told(0, event_type="7", hosts=("1",)),
        read(1, event_type="8", hosts=("3", "4"), numeric_id="902", series="s1"),
        read(9, "cancelled", seated=True),
    )
    assert (shown.event_type, shown.hosts, shown.numeric_ids) == ("8", frozenset({"3", "4"}), {"902"})
    assert (shown.series, shown.seated, alone(read(0)).seated) == ("s1", True, False)
    assert link(Facts().booking("903", told(0)).cause("b", "903"), "903").numeric_ids == {"903"}


@pytest.mark.parametrize(
    ("facts", "live"),
    [
        ([told(0)], True),
        ([read(0, "pending")], True),
        ([read(0, "rejected")], False),
        ([read(0, None)], False),
        ([], False),
        ([told(0, "BOOKING_PAYMENT_INITIATED")], False),
        ([told(0, "BOOKING_PAYMENT_INITIATED"), told(1, "BOOKING_PAID")], True),
        ([told(0, "BOOKING_PAYMENT_INITIATED"), read(4)], True),  # accepted whatever was heard
    ],
)
def test_a_link_is_live(facts: list[Any], live: bool) -> None:
    assert alone(*facts).live is live
