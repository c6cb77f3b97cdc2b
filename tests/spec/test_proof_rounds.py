"""One round of questions: what a violation still needs before it may be told, and from when on it is asked."""

from typing import Any

import pytest

from streams.cases.proof import FIRST_LOOK_MS, SPAN_MS, Round, Wanted, second_look, unmet
from streams.facts.booking import ABSENCE_GAP_MS
from streams.facts.cause import Link
from streams.facts.index import FactIndex, Key
from streams.model.facts import BookingFacts, Lookup, Read, RowFacts, RowRead, Snapshot
from streams.model.rule import Rule, SubjectKind
from streams.rules.violation import AbsenceOf, CallLookupOf, KnownOf, LookupOf, Need, ReadOf, RowOf, Violation

#: Suspected at 10 000, to be proved from 15 000 on.
ROUND = Round(15_000, 10_000, 2_000)
SEEN = Snapshot(1, 1)


def violation(*needs: Need, **fields: Any) -> Violation:
    said: dict[str, Any] = {"rule": Rule.ORPHANED_CALCOM, "kind": SubjectKind.BOOKING, "subject": "uidA"}
    return Violation(**said, two_sided=True, newest=0, since=0, needs=needs, **fields)


def wanted(index: FactIndex, *needs: Need, tenant: str = "1", round_: Round = ROUND, **fields: Any) -> list[Wanted]:
    return unmet(violation(*needs, **fields), index, tenant, round_)


def found(begun: int, answered: int | None = None) -> Read:
    return Read(begun, begun + 100 if answered is None else answered, "accepted", 1, 2)


def missing(begun: int) -> Read:
    return Read(begun, begun + 100)


def lookup(begun: int, answered: int | None = None) -> Lookup:
    return Lookup(SEEN, begun, begun + 100 if answered is None else answered)


def index(
    *newest: Read,
    reads: tuple[Read, ...] = (),
    looked: Lookup | None = None,
    row: int | None = None,
    named: Lookup | None = None,
) -> FactIndex:
    """Booking uidA with these answers; appointment 17 read then; call 5 with a SELECT of who names it."""
    held = FactIndex()
    held.put_booking(Key("b", "1", "uidA"), BookingFacts(reads=reads + newest, lookup=looked))
    row_reads = (RowRead(SEEN, row, row + 100),) if row is not None else ()
    held.put_row(Key("a", "1", "17"), RowFacts(reads=row_reads))
    held.put_row(Key("c", "1", "5"), RowFacts(lookup=named))
    return held


NEEDS: list[tuple[Need, Any]] = [
    (ReadOf("uidA"), lambda begun: index(found(begun))),
    (LookupOf(("uidA",), ("uidA",)), lambda begun: index(looked=lookup(begun))),
    (RowOf("appointment", "17"), lambda begun: index(row=begun)),
    (CallLookupOf("5"), lambda begun: index(named=lookup(begun))),
]


@pytest.mark.parametrize(("need", "answered"), NEEDS)
def test_only_an_answer_begun_in_the_round_meets_a_need(need: Need, answered: Any) -> None:
    unanswered = [Wanted(need, 15_000)]
    assert wanted(FactIndex(), need) == unanswered
    assert wanted(index(), need) == unanswered
    assert wanted(answered(14_999), need) == unanswered
    assert wanted(answered(15_000), need, tenant="2") == unanswered
    assert wanted(answered(15_000), need) == []


def test_the_newest_read_counts() -> None:
    assert wanted(index(found(1_000), found(15_000)), ReadOf("uidA")) == []


def test_a_select_by_references_counts_if_each_of_the_bookings_was_looked_up() -> None:
    held = index(looked=lookup(15_000))
    need = LookupOf(("uidA", "uidB"), ("uidA", "uidB"))
    assert wanted(held, need) == [Wanted(need, 15_000)]
    held.put_booking(Key("b", "1", "uidB"), BookingFacts(lookup=lookup(14_999)))
    assert wanted(held, need) == [Wanted(need, 15_000)]
    held.put_booking(Key("b", "1", "uidB"), BookingFacts(lookup=lookup(15_000)))
    assert wanted(held, need) == []


def test_what_must_be_known_is_asked_early_and_any_answer_ever_will_do() -> None:
    need = KnownOf("uidA", 3, 4)
    assert wanted(index(), need) == [Wanted(need, 10_000 + FIRST_LOOK_MS)]
    assert wanted(index(), need, round_=Round(10_500, 10_000, 2_000)) == [Wanted(need, 10_500)]
    assert wanted(index(missing(1)), need) == []


