"""How much is held of each tenant, and how much of it agrees: whole counts of small books and indexes."""

import pytest

from streams.cases.book import CaseBook
from streams.cases.case import Case, Phase
from streams.cases.counting import HOUR_MS, LINKS_MAX, Count, count
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
)
from streams.model.judgement import Judgement
from streams.model.rule import Rule, SubjectKind
from streams.model.source_records import MadeInHour

EIGHT = 1_800_000_000_000  # 2027-01-15, 08:00
NOW = EIGHT + HOUR_MS // 2


def booked(event_type: str | None = "7", numeric_id: str | None = None, after: str | None = None) -> BookingFacts:
    read = Read(1, 2, "accepted", 3, 4, event_type=event_type, numeric_id=numeric_id, predecessor=after)
    return BookingFacts(reads=(read,))


def version(row: Row | None) -> RowFacts:
    return RowFacts(versions=(RowVersion(1, 1, 1, 1, 1, row),))


class Held:
    """An index and a book of tenant 1, unless it is said otherwise."""

    def __init__(self) -> None:
        self.index = FactIndex()
        self.book = CaseBook()

    def booking(self, uid: str, facts: BookingFacts | None = None, tenant: str = "1") -> "Held":
        self.index.put_booking(Key("b", tenant, uid), facts or booked())
        return self

    def row(self, kind: str, row: str, facts: RowFacts, tenant: str = "1") -> "Held":
        self.index.put_row(Key(kind, tenant, row), facts)
        return self

    def case(self, rule: Rule, kind: SubjectKind, subject: str, phase: Phase, tenant: str = "1") -> "Held":
        self.book.load(Case(tenant=tenant, rule=rule, kind=kind, subject=subject, phase=phase))
        return self

    def orphan(self, uid: str, phase: Phase) -> "Held":
        return self.case(Rule.ORPHANED_CALCOM, SubjectKind.BOOKING, uid, phase)

    def counts(self, judgement: Judgement | None = None) -> dict[str, Count]:
        return count(self.index, self.book, judgement or Judgement(), NOW)


def b(uid: str) -> Key:
    return Key("b", "1", uid)


def test_nothing_is_held_of_nobody() -> None:
    assert Held().counts() == {}


def test_bookings_and_rows_are_counted_for_their_own_tenant() -> None:
    held = Held().booking("uidA").booking("uidB").booking("uidA", tenant="2")
    held.row("a", "17", version(AppointmentRow())).row("a", "18", version(AppointmentRow()))
    held.row("c", "5", version(CallRow())).row("c", "5", version(CallRow()), tenant="3")
    held.row("c", "6", version(CallRow()))
    assert held.counts() == {
        "1": Count(bookings=2, appointments=2, calls=2, compared=2),
        "2": Count(bookings=1, compared=1),
        "3": Count(calls=1),
    }


def test_a_chain_and_the_names_of_a_booking_are_one_to_compare() -> None:
    held = Held().booking("first").booking("second", booked(after="first", numeric_id="901"))
    held.booking("901").booking("902").booking("903")  # the second's other name; and two that are nobody's yet
    assert held.counts() == {"1": Count(bookings=5, compared=3)}


@pytest.mark.parametrize(
    ("judgement", "compared"),
    [
        (Judgement(), 3),
        (Judgement(event_types=frozenset({"8"})), 2),
        (Judgement(unmatched_event_types=frozenset({"8"})), 2),
        (Judgement(unmatched_event_types=frozenset({"7", "8"})), 1),
        (Judgement(tenants={"1": Judgement(event_types=frozenset({"9"}))}), 1),
        (Judgement(tenants={"2": Judgement(event_types=frozenset({"9"}))}), 3),
    ],
)
def test_what_is_out_of_scope_is_held_but_not_compared(judgement: Judgement, compared: int) -> None:
    held = Held().booking("uidA").booking("uidB", booked("8")).booking("uidC", booked(None))
    assert held.counts(judgement) == {"1": Count(bookings=3, compared=compared)}


# How they stand -----------------------------------------------------------------------------------------


def test_what_is_proved_differs_and_what_is_suspected_is_unknown() -> None:
    held = Held().booking("uidA").booking("uidB").booking("uidC").booking("uidD").booking("uidE")
    held.orphan("uidA", Phase.CONFIRMED).orphan("uidB", Phase.SUSPECTED).orphan("uidC", Phase.VERIFYING)
    held.orphan("uidD", Phase.CLEAR)
    held.case(Rule.VERIFICATION_FAILED, SubjectKind.BOOKING, "uidE", Phase.CONFIRMED)
    [counted] = held.counts().values()
    assert counted == Count(bookings=5, compared=5, differing={b("uidA")}, unknown={b("uidB"), b("uidC"), b("uidE")})
    assert counted.in_sync == 1


def test_a_booking_with_a_proved_fault_is_not_unknown_besides() -> None:
    held = Held().booking("uidA").orphan("uidA", Phase.CONFIRMED)
    held.case(Rule.DUPLICATE_BOOKING, SubjectKind.BOOKING, "uidA", Phase.SUSPECTED)
    assert held.counts() == {"1": Count(bookings=1, compared=1, differing={b("uidA")})}


