"""The laws of facts: joining is commutative, associative and idempotent; order and repeats change no finding."""

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.facts.booking import join_booking
from streams.facts.row import join_row
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
from tests.words import T0

MOMENTS = st.integers(0, 60_000).map(lambda ms: T0 + ms)
STATUSES = st.sampled_from(["accepted", "pending", "cancelled", "rejected"])
SNAPSHOTS = st.builds(lambda xmin, ahead: Snapshot(xmin, xmin + ahead), st.integers(1, 50), st.integers(0, 5))

TOLD = st.builds(
    Told,
    created_at=MOMENTS,
    sequence=st.integers(-1, 3),
    body=st.sampled_from("abcdefgh"),
    arrived=MOMENTS,
    trigger=st.sampled_from(["BOOKING_CREATED", "BOOKING_CANCELLED", "BOOKING_PAID", "SOMETHING_NEW"]),
    status=STATUSES,
    start=MOMENTS,
    end=MOMENTS,
)
READS = st.builds(
    Read, begun=MOMENTS, answered=MOMENTS, status=st.one_of(st.none(), STATUSES), start=MOMENTS, updated_at=MOMENTS
)
LOOKUPS = st.one_of(st.none(), st.builds(Lookup, snapshot=SNAPSHOTS, begun=MOMENTS, answered=MOMENTS))
ROWS = st.one_of(
    st.none(),
    st.builds(AppointmentRow, booking=st.sampled_from(["x", "y", None]), status=STATUSES, start=MOMENTS),
    st.builds(CallRow, made=st.booleans()),
)
VERSIONS = st.builds(
    RowVersion,
    commit_lsn=st.integers(1, 20),
    lsn=st.integers(1, 20),
    tx=st.one_of(st.none(), st.integers(1, 60)),
    arrived=MOMENTS,
    source_at=MOMENTS,
    row=ROWS,
    unknown=st.sampled_from([(), ("booking",)]),
)
ROW_READS = st.builds(RowRead, snapshot=SNAPSHOTS, begun=MOMENTS, answered=MOMENTS, row=ROWS)

# Within the bounds of streams.model.facts the laws are exact; each side brings few enough for three joins.
BOOKINGS = st.builds(
    lambda told, reads, lookup: join_booking(BookingFacts(told=told, lookup=lookup), _each_read(reads)),
    st.lists(TOLD, max_size=4).map(lambda told: tuple(_unlike(told))),
    st.lists(READS, max_size=2),
    LOOKUPS,
)
APPOINTMENTS = st.builds(
    lambda versions, reads, lookup: _all_rows(versions, reads, lookup),
    st.lists(VERSIONS, max_size=2),
    st.lists(ROW_READS, max_size=1),
    LOOKUPS,
)


def _unlike(told: list[Told]) -> list[Told]:
    """One body says one thing: entries of one rank differ in their arrival only."""
    kept: dict[str, Told] = {}
    for entry in told:
        kept.setdefault(entry.body, entry)
    return sorted(kept.values(), key=lambda entry: (entry.created_at, entry.sequence, entry.body))


def _each_read(reads: list[Read]) -> BookingFacts:
    facts = BookingFacts()
    for read in reads:
        facts = join_booking(facts, BookingFacts(reads=(read,)))
    return facts


def _all_rows(versions: list[RowVersion], reads: list[RowRead], lookup: Lookup | None) -> RowFacts:
    facts = RowFacts(lookup=lookup)
    for version in versions:
        facts = join_row(facts, RowFacts(versions=(version,)))
    for read in reads:
        facts = join_row(facts, RowFacts(reads=(read,)))
    return facts


@given(BOOKINGS, BOOKINGS, BOOKINGS)
def test_joining_bookings_is_a_semilattice(a: BookingFacts, b: BookingFacts, c: BookingFacts) -> None:
    assert join_booking(a, b) == join_booking(b, a)
    assert join_booking(join_booking(a, b), c) == join_booking(a, join_booking(b, c))
    assert join_booking(a, a) == a
    assert join_booking(None, a) == a


@given(APPOINTMENTS, APPOINTMENTS, APPOINTMENTS)
def test_joining_rows_is_a_semilattice(a: RowFacts, b: RowFacts, c: RowFacts) -> None:
    assert join_row(a, b) == join_row(b, a)
    assert join_row(join_row(a, b), c) == join_row(a, join_row(b, c))
    assert join_row(a, a) == a
    assert join_row(None, a) == a


@given(st.lists(READS, min_size=20, max_size=40), st.integers(0, 1 << 30))
@settings(max_examples=50)
def test_a_history_never_outgrows_its_bound(reads: list[Read], seed: int) -> None:
    random.Random(seed).shuffle(reads)
    facts = _each_read(reads)
    assert len(facts.reads) <= 8
    assert len(msgspec.msgpack.encode(facts)) < 4_096
