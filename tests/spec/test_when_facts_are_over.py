"""When facts are over for long enough to be forgotten, and how the walk over all of them goes."""

import pytest

from streams.cases.case import Case, Phase
from streams.cases.retention import LOOKS_PER_TICK, WALK_MS, Forgetting, may_go
from streams.facts.index import FactIndex, Key
from streams.model.facts import (
    AppointmentRow,
    BookingFacts,
    CallRow,
    Lookup,
    Read,
    RowFacts,
    RowRead,
    RowVersion,
    Snapshot,
    Told,
)
from streams.model.rule import Rule, SubjectKind

SEEN = Snapshot(1, 1)
BOOKING = Key("b", "1", "uidA")
APPOINTMENT = Key("a", "1", "17")
CALL = Key("c", "1", "5")
RETENTION = 1_000


def lookup(answered: int) -> Lookup:
    return Lookup(SEEN, answered - 1, answered)


def told(arrived: int, end: int | None) -> Told:
    return Told(0, 0, "b", arrived, "BOOKING_CREATED", "accepted", 1 if end else None, end)


def version(arrived: int, **columns: int) -> RowVersion:
    return RowVersion(1, 1, 1, arrived, 0, AppointmentRow(**columns))  # type: ignore[arg-type]  # by name


def over(walk: Forgetting, now: int, retention: int = RETENTION) -> list[set[Key]]:
    """What one look finds."""
    return [set(keys) for keys in walk.over(now, retention)]


def found_over(index: FactIndex, now: int) -> list[set[Key]]:
    """What a whole walk finds that is made at this instant."""
    walk = Forgetting(index)
    return over(walk, now) + over(walk, now)


def ended_at(index: FactIndex, ended: int) -> bool:
    """Nothing is over before the retention time has passed since `ended`, and something is thereafter."""
    return not found_over(index, ended + RETENTION) and bool(found_over(index, ended + RETENTION + 1))


@pytest.mark.parametrize(
    ("facts", "ended"),
    [
        (BookingFacts(told=(told(300, 5_000),)), 5_000),
        (BookingFacts(told=(told(7_000, 5_000),)), 7_000),
        (BookingFacts(told=(told(300, None),)), 300),
        (BookingFacts(told=(told(300, None),), reads=(Read(600, 700),), lookup=lookup(900)), 300),
        (BookingFacts(reads=(Read(600, 700, "accepted", 4_000, 5_000),)), 5_000),
        (BookingFacts(reads=(Read(600, 700), Read(800, 900)), lookup=lookup(950)), 900),
        (BookingFacts(lookup=lookup(950)), 950),
    ],
)
def test_a_booking_is_over_at_its_end_or_when_last_heard_of(facts: BookingFacts, ended: int) -> None:
    index = FactIndex()
    index.put_booking(BOOKING, facts)
    assert ended_at(index, ended)


@pytest.mark.parametrize(
    ("facts", "ended"),
    [
        (RowFacts(versions=(version(300, start=4_000, end=5_000),)), 5_000),
        (RowFacts(versions=(version(300, start=4_000),)), 4_000),
        (RowFacts(versions=(version(7_000, start=4_000, end=5_000),)), 7_000),
        (RowFacts(versions=(version(300),), reads=(RowRead(SEEN, 600, 700, None),), lookup=lookup(900)), 300),
        (RowFacts(versions=(version(300), RowVersion(2, 2, 2, 400, 0))), 400),
        (RowFacts(reads=(RowRead(SEEN, 600, 700, AppointmentRow(end=5_000)),)), 5_000),
        (RowFacts(reads=(RowRead(SEEN, 600, 700), RowRead(SEEN, 800, 900)), lookup=lookup(950)), 900),
        (RowFacts(reads=(RowRead(SEEN, 600, 700, AppointmentRow()),)), 700),
        (RowFacts(lookup=lookup(950)), 950),
    ],
)
def test_an_appointment_is_over_at_its_end_else_its_start_or_when_last_heard_of(facts: RowFacts, ended: int) -> None:
    index = FactIndex()
    index.put_row(APPOINTMENT, facts)
    assert ended_at(index, ended)


def test_a_call_has_no_end_it_is_over_when_last_heard_of() -> None:
    index = FactIndex()
    index.put_row(CALL, RowFacts(versions=(RowVersion(1, 1, 1, 300, 0, CallRow(created_at=9_000)),)))
    assert ended_at(index, 300)


def test_a_cause_is_over_with_the_last_of_it_and_names_nobody_knows_hold_nothing() -> None:
    index = FactIndex()
    index.put_booking(BOOKING, BookingFacts(told=(told(300, 5_000),)))
    row = AppointmentRow(booking="uidA", call="unknown", end=8_000)
    index.put_row(APPOINTMENT, RowFacts(versions=(RowVersion(1, 1, 1, 300, 0, row),)))
    assert ended_at(index, 8_000)
    everything = {BOOKING, APPOINTMENT, Key("c", "1", "unknown")}
    assert found_over(index, 8_000 + RETENTION + 1) == [everything, everything]


# The walk -----------------------------------------------------------------------------------------------


def old_calls(*numbers: int) -> FactIndex:
    index = FactIndex()
    for number in numbers:
        index.put_row(Key("c", "1", str(number)), RowFacts(versions=(RowVersion(1, 1, 1, 1, 0, CallRow()),)))
    return index


def calls(first: int, last: int) -> list[set[Key]]:
    return [{Key("c", "1", str(number))} for number in range(first, last)]


def test_the_first_look_begins_the_walk_and_each_further_one_sees_a_few() -> None:
    walk = Forgetting(old_calls(*range(LOOKS_PER_TICK + 5)))
    assert over(walk, 5_000) == []
    assert over(walk, 5_001) == calls(0, LOOKS_PER_TICK)
    assert over(walk, 5_002) == calls(LOOKS_PER_TICK, LOOKS_PER_TICK + 5)
    assert over(walk, 5_003) == []


@pytest.mark.parametrize(("retention", "pause"), [(RETENTION, RETENTION), (2 * WALK_MS, WALK_MS)])
def test_a_new_walk_begins_an_hour_after_the_last_or_after_a_shorter_retention(retention: int, pause: int) -> None:
    begun = 10 * WALK_MS
    walk = Forgetting(old_calls(5))
    over(walk, begun, retention)
    assert over(walk, begun + 1, retention) == calls(5, 6)
    over(walk, begun + pause - 1, retention)
    assert over(walk, begun + pause - 1, retention) == []
    over(walk, begun + pause, retention)
    assert over(walk, begun + pause, retention) == calls(5, 6)


# What is told or to be told stays -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "announce", "goes"),
    [
        (Phase.CLEAR, False, True),
        (Phase.CLEAR, True, False),
        (Phase.SUSPECTED, False, False),
        (Phase.VERIFYING, False, False),
        (Phase.CONFIRMED, False, False),
    ],
)
def test_only_what_is_clear_and_told_may_go(phase: Phase, announce: bool, goes: bool) -> None:
    case = Case(tenant="1", rule=Rule.ORPHANED_CALCOM, kind=SubjectKind.BOOKING, subject="uidA")
    case.phase, case.announce = phase, announce
    assert may_go([case]) is goes
    assert may_go([])