def test_an_alert_about_an_older_link_speaks_for_the_newest_of_its_chain() -> None:
    held = Held().booking("first").booking("second", booked(after="first")).booking("third", booked(after="second"))
    held.orphan("first", Phase.CONFIRMED)
    assert held.counts() == {"1": Count(bookings=3, compared=1, differing={b("third")})}


def test_a_case_about_an_appointment_counts_for_its_booking_by_whatever_name() -> None:
    held = Held().booking("uidA", booked(numeric_id="901")).row("a", "17", version(AppointmentRow(booking="901")))
    held.case(Rule.START_TIME_DRIFT, SubjectKind.APPOINTMENT, "17", Phase.CONFIRMED)
    assert held.counts() == {"1": Count(bookings=1, appointments=1, compared=1, differing={b("uidA")})}


@pytest.mark.parametrize("facts", [None, version(AppointmentRow()), version(None), RowFacts()])
def test_a_case_about_an_appointment_without_a_booking_counts_for_itself(facts: RowFacts | None) -> None:
    held = Held()
    if facts is not None:
        held.row("a", "17", facts)
    held.case(Rule.NEVER_SYNCED, SubjectKind.APPOINTMENT, "17", Phase.CONFIRMED)
    [counted] = held.counts().values()
    assert (counted.compared, counted.differing, counted.in_sync) == (1, {Key("a", "1", "17")}, 0)


def test_a_row_names_the_booking_that_its_newest_change_names_else_its_newest_read() -> None:
    read = RowRead(Snapshot(1, 1), 1, 2, AppointmentRow(booking="uidB"))
    older = RowRead(Snapshot(1, 1), 0, 1, AppointmentRow(booking="uidC"))
    [first, second] = [
        RowVersion(lsn, lsn, lsn, 1, 1, AppointmentRow(booking=uid)) for lsn, uid in ((1, "x"), (2, "uidA"))
    ]
    held = Held().row("a", "17", RowFacts((first, second), (older, read))).row("a", "18", RowFacts((), (older, read)))
    for row in ("17", "18"):
        held.case(Rule.ORPHANED_LOCAL, SubjectKind.APPOINTMENT, row, Phase.VERIFYING)
    assert held.counts() == {"1": Count(appointments=2, compared=2, unknown={b("uidA"), b("uidB")})}


def test_cases_about_calls_say_nothing_about_bookings() -> None:
    held = Held().booking("uidA").row("c", "5", version(CallRow(booking="uidA")))
    held.case(Rule.MISSING_DIRECTION, SubjectKind.CALL, "5", Phase.CONFIRMED)
    held.case(Rule.ORPHANED_CALCOM, SubjectKind.BOOKING, "theirs", Phase.CONFIRMED, tenant="2")
    assert held.counts() == {
        "1": Count(bookings=1, calls=1, compared=1),
        "2": Count(compared=1, differing={Key("b", "2", "theirs")}),
    }


def test_a_chain_in_a_circle_is_followed_to_a_bound() -> None:
    held = Held().booking("first", booked(after="second")).booking("second", booked(after="first"))
    held.orphan("first", Phase.CONFIRMED)
    assert held.counts() == {"1": Count(bookings=2, differing={b("first")})}
    assert LINKS_MAX % 2 == 0


def test_more_faults_than_comparisons_leave_nothing_in_sync() -> None:
    assert Count(compared=1, differing={b("uidA")}, unknown={b("uidB")}).in_sync == 0
    assert Count(compared=3, differing={b("uidA")}, unknown={b("uidB")}).in_sync == 1


# Made in the last hours ---------------------------------------------------------------------------------


def test_rows_are_counted_in_the_hour_that_made_them_the_last_three_hours() -> None:
    held = Held()
    made = [EIGHT - 2 * HOUR_MS - 1, EIGHT - 2 * HOUR_MS, EIGHT - 1, EIGHT, NOW]
    for number, at in enumerate(made):
        held.row("a", str(number), version(AppointmentRow(created_at=at)))
    held.row("c", "5", version(CallRow(created_at=EIGHT + 1))).row("c", "6", version(CallRow()))
    held.row("a", "9", version(None)).row("a", "10", version(AppointmentRow(created_at=EIGHT)), tenant="2")
    counted = held.counts()
    assert counted["1"].hours(NOW) == (
        MadeInHour(hour="2027-01-15T06:00:00.000Z", calls=0, appointments=1),
        MadeInHour(hour="2027-01-15T07:00:00.000Z", calls=0, appointments=1),
        MadeInHour(hour="2027-01-15T08:00:00.000Z", calls=1, appointments=2),
    )
    assert counted["1"].made == {
        (EIGHT - 2 * HOUR_MS, "a"): 1,
        (EIGHT - HOUR_MS, "a"): 1,
        (EIGHT, "a"): 2,
        (EIGHT, "c"): 1,
    }
    assert counted["2"].made == {(EIGHT, "a"): 1}
    assert counted["1"].hours(EIGHT + 3 * HOUR_MS)[0] == MadeInHour(
        hour="2027-01-15T09:00:00.000Z", calls=0, appointments=0
    )
