"""How a tenant stands, as the whole record that is told of it every ten seconds."""

from streams.cases.case import Phase
from streams.cases.standing import COUNT_MS, SAMPLES_MIN, TELL_MS
from streams.facts.index import Key
from streams.model.facts import CallRow, RowFacts, RowVersion
from streams.model.source_records import MadeInHour, MatchedShare, SourceState, TenantStanding
from tests.standing_words import NOW, Tenants
from tests.words import T0, clock


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
