"""How a tenant stands, as the whole record that is told of it; and which delays are measured."""

from typing import Any

import msgspec
import pytest

from streams.cases.book import CaseBook
from streams.cases.case import Case, Phase
from streams.cases.matching import Matching
from streams.cases.sources import SourceView
from streams.cases.standing import COUNT_MS, FRESH_MS, SAMPLE_MS_MAX, SAMPLES_MIN, TELL_MS, Standings, SyncMeter
from streams.facts.index import FactIndex, Key
from streams.facts.picture import build_cause
from streams.model.facts import AppointmentRow, BookingFacts, CallRow, RowFacts, RowVersion, Told
from streams.model.judgement import Judgement
from streams.model.rule import Rule, SubjectKind
from streams.model.source_records import MadeInHour, MatchedShare, SourceState, TenantStanding
from tests.words import T0, clock

NOW = T0 + 10_000


class Tenants(Standings):
    """The standings of an index and a book that a test fills."""

    def __init__(self) -> None:
        self.index, self.book, self.sources = FactIndex(), CaseBook(), SourceView()
        self.matching = Matching(self.index, self.book)
        super().__init__(self.index, self.book, self.sources, self.matching)

    def pair(self, heard: int, written: int, *, number: int = 1, tenant: str = "1", **version: Any) -> Key:
        """A booking heard of and the row that names it, written at these instants."""
        told = Told(T0, 0, "b", heard, "BOOKING_CREATED", "accepted", T0, T0 + 1, event_type="7")
        self.index.put_booking(Key("b", tenant, f"uid{number}x"), BookingFacts(told=(told,)))
        row = AppointmentRow(booking=f"uid{number}x", source="web", created_at=T0)
        key = Key("a", tenant, str(number))
        named = RowVersion(
            **{"commit_lsn": 2, "lsn": 2, "tx": 2, "arrived": written, "source_at": T0, "row": row} | version
        )
        self.index.put_row(key, RowFacts(versions=(named,)))
        return key

    def judge(self, key: Key, now: int) -> None:
        self.judged(build_cause(self.index, self.index.cause(key)), now)

    def case(self, subject: str, phase: Phase, tenant: str = "1") -> None:
        known = {"tenant": tenant, "rule": Rule.ORPHANED_CALCOM, "kind": SubjectKind.BOOKING}
        self.book.load(Case(**known, subject=subject, phase=phase))  # type: ignore[arg-type]  # by name

    def told(self, now: int, judgement: Judgement | None = None) -> list[TenantStanding]:
        return self.tell(now, judgement or Judgement(), lambda tenant: 1_000 * int(tenant))

    def samples(self, tenant: str = "1") -> int:
        """How many delays are measured by now."""
        return next(standing.sync_samples for standing in self.told(T0 + 1_000_000) if standing.tenant == tenant)


def test_everything_that_is_known_of_a_tenant_is_told() -> None:
    held = Tenants()
    for number in range(1, SAMPLES_MIN + 2):
        held.judge(held.pair(NOW, NOW + 100 * number, number=number), NOW)
    held.index.put_row(Key("c", "1", "5"), RowFacts(versions=(RowVersion(1, 1, 1, T0, T0, CallRow(created_at=T0)),)))
    for subject, phase in (
        ("uid1x", Phase.CONFIRMED),
        ("uid2x", Phase.SUSPECTED),
        ("uid3x", Phase.VERIFYING),
        ("uid4x", Phase.VERIFYING),
        ("uid5x", Phase.CLEAR),
    ):
        held.case(subject, phase)
    held.case("theirs", Phase.CONFIRMED, tenant="2")
    state = SourceState(source="database", state="stalled", since=clock(0), at=clock(0), tenants=("1",))
    held.sources.seen(state)
    held.matching.recount(NOW)
    assert held.told(NOW) == [
        TenantStanding(
            tenant="1",
            at=clock(10),
            compared_through=clock(10),
            lag_wait_ms=1_000,
            held_back_by=("database",),
            sync_p50_ms=1_100,
            sync_p999_ms=2_100,
            sync_samples=21,
            bookings=21,
            appointments=21,
            calls=1,
            suspected=3,
            open=1,
            in_sync=17,
            differing=1,
            unknown=3,
            made=(
                MadeInHour(hour=clock(-7_200), calls=0, appointments=0),
                MadeInHour(hour=clock(-3_600), calls=0, appointments=0),
                MadeInHour(hour=clock(0), calls=1, appointments=21),
            ),
            shares=(
                MatchedShare(kind="event_type", id="7", total=21, matched=21),
                MatchedShare(kind="source", id="web", total=21, matched=21),
            ),
        )
    ]
    assert (held.usual_ms("1"), held.usual_ms("2")) == (1_100, None)


def test_tenants_are_told_in_their_order_and_what_is_nobodys_is_not() -> None:
    held = Tenants()
    for tenant in ("3", "~none", "2", "~account"):
        held.pair(T0, T0, tenant=tenant)
    assert [(one.tenant, one.lag_wait_ms, one.held_back_by) for one in held.told(NOW)] == [
        ("2", 2_000, ()),
        ("3", 3_000, ()),
    ]


def test_it_is_told_every_ten_seconds_and_counted_every_minute() -> None:
    held = Tenants()
    held.pair(T0, T0)
    begun = NOW
    assert [one.bookings for one in held.told(begun)] == [1]
    held.pair(T0, T0, number=2)
    held.case("uid1x", Phase.CONFIRMED)
    assert held.told(begun + TELL_MS - 1) == []
    assert [(one.bookings, one.differing, one.open) for one in held.told(begun + TELL_MS)] == [(1, 0, 1)]
    assert [one.bookings for one in held.told(begun + COUNT_MS - 1)] == [1]
    assert [one.bookings for one in held.told(begun + COUNT_MS - 1 + TELL_MS)] == [2]


