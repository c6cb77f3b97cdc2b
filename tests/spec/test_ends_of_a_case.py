"""How a case ends, step by step: cleared, expired, recovered or late; and what must be read before it may."""

import msgspec
import pytest

from streams.cases.advance import advance
from streams.cases.case import Case, Phase
from streams.cases.ending import trusted
from streams.cases.step import ASK_AGAIN_MS, Ask, Step
from streams.facts.booking import ABSENCE_GAP_MS, CONTRADICTION_MS
from streams.facts.cause import Link
from streams.facts.index import FactIndex, Key
from streams.model.facts import AppointmentRow, BookingFacts, CallRow, Read, RowFacts, RowVersion, Told
from streams.model.rule import Resolution, Rule
from streams.rules.violation import ReadOf
from tests.case_words import LAG, SECOND, case, context, told, violation
from tests.words import T0, clock

NOW = T0 + 100 * SECOND
BOOKING = Key("b", "1", "uidA")
ROW = Key("a", "1", "17")


def ended(one: Case, now: int, index: FactIndex | None = None, *keys: Key) -> Step:
    """A step in which no rule says anything about the case."""
    return advance(one, None, None, context(now, index, keys))


def hearsay(arrived: int, *reads: Read) -> BookingFacts:
    body = Told(arrived, 0, "b", arrived, "BOOKING_CREATED", "accepted", T0, T0 + 1, numeric_id="901")
    return BookingFacts(told=(body,), reads=reads)


def found(begun: int, source_at: int = 0) -> Read:
    return Read(begun, begun + 100, "accepted", T0, T0 + 1, updated_at=source_at)


def bookings(**facts: BookingFacts) -> FactIndex:
    index = FactIndex()
    for uid, each in facts.items():
        index.put_booking(Key("b", "1", uid), each)
    return index


# A suspicion --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.SUSPECTED, Phase.VERIFYING])
def test_a_suspicion_that_holds_no_more_is_cleared_and_says_how_long_it_stood(phase: Phase) -> None:
    one = case(phase, suspected_at=NOW - 700, unchecked=True)
    assert ended(one, NOW) == Step(moved=True, cleared_after_ms=700)
    assert one == case(suspected_at=NOW - 700)


def test_what_is_clear_stays_clear() -> None:
    one = case(episode=3, unchecked=True)
    assert ended(one, NOW) == Step()
    assert one == case(episode=3)


# A finding ----------------------------------------------------------------------------------------------


def test_a_finding_whose_time_is_over_expires_though_nobody_has_read_anything() -> None:
    one = told(uids=("uidA",))
    before = one.finding
    assert before is not None
    index = bookings(uidA=hearsay(NOW))
    assert advance(one, violation(until=NOW), None, context(NOW, index, [BOOKING])) == Step(moved=True)
    assert one.finding == msgspec.structs.replace(
        before, change="resolved", at=clock(100), resolution=Resolution.EXPIRED
    )
    assert (one.phase, one.floor, one.announce, one.episode) == (Phase.CLEAR, NOW, True, 2)


def version(source_at: int, row: AppointmentRow | CallRow | None, lsn: int = 1) -> RowVersion:
    return RowVersion(lsn, lsn, lsn, source_at, source_at, row)


@pytest.mark.parametrize(
    ("cured_after", "resolution"), [(-1, Resolution.LATE), (0, Resolution.RECOVERED), (1, Resolution.RECOVERED)]
)
def test_what_was_cured_before_it_was_detected_was_late(cured_after: int, resolution: Resolution) -> None:
    cured = NOW + cured_after
    of_row, of_deletion, of_sync = FactIndex(), FactIndex(), FactIndex()
    of_row.put_row(ROW, RowFacts(versions=(version(cured, AppointmentRow()),)))
    deleted = (version(T0, AppointmentRow()), version(cured, None, lsn=2))
    of_deletion.put_row(ROW, RowFacts(versions=deleted))
    synced = (version(T0, AppointmentRow(sync="pending")), version(cured, AppointmentRow(sync="synced"), lsn=2))
    of_sync.put_row(ROW, RowFacts(versions=synced))
    of_booking = bookings(uidA=BookingFacts(reads=(found(NOW, cured),)))
    for index, keys in ((of_row, [ROW]), (of_deletion, [ROW]), (of_sync, [ROW]), (of_booking, [BOOKING])):
        one = told(at=NOW)
        assert ended(one, NOW + 5, index, *keys) == Step(moved=True)
        assert one.finding is not None
        assert (one.finding.resolution, one.finding.at, one.floor) == (resolution, clock(100.005), NOW + 5)


def test_the_newest_change_of_the_cause_is_its_cure_and_without_any_it_recovers() -> None:
    index = bookings(uidA=BookingFacts(reads=(found(NOW, NOW - 1),)))
    index.put_row(ROW, RowFacts(versions=(version(NOW, AppointmentRow(booking="uidA")),)))
    for keys in ([BOOKING, ROW], [ROW, BOOKING], [Key("c", "1", "unknown")]):
        one = told(at=NOW)
        ended(one, NOW + 5, index, *keys)
        assert one.finding is not None
        assert one.finding.resolution == Resolution.RECOVERED


@pytest.mark.parametrize("rule", [Rule.TENANT_MISMATCH, Rule.VERIFICATION_FAILED])
def test_what_ends_outside_of_every_source_is_never_late(rule: Rule) -> None:
    index = FactIndex()
    index.put_row(ROW, RowFacts(versions=(version(T0, AppointmentRow()),)))
    one = told(rule, at=NOW)
    ended(one, NOW + 5, index, ROW)
    assert one.finding is not None
    assert one.finding.resolution == Resolution.RECOVERED


