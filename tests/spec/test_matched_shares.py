"""Shares of matched bookings and rows by group, and the narrower scope that follows: whole shares of small indexes."""

from collections.abc import Callable

import pytest

from streams.cases.book import CaseBook
from streams.cases.case import Case, Phase
from streams.cases.matching import COVERED_BACK_MS, GROUP_MIN, RECOUNT_MS, Matching, OutOfScope
from streams.facts.index import FactIndex, Key
from streams.facts.picture import build_cause
from streams.model.facts import AppointmentRow, BookingFacts, CallRow, Read, RowFacts, RowVersion, Told
from streams.model.judgement import Judgement
from streams.model.observation import PassSeen
from streams.model.rule import Rule, SubjectKind
from streams.model.source_records import MatchedShare

NOW = 1_800_000_000_000


class Shares(Matching):
    """The matching of an index that a test fills."""

    def __init__(self) -> None:
        self.index, self.book = FactIndex(), CaseBook()
        super().__init__(self.index, self.book)

    def bookings(self, event_type: str | None, number: int, tenant: str = "1") -> "Shares":
        for each in range(number):
            read = Read(1, 2, "accepted", 3, 4, event_type=event_type)
            self.index.put_booking(Key("b", tenant, f"e{event_type}x{each}"), BookingFacts(reads=(read,)))
        return self

    def rows(self, source: str | None, number: int, *, booking: str | None = None, tenant: str = "1") -> "Shares":
        for each in range(number):
            self.row(f"{source}{each}{booking}", AppointmentRow(source=source, booking=booking), tenant)
        return self

    def row(self, row: str, columns: AppointmentRow | CallRow | None, tenant: str = "1") -> None:
        kind = "c" if isinstance(columns, CallRow) else "a"
        self.index.put_row(Key(kind, tenant, row), RowFacts(versions=(RowVersion(1, 1, 1, 1, 1, columns),)))

    def alert(self, key: Key, phase: Phase = Phase.CONFIRMED) -> None:
        kind = SubjectKind.BOOKING if key.kind == "b" else SubjectKind.APPOINTMENT
        rule = Rule.ORPHANED_CALCOM if key.kind == "b" else Rule.NEVER_SYNCED
        self.book.load(Case(tenant=key.tenant, rule=rule, kind=kind, subject=key.id, phase=phase))

    def covered(self, *sides: str, tenant: str = "1", back: int = COVERED_BACK_MS) -> "Shares":
        for side in sides or ("calcom", "database"):
            self.passed(PassSeen(side, tenant, NOW - back, NOW, NOW))
        return self


def types(matching: Matching, tenant: str = "1") -> list[tuple[str, int, int, bool]]:
    return [(share.id, share.total, share.matched, share.out) for share in matching.shares_of(tenant)]


def test_the_share_of_each_event_type_and_source_is_counted_for_each_tenant() -> None:
    held = Shares()
    held.row("5", CallRow())
    held.row("gone", None)
    held.bookings(None, 2).bookings("7", 3).bookings("8", 1).bookings("7", 1, tenant="2")
    held.rows(None, 1).rows("", 1).rows("phone", 2).rows("web", 1, booking="e7x1").rows("web", 2)
    assert held.recount(NOW) == []
    assert held.shares_of("1") == (
        MatchedShare(kind="event_type", id="7", total=3, matched=1),
        MatchedShare(kind="event_type", id="8", total=1, matched=0),
        MatchedShare(kind="source", id="phone", total=2, matched=0),
        MatchedShare(kind="source", id="web", total=3, matched=1),
    )
    assert held.shares_of("2") == (MatchedShare(kind="event_type", id="7", total=1, matched=0),)
    assert held.shares_of("3") == ()


def test_a_booking_that_only_a_webhook_without_a_state_named_is_not_counted() -> None:
    held = Shares()
    nothing = Told(1, 0, "b", 1, "BOOKING_NO_SHOW_UPDATED", event_type="7")
    held.index.put_booking(Key("b", "1", "uidA"), BookingFacts(told=(nothing,)))
    held.recount(NOW)
    assert held.shares_of("1") == ()


def test_it_is_counted_every_ten_minutes_and_after_a_pass() -> None:
    held = Shares().bookings("7", 1)
    held.recount(NOW)
    held.bookings("7", 2)
    held.recount(NOW + RECOUNT_MS - 1)
    assert types(held) == [("7", 1, 0, False)]
    held.recount(NOW + RECOUNT_MS)
    assert types(held) == [("7", 2, 0, False)]
    held.bookings("7", 3).covered("calcom")
    held.recount(NOW + RECOUNT_MS + 1)
    assert types(held) == [("7", 3, 0, False)]


# Out of scope -------------------------------------------------------------------------------------------


def private() -> Shares:
    """Ten bookings of one event type and ten rows of one source, and none of them with a partner."""
    return Shares().bookings("99", GROUP_MIN).rows("walk-in", GROUP_MIN)