# Absence ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reads", "ask_at"),
    [
        ((), 10_000 + FIRST_LOOK_MS),
        ((found(1_000),), 15_000),
        ((found(15_000),), None),
        ((found(14_999),), 15_000),
        ((missing(1_000),), 15_000),
        ((missing(11_000),), 11_100 + ABSENCE_GAP_MS),
        ((missing(10_900),), 15_000),
        ((missing(10_901),), 15_001),
        ((missing(1_000), missing(14_999)), 15_000),
        ((missing(1_000), missing(15_000)), None),
        ((missing(11_000), missing(15_099)), 15_100),
        ((missing(11_000), missing(15_100)), None),
        ((found(1_000), missing(15_000)), 15_100 + ABSENCE_GAP_MS),
        ((missing(1_000), found(2_000), missing(15_000)), 15_100 + ABSENCE_GAP_MS),
        ((missing(1_000), found(2_000), missing(3_000), missing(15_000)), None),
    ],
)
def test_a_404_counts_with_a_second_one_a_gap_after_the_first_was_answered(
    reads: tuple[Read, ...], ask_at: int | None
) -> None:
    need = AbsenceOf("uidA", 3, 4)
    assert second_look(reads, ROUND) == ask_at
    assert wanted(index(*reads), need) == ([] if ask_at is None else [Wanted(need, ask_at)])


def test_the_first_look_never_comes_after_the_round_begins() -> None:
    assert second_look((), Round(10_500, 10_000, 2_000)) == 10_500


def test_the_gap_grows_with_the_lag() -> None:
    assert Round(0, 0, ABSENCE_GAP_MS - 1).gap_ms == ABSENCE_GAP_MS
    assert Round(0, 0, ABSENCE_GAP_MS + 1).gap_ms == ABSENCE_GAP_MS + 1
    assert second_look((missing(11_000),), Round(15_000, 10_000, 8_000)) == 11_100 + 8_000


# Together -----------------------------------------------------------------------------------------------


def link(uid: str, *reads: Read) -> Link:
    return Link(uid=uid, facts=BookingFacts(reads=reads), state=None, changed_at=0, superseded=False)


LOOKUP = LookupOf(("uidA",), ("uidA",))


@pytest.mark.parametrize(
    ("links", "waits"),
    [
        ((link("uidA", found(1)),), True),
        ((link("901"),), True),
        ((link("901", found(1)),), False),
        ((link("901", found(1)), link("uidB", found(1))), True),
        ((), False),
    ],
)
def test_a_select_waits_for_reads_while_another_name_may_come_to_light(links: tuple[Link, ...], waits: bool) -> None:
    """Known by a number and read: no further name is to come."""
    for need, at in ((ReadOf("uidA"), 15_000), (KnownOf("uidA"), 10_000 + FIRST_LOOK_MS)):
        both = [Wanted(need, at), Wanted(LOOKUP, 15_000)]
        assert wanted(index(), need, LOOKUP, links=links) == (both[:1] if waits else both)
    absence = AbsenceOf("uidA")
    asked = [Wanted(absence, 10_000 + FIRST_LOOK_MS), Wanted(LOOKUP, 15_000)]
    assert wanted(index(), absence, LOOKUP, links=links) == asked


LATE = 15_100 + SPAN_MS


@pytest.mark.parametrize(
    ("need", "answered"),
    [
        (ReadOf("uidA"), {"reads": (found(15_000, 15_100),)}),
        (LOOKUP, {"looked": lookup(15_000, 15_100)}),
        (CallLookupOf("5"), {"named": lookup(15_000, 15_100)}),
        (AbsenceOf("uidA"), {"reads": (missing(1_000), missing(15_000))}),
    ],
)
def test_answers_that_lie_further_apart_than_the_span_are_asked_for_again(need: Need, answered: dict[str, Any]) -> None:
    row = RowOf("appointment", "17")
    held = index(**answered, row=LATE - 100)
    assert wanted(held, need, row) == []
    held.put_row(Key("a", "1", "17"), RowFacts(reads=(RowRead(SEEN, LATE - 99, LATE + 1),)))
    assert wanted(held, need, row) == [Wanted(need, LATE + 1)]


def test_an_old_answer_about_a_row_is_outdated_too() -> None:
    row = RowOf("appointment", "17")
    assert wanted(index(found(LATE, LATE + 1), row=15_000), ReadOf("uidA"), row) == [Wanted(row, LATE + 1)]


def test_of_several_bookings_looked_up_the_oldest_answer_counts() -> None:
    held = index(found(LATE, LATE + 1), looked=lookup(LATE, LATE + 1))
    held.put_booking(Key("b", "1", "uidB"), BookingFacts(lookup=lookup(15_000, 15_100)))
    both = LookupOf(("uidA", "uidB"), ("uidA", "uidB"))
    assert wanted(held, ReadOf("uidA"), both) == [Wanted(both, LATE + 1)]


def test_what_need_only_be_known_is_never_outdated() -> None:
    assert wanted(index(found(1), row=LATE), KnownOf("uidA"), RowOf("appointment", "17")) == []
    assert wanted(index()) == []