# What must be read first --------------------------------------------------------------------------------


DUE = NOW + CONTRADICTION_MS


def test_a_claim_ends_no_finding_but_asks_for_a_read_once_it_would_count() -> None:
    index, one = bookings(uidA=hearsay(NOW)), told(uids=("uidA",))
    assert ended(one, DUE - 1, index, BOOKING) == Step(wake_at=DUE)
    ask = Ask(ReadOf("uidA"), "settle", f"{one.id}|2|end|{DUE}", None)
    assert ended(one, DUE, index, BOOKING) == Step(asks=[ask], wake_at=DUE + ASK_AGAIN_MS)
    assert one.phase is Phase.CONFIRMED
    index.put_booking(BOOKING, hearsay(NOW, found(DUE)))
    assert ended(one, DUE + 100, index, BOOKING).moved
    assert one.phase is Phase.CLEAR


def test_every_link_of_the_chain_that_was_told_of_must_be_known() -> None:
    after = msgspec.structs.replace(found(DUE), predecessor="uidA")
    index, one = bookings(uidB=BookingFacts(reads=(after,)), uidC=hearsay(NOW), uidA=hearsay(NOW)), told(uids=("uidA",))
    keys = [Key("b", "1", uid) for uid in ("uidA", "uidB", "uidC")]
    assert ended(one, DUE, index, *keys).moved  # superseded by a link that is read; uidC is another chain
    other = told(uids=("uidB",))
    index.put_booking(Key("b", "1", "uidD"), hearsay(NOW))
    index.put_booking(Key("b", "1", "uidB"), BookingFacts(told=hearsay(NOW + 1).told, reads=(after,)))
    step = ended(other, DUE + 1, index, *keys, Key("b", "1", "uidD"))
    assert [ask.need for ask in step.asks] == [ReadOf("uidB")]


def test_what_could_not_be_checked_waits_for_no_read() -> None:
    one = told(Rule.VERIFICATION_FAILED, uids=("uidA",))
    assert ended(one, NOW, bookings(uidA=hearsay(NOW)), BOOKING).moved


@pytest.mark.parametrize(
    ("named", "facts", "waits"),
    [
        ("uidA", hearsay(NOW), True),
        ("uidA", BookingFacts(reads=(found(T0),)), False),
        ("902", None, True),
        ("uidB", None, False),
    ],
)
def test_the_booking_that_the_row_names_by_now_is_waited_for_unless_a_read_knows_it(
    named: str, facts: BookingFacts | None, waits: bool
) -> None:
    index = FactIndex() if facts is None else bookings(**{named: facts})
    for row in ("17", "18"):
        index.put_row(Key("a", "1", row), RowFacts(versions=(version(T0, AppointmentRow(booking=named)),)))
    one = told()
    assert one.finding is not None
    one.finding = msgspec.structs.replace(one.finding, appointment_id="17")
    step = ended(one, NOW, index, ROW, Key("b", "1", named))
    assert (one.phase is Phase.CONFIRMED) is waits
    assert step.moved is not waits
    other = told()
    other.finding = msgspec.structs.replace(one.finding, appointment_id="19")
    assert ended(other, NOW, index, ROW, Key("b", "1", named)).moved


# What is known ------------------------------------------------------------------------------------------


def is_trusted(facts: BookingFacts, *, superseded: bool = False, lag: int = LAG) -> bool:
    link = Link(uid="uidA", facts=facts, state=None, changed_at=0, superseded=superseded)
    return trusted(link, msgspec.structs.replace(context(NOW), lag_wait_ms=lag))


def missing(begun: int) -> Read:
    return Read(begun, begun + 100)


@pytest.mark.parametrize(
    ("why", "facts", "lag", "known"),
    [
        ("nobody told of it or read it", BookingFacts(), LAG, False),
        ("only read", BookingFacts(reads=(found(T0),)), LAG, True),
        ("only told", hearsay(NOW), LAG, False),
        ("read too early to contradict", hearsay(NOW, found(DUE - 1)), LAG, False),
        ("read when it counts", hearsay(NOW, found(DUE)), LAG, True),
        ("read within the lag", hearsay(NOW, found(DUE)), CONTRADICTION_MS + 1, False),
        ("read after the lag", hearsay(NOW, found(DUE + 1)), CONTRADICTION_MS + 1, True),
        ("read twice", hearsay(NOW, found(DUE - 1), found(DUE)), LAG, True),
        ("not found once", hearsay(NOW, missing(DUE)), LAG, False),
        (
            "not found a second time too soon",
            hearsay(NOW, missing(NOW), missing(NOW + 99 + ABSENCE_GAP_MS)),
            LAG,
            False,
        ),
        ("not found twice", hearsay(NOW, missing(NOW), missing(NOW + 100 + ABSENCE_GAP_MS)), LAG, True),
        ("not found, never told of", BookingFacts(reads=(missing(T0),)), LAG, False),
    ],
)
def test_a_booking_is_known_by_a_read_that_counts(why: str, facts: BookingFacts, lag: int, known: bool) -> None:
    assert is_trusted(facts, lag=lag) is known, why
    assert is_trusted(facts, superseded=True, lag=lag), why


def test_a_404_alone_is_asked_for_again_a_gap_later() -> None:
    index, one = bookings(uidA=hearsay(NOW, missing(DUE))), told(uids=("uidA",))
    assert ended(one, DUE + 200, index, BOOKING) == Step(wake_at=DUE + 100 + ABSENCE_GAP_MS)
