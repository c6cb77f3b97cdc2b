"""What a complete pass should have shown and did not: the very questions, at the bounds of pass and window."""

import pytest

from streams.cases.passes import PASS_ASKS_MAX, overdue
from streams.cases.step import Ask
from streams.facts.index import FactIndex, Key
from streams.model.facts import (
    AppointmentRow,
    BookingFacts,
    CallRow,
    Read,
    Row,
    RowFacts,
    RowRead,
    RowVersion,
    Snapshot,
    Told,
)
from streams.model.observation import PassSeen
from streams.rules.violation import ReadOf, RowOf

#: A pass of tenant 1, begun at 1 000, over what starts from 5 000 to 9 000.
CALCOM = PassSeen("calcom", "1", 5_000, 9_000, 1_000)
DATABASE = PassSeen("database", "1", 5_000, 9_000, 1_000)
SEEN = Snapshot(1, 1)


def read(begun: int, start: int, *, status: str = "accepted") -> BookingFacts:
    return BookingFacts(reads=(Read(begun, begun + 50, status, start, start + 100),))


def told(arrived: int, start: int) -> BookingFacts:
    return BookingFacts(told=(Told(0, 0, "b", arrived, "BOOKING_CREATED", "accepted", start, start + 100),))


def version(arrived: int, row: Row | None) -> RowFacts:
    return RowFacts(versions=(RowVersion(1, 1, 1, arrived, 0, row),))


def bookings(**facts: BookingFacts) -> FactIndex:
    index = FactIndex()
    for uid, each in facts.items():
        index.put_booking(Key("b", "1", uid.removeprefix("n")), each)
    return index


def rows(*facts: RowFacts, kind: str = "a", tenant: str = "1") -> FactIndex:
    index = FactIndex()
    for number, each in enumerate(facts, 17):
        index.put_row(Key(kind, tenant, str(number)), each)
    return index


def asked(index: FactIndex, *passes: PassSeen) -> list[tuple[str, Ask]]:
    return overdue(index, passes)


def settle(uid: str, start: int) -> tuple[str, Ask]:
    return "1", Ask(ReadOf(uid), "settle", "pass|1000", start)


def of_row(kind: str, row: str, at: int) -> tuple[str, Ask]:
    return "1", Ask(RowOf(kind, row), "settle", "pass|1000", at)


# Bookings -----------------------------------------------------------------------------------------------


def test_a_booking_of_the_window_last_heard_of_before_the_pass_is_asked_for_nearest_first() -> None:
    index = bookings(late=read(999, 9_000), early=told(999, 5_000))
    assert asked(index, CALCOM) == [settle("early", 5_000), settle("late", 9_000)]


@pytest.mark.parametrize(
    ("why", "facts"),
    [
        ("read in the pass", read(1_000, 6_000)),
        ("told since it began", told(1_000, 6_000)),
        ("starts before the window", read(999, 4_999)),
        ("starts after the window", read(999, 9_001)),
        ("cancelled", read(999, 6_000, status="cancelled")),
        ("nothing known", BookingFacts()),
    ],
)
def test_a_booking_that_the_pass_need_not_have_shown_is_not_asked_for(why: str, facts: BookingFacts) -> None:
    assert asked(bookings(uidA=facts), CALCOM) == [], why


def test_the_newest_word_of_any_kind_counts() -> None:
    facts = BookingFacts(told=told(999, 6_000).told, reads=read(1_000, 6_000).reads)
    assert asked(bookings(uidA=facts), CALCOM) == []


def test_numeric_ids_and_links_with_a_successor_are_not_asked_for() -> None:
    followed = BookingFacts(reads=(Read(999, 999, "accepted", 6_000, 6_100, successor="next1"),))
    index = bookings(n900001=read(999, 6_000), first=followed, last=read(999, 7_000))
    assert asked(index, CALCOM) == [settle("last", 7_000)]


def test_a_pass_of_another_tenant_or_side_asks_for_nothing() -> None:
    index = bookings(uidA=read(999, 6_000))
    index.put_row(Key("a", "1", "17"), version(999, AppointmentRow(start=6_000)))
    assert asked(index, PassSeen("calcom", "2", 5_000, 9_000, 1_000)) == []
    assert asked(index, PassSeen("database", "2", 5_000, 9_000, 1_000)) == []
    assert asked(index, CALCOM) == [settle("uidA", 6_000)]
    assert asked(index, DATABASE) == [of_row("appointment", "17", 6_000)]
    assert asked(index, CALCOM, DATABASE) == [settle("uidA", 6_000), of_row("appointment", "17", 6_000)]


def test_a_pass_of_one_tenant_passes_over_the_facts_of_others() -> None:
    index = FactIndex()
    for tenant in ("2", "1"):
        index.put_booking(Key("b", tenant, "uidA"), read(999, 6_000))
        index.put_row(Key("a", tenant, "17"), version(999, AppointmentRow(start=6_000)))
    assert asked(index, CALCOM) == [settle("uidA", 6_000)]
    assert asked(index, DATABASE) == [of_row("appointment", "17", 6_000)]


# Rows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [5_000, 9_000])
def test_an_appointment_is_placed_by_its_start(start: int) -> None:
    index = rows(version(999, AppointmentRow(start=start, created_at=1)))
    assert asked(index, DATABASE) == [of_row("appointment", "17", start)]


@pytest.mark.parametrize("made", [5_000, 9_000])
def test_a_call_is_placed_by_its_creation(made: int) -> None:
    assert asked(rows(version(999, CallRow(created_at=made)), kind="c"), DATABASE) == [of_row("call", "17", made)]


@pytest.mark.parametrize(
    ("why", "facts"),
    [
        ("told since it began", version(1_000, AppointmentRow(start=6_000))),
        ("read since it began", RowFacts(reads=(RowRead(SEEN, 1_000, 1_050, AppointmentRow(start=6_000)),))),
        ("starts before the window", version(999, AppointmentRow(start=4_999))),
        ("starts after the window", version(999, AppointmentRow(start=9_001))),
        ("has no start", version(999, AppointmentRow())),
        ("deleted", version(999, None)),
        ("nothing known", RowFacts()),
    ],
)
def test_a_row_that_the_pass_need_not_have_shown_is_not_asked_for(why: str, facts: RowFacts) -> None:
    assert asked(rows(facts), DATABASE) == [], why


def test_the_newest_word_about_a_row_counts() -> None:
    row = AppointmentRow(start=6_000)
    facts = RowFacts(versions=version(999, row).versions, reads=(RowRead(SEEN, 1_000, 1_050, row),))
    assert asked(rows(facts), DATABASE) == []


def test_what_is_beyond_the_bound_waits_for_the_next_pass_the_nearest_go_first() -> None:
    window = PassSeen("database", "1", 0, 9_000, 1_000)
    many = [version(999, AppointmentRow(start=start)) for start in range(PASS_ASKS_MAX + 5, 0, -1)]
    found = asked(rows(*many), window)
    assert [ask.matters_at for _, ask in found] == list(range(1, PASS_ASKS_MAX + 1))
    assert len(asked(rows(*many), window, CALCOM)) == PASS_ASKS_MAX + 5