def test_ten_without_a_partner_are_out_once_both_sides_are_covered() -> None:
    held = private().covered()
    assert held.recount(NOW) == ["1"]
    assert types(held) == [("99", 10, 0, True), ("walk-in", 10, 0, True)]
    assert held.note("1") == ("tenant 1: never matched, so out of scope: event types ('99',), sources ('walk-in',)")
    assert held.take_writes() == [(b"o|1|-", OutOfScope(("99",), ("walk-in",)))]
    assert held.take_writes() == []
    assert held.recount(NOW + RECOUNT_MS) == []


@pytest.mark.parametrize(
    ("why", "made"),
    [
        ("nine", lambda: Shares().bookings("99", GROUP_MIN - 1).rows("walk-in", GROUP_MIN - 1).covered()),
        ("one side only", lambda: private().covered("calcom")),
        ("the other side only", lambda: private().covered("database")),
        ("another tenant's passes", lambda: private().covered(tenant="2")),
        ("passes that do not reach back", lambda: private().covered(back=COVERED_BACK_MS - 1)),
        ("nothing is covered", private),
    ],
)
def test_what_is_not_proved_stays_in(why: str, made: Callable[[], Shares]) -> None:
    held = made()
    assert held.recount(NOW) == [], why
    assert not any(share.out for share in held.shares_of("1"))
    assert held.take_writes() == []


def test_one_partner_keeps_a_group_in() -> None:
    held = private().rows("walk-in", 1, booking="e99x4").covered()
    assert held.recount(NOW) == []
    assert types(held) == [("99", 10, 1, False), ("walk-in", 11, 1, False)]


def test_a_call_that_names_one_or_an_alert_that_is_open_keeps_a_group_in() -> None:
    called = private().covered()
    called.row("5", CallRow(booking="e99x0"))  # the first that is counted
    assert called.recount(NOW) == ["1"]
    assert types(called) == [("99", 10, 0, False), ("walk-in", 10, 0, True)]
    alerted = private().covered()
    alerted.alert(Key("b", "1", "e99x0"))
    alerted.alert(Key("a", "1", "walk-in0None"))
    assert alerted.recount(NOW) == []
    suspected = private().covered()
    suspected.alert(Key("b", "1", "e99x0"), Phase.SUSPECTED)
    assert suspected.recount(NOW) == ["1"]


def test_the_bounds_of_judging_say_what_is_out_for_whom() -> None:
    held = private().covered()
    held.recount(NOW)
    out = {"unmatched_event_types": frozenset({"99"}), "unmatched_sources": frozenset({"walk-in"})}
    theirs = {"2": Judgement(tolerance_ms=6)}
    given = Judgement(tolerance_ms=5, tenants=theirs)
    assert held.narrow(given).tenants == theirs | {"1": Judgement(tolerance_ms=5, tenants=theirs, **out)}
    own = Judgement(tolerance_ms=5, tenants={"1": Judgement(tolerance_ms=7)})
    assert held.narrow(own) == Judgement(tolerance_ms=5, tenants={"1": Judgement(tolerance_ms=7, **out)})
    assert Shares().narrow(given) == given


def test_a_restarted_worker_holds_out_what_was_out_before_anything_is_covered() -> None:
    held = private()
    body = b"\x92\x91\xa299\x91\xa7walk-in"  # as it stands in the changelog
    held.load(b"o|1|-", body)
    assert held.recount(NOW) == []
    assert types(held) == [("99", 10, 0, True), ("walk-in", 10, 0, True)]
    assert held.take_writes() == []


def test_an_alert_or_a_partner_brings_a_group_back_at_the_next_count() -> None:
    held = private().covered()
    held.recount(NOW)
    held.take_writes()
    held.rows("phone", 1, booking="e99x4")
    assert held.recount(NOW + RECOUNT_MS) == ["1"]
    assert held.take_writes() == [(b"o|1|-", OutOfScope((), ("walk-in",)))]


@pytest.mark.parametrize(
    ("source", "left"),
    [("walk-in", OutOfScope()), ("phone", OutOfScope((), ("walk-in",)))],
)
def test_the_first_partner_brings_its_groups_back_at_once(source: str, left: OutOfScope) -> None:
    held = private().covered()
    held.recount(NOW)
    held.take_writes()
    key = Key("b", "1", "e99x4")
    assert not held.judged(build_cause(held.index, [key]))
    held.row("17", AppointmentRow(source=source, booking="e99x4"))
    assert held.judged(build_cause(held.index, held.index.cause(key)))
    assert held.take_writes() == [(b"o|1|-", left)]
    other = Shares().bookings("99", 1, tenant="2")
    assert not held.judged(build_cause(other.index, [Key("b", "2", "e99x0")]))


def test_a_pair_of_groups_that_are_in_brings_nothing_back() -> None:
    held = private().bookings("7", 1).rows("web", 1, booking="e7x0").covered()
    held.recount(NOW)
    assert not held.judged(build_cause(held.index, held.index.cause(Key("b", "1", "e7x0"))))


def test_the_members_of_a_tenant_are_all_its_bookings_and_rows() -> None:
    held = Shares().bookings("7", 1).rows("web", 1).bookings("7", 1, tenant="2").rows("web", 1, tenant="2")
    assert list(held.members("1")) == [Key("b", "1", "e7x0"), Key("a", "1", "web0None")]