def test_the_count_is_due_at_the_minute_itself() -> None:
    held = Tenants()
    held.pair(T0, T0)
    held.told(NOW)
    held.pair(T0, T0, number=2)
    assert [one.bookings for one in held.told(NOW + COUNT_MS)] == [2]


def test_a_tenant_that_came_since_the_count_stands_with_nothing() -> None:
    held = Tenants()
    held.pair(T0, T0)
    held.told(NOW)
    held.pair(T0, T0, tenant="2")
    newest = held.told(NOW + TELL_MS)[1]
    assert (newest.tenant, newest.bookings, newest.in_sync, newest.sync_samples) == ("2", 0, 0, 0)


# Which delays are measured ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "written", "now", "samples"),
    [
        (NOW, NOW + 500, NOW + 500, 1),
        (NOW + 500, NOW, NOW + 500, 1),
        (NOW, NOW + 500, NOW + 500 + FRESH_MS, 1),
        (NOW, NOW + 500, NOW + 501 + FRESH_MS, 0),
        (NOW + 500, NOW, NOW + 501 + FRESH_MS, 0),
        (NOW, NOW + SAMPLE_MS_MAX, NOW + SAMPLE_MS_MAX, 1),
        (NOW, NOW + SAMPLE_MS_MAX + 1, NOW + SAMPLE_MS_MAX + 1, 0),
    ],
)
def test_only_what_has_just_met_and_within_a_minute_is_measured(
    heard: int, written: int, now: int, samples: int
) -> None:
    held = Tenants()
    held.judge(held.pair(heard, written), now)
    assert held.samples() == samples


def test_a_pair_is_measured_once_and_each_pair_and_tenant_for_itself() -> None:
    held = Tenants()
    for key in [held.pair(NOW, NOW + 5), held.pair(NOW, NOW + 5), held.pair(NOW, NOW + 5, number=2)]:
        held.judge(key, NOW)
    held.judge(held.pair(NOW, NOW + 5, tenant="2"), NOW)
    assert held.samples() == 2
    assert [one.sync_samples for one in held.told(T0 + 2_000_000)] == [2, 1]


def test_a_row_of_a_snapshot_and_one_that_names_no_booking_are_not_measured() -> None:
    held = Tenants()
    held.judge(held.pair(NOW, NOW + 5, snapshot_row=True), NOW)
    held.judge(held.pair(NOW, NOW + 5, number=2, row=AppointmentRow()), NOW)
    assert held.samples() == 0


def test_a_booking_that_no_webhook_told_of_is_not_measured() -> None:
    held = Tenants()
    key = held.pair(NOW, NOW + 5)
    held.index.bookings[Key("b", "1", "uid1x")] = BookingFacts()
    held.judge(key, NOW)
    assert held.samples() == 0


def test_one_pair_that_is_old_does_not_keep_the_others_of_its_cause_from_being_measured() -> None:
    held = Tenants()
    held.pair(NOW - 2 * FRESH_MS, NOW - 2 * FRESH_MS, number=1)
    held.pair(NOW, NOW + 5, number=2)
    cause = build_cause(
        held.index, [Key(k, "1", i) for k, i in (("a", "1"), ("a", "2"), ("b", "uid1x"), ("b", "uid2x"))]
    )
    held.judged(cause, NOW)
    assert held.samples() == 1


def test_the_delay_runs_from_the_first_webhook_to_the_first_row_that_named_the_booking() -> None:
    held = Tenants()
    keys = []
    for number in range(1, SAMPLES_MIN + 1):
        key = held.pair(NOW, NOW + 700, number=number)
        booking = Key("b", "1", f"uid{number}x")
        [told] = held.index.bookings[booking].told
        again = msgspec.structs.replace(told, arrived=NOW + 5_000, body="again")
        held.index.put_booking(booking, BookingFacts(told=(told, again)))
        [named] = held.index.rows[key].versions
        before = msgspec.structs.replace(named, commit_lsn=1, arrived=NOW - 9_000, row=AppointmentRow(booking=None))
        later = msgspec.structs.replace(named, commit_lsn=3, arrived=NOW + 6_000)
        held.index.put_row(key, RowFacts(versions=(before, named, later)))
        keys.append(key)
    for key in keys:
        held.judge(key, NOW)
    [standing] = held.told(NOW)
    assert (standing.sync_p50_ms, standing.sync_p999_ms) == (700, 700)


# The meter ----------------------------------------------------------------------------------------------


def test_fewer_than_twenty_samples_say_nothing() -> None:
    meter = SyncMeter()
    for delay in range(SAMPLES_MIN - 1):
        meter.add(delay)
    assert (len(meter), meter.quantile_ms(0.5)) == (SAMPLES_MIN - 1, None)
    meter.add(5)
    assert meter.quantile_ms(0.5) is not None


@pytest.mark.parametrize(("share", "delay"), [(0.0, 1), (0.5, 51), (0.9, 91), (0.999, 100), (1.0, 100)])
def test_a_quantile_is_the_delay_that_so_many_do_not_exceed(share: float, delay: int) -> None:
    meter = SyncMeter()
    for each in range(100, 0, -1):
        meter.add(each)
    assert meter.quantile_ms(share) == delay
