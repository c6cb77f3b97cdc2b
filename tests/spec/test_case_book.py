"""The book of cases: found by what they are about, announced once, restated every five minutes."""

import msgspec
import pytest

from streams.cases.book import RESTATE_MS, CaseBook, subject_key
from streams.cases.case import Case, Phase
from streams.facts.cause import Link
from streams.facts.index import Key
from streams.model.facts import BookingFacts
from streams.model.records import Finding, Restatement, Subject, Verification
from streams.model.rule import Rule, Severity, SubjectKind
from streams.rules.violation import Violation
from tests.words import T0

BOOKING = Key("b", "1", "4fQx")


def case(subject: str = "4fQx", phase: Phase = Phase.CONFIRMED, **fields: object) -> Case:
    """An orphaned booking of tenant 1; told of, if confirmed."""
    known: dict[str, object] = {"tenant": "1", "rule": Rule.ORPHANED_CALCOM, "kind": SubjectKind.BOOKING}
    made = Case(**(known | {"subject": subject, "phase": phase} | fields))  # type: ignore[arg-type]  # by name
    if made.phase is Phase.CONFIRMED:
        made.episode = made.episode or 1
        made.finding = finding(made)
    return made


def finding(of: Case, at: str = "2027-01-15T08:00:05.000Z") -> Finding:
    return Finding(
        change="opened",
        alert_id=of.id,
        rule=of.rule,
        tenant=of.tenant,
        subject=Subject(kind=of.kind, id=of.subject),
        episode=of.episode,
        severity=Severity.CRITICAL,
        at=at,
        opened_at=at,
        detected_at=at,
        verification=Verification(state="verified", read_at=at, attempts=1, waited_seconds=5.0, read_what=""),
    )


def book(*cases: Case) -> CaseBook:
    held = CaseBook()
    for each in cases:
        held.load(each)
    return held


def orphaned(*uids: str, **fields: object) -> Violation:
    """An orphaned booking: a chain of these links, named by the newest."""
    links = tuple(Link(uid=u, facts=BookingFacts(), state=None, changed_at=0, superseded=False) for u in uids)
    said: dict[str, object] = {"rule": Rule.ORPHANED_CALCOM, "kind": SubjectKind.BOOKING, "subject": uids[-1]}
    said |= {"two_sided": True, "newest": 0, "since": 0, "needs": (), "links": links}
    return Violation(**(said | fields))  # type: ignore[arg-type]  # by name


# Found by what they are about ---------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "letter"), [("booking", "b"), ("appointment", "a"), ("call", "c")])
def test_a_case_is_about_its_subject(kind: str, letter: str) -> None:
    assert subject_key(case(kind=SubjectKind(kind))) == Key(letter, "1", "4fQx")


def test_a_suspicion_has_one_case_and_keeps_it() -> None:
    held = CaseBook()
    made = held.of(orphaned("4fQx"), "1")
    assert made == Case(tenant="1", rule=Rule.ORPHANED_CALCOM, kind=SubjectKind.BOOKING, subject="4fQx")
    assert held.of(orphaned("4fQx"), "1") is made
    assert held.of(orphaned("4fQx"), "2") is not made
    assert held.about([BOOKING, Key("b", "1", "nobody")]) == [made]


def test_of_two_states_of_a_case_the_one_further_on_stands() -> None:
    first, second = case(episode=1), case(episode=2)
    held = CaseBook()
    assert held.load(second) is second
    assert held.load(first) is second
    assert held.about([BOOKING]) == [second]


def test_dropping_a_case_leaves_the_other_ones_of_its_subject() -> None:
    orphan, twin = case(), case(rule=Rule.DUPLICATE_BOOKING)
    held = book(orphan, twin)
    held.drop(orphan)
    assert held.about([BOOKING]) == [twin]
    held.drop(twin)
    held.drop(twin)
    assert held.by_subject == {}


def test_forgetting_a_subject_forgets_all_of_its_cases_and_names_them() -> None:
    orphan, twin, other = case(), case(rule=Rule.DUPLICATE_BOOKING), case("5gRy")
    held = book(orphan, twin, other)
    assert held.forget(BOOKING) == [orphan, twin]
    assert held.forget(BOOKING) == []
    assert list(held.standing()) == [other]


def test_a_tombstone_forgets_one_case_be_it_known_or_not() -> None:
    orphan, twin = case(), case(rule=Rule.DUPLICATE_BOOKING)
    held = book(orphan, twin)
    held.forget_rule(BOOKING, "orphaned_calcom")
    held.forget_rule(BOOKING, "orphaned_calcom")
    held.forget_rule(Key("b", "1", "nobody"), "orphaned_calcom")
    assert held.about([BOOKING]) == [twin]


def test_cases_are_counted_by_phase_and_by_tenant() -> None:
    held = book(case("a"), case("b", Phase.SUSPECTED), case("c", Phase.VERIFYING, tenant="2"), case("d", Phase.CLEAR))
    assert held.phases() == {"confirmed": 1, "suspected": 1, "verifying": 1, "clear": 1}
    assert held.phases_by_tenant() == {
        ("1", Phase.CONFIRMED): 1,
        ("1", Phase.SUSPECTED): 1,
        ("2", Phase.VERIFYING): 1,
        ("1", Phase.CLEAR): 1,
    }
    assert [each.subject for each in held.standing()] == ["a", "b", "c"]


# The name it was told under -----------------------------------------------------------------------------


def test_an_alert_keeps_the_name_it_was_told_under_though_an_older_link_came_to_light() -> None:
    violation = orphaned("oldA", "4fQx")
    named = msgspec.structs.replace(violation, subject="oldA")
    assert book(case("4fQx")).under_told_name(named, "1") == violation


@pytest.mark.parametrize(
    ("held", "violation", "why"),
    [
        (case("4fQx", tenant="2"), orphaned("oldA", "4fQx", subject="oldA"), "another tenant's"),
        (case("4fQx", Phase.SUSPECTED), orphaned("oldA", "4fQx", subject="oldA"), "never told"),
        (case("4fQx", rule=Rule.TENANT_MISMATCH), orphaned("oldA", "4fQx", subject="oldA"), "another rule's"),
        (case("5gRy"), orphaned("oldA", "4fQx", subject="oldA"), "another chain's"),
        (
            case("4fQx", rule=Rule.DUPLICATE_BOOKING),
            orphaned("4fQx", "twin", subject="twin", rule=Rule.DUPLICATE_BOOKING),
            "two bookings are no chain",
        ),
        (
            case("4fQx", rule=Rule.MISSED_RESCHEDULE),
            orphaned("4fQx", subject="17", kind=SubjectKind.APPOINTMENT, rule=Rule.MISSED_RESCHEDULE),
            "an appointment is named by its row",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_other_name_is_taken(held: Case, violation: Violation, why: str) -> None:
    assert book(held).under_told_name(violation, "1") is violation, why


# Announced ----------------------------------------------------------------------------------------------


def test_a_finding_is_announced_until_the_broker_has_it() -> None:
    told = case(announce=True)
    held = book(told, case("5gRy"))
    assert told.finding is not None
    assert held.to_announce() == [told.finding]
    assert held.announced(told.finding) is told
    assert not told.announce
    assert held.to_announce() == []
    assert held.announced(told.finding) is None


def test_an_acknowledgement_of_what_was_told_before_leaves_the_mark() -> None:
    told = case(announce=True)
    assert told.finding is not None
    held = book(told)
    assert held.announced(finding(told, at="2027-01-15T07:59:00.000Z")) is None
    assert held.to_announce() == [told.finding]
    assert told.announce


# Restated -----------------------------------------------------------------------------------------------


def test_every_five_minutes_what_is_open_is_told_again_and_listed_by_tenant() -> None:
    open_b, open_a, theirs = case("b"), case("a", episode=3), case("c", tenant="2")
    pending = case("d", announce=True)
    checking = [case("e", Phase.SUSPECTED), case("f", Phase.VERIFYING), pending]
    held = book(open_b, *checking, open_a, theirs, case("g", Phase.CLEAR))
    tenants = ["3", "1"]
    assert held.restatements(T0, tenants, 7) == []
    assert held.restatements(T0 + RESTATE_MS - 1, tenants, 7) == []
    said = held.restatements(T0 + RESTATE_MS, tenants, 7)
    at = "2027-01-15T08:05:00.000Z"
    assert said == [
        open_b.finding,
        open_a.finding,
        theirs.finding,
        Restatement(tenant="3", at=at, open=(), checking=(), generation=7),
        Restatement(
            tenant="1",
            at=at,
            open=tuple(sorted([(open_a.id, 3), (open_b.id, 1)])),
            checking=tuple(sorted(each.id for each in checking)),
            generation=7,
        ),
        Restatement(tenant="2", at=at, open=((theirs.id, 1),), checking=(), generation=7),
    ]
    assert held.restatements(T0 + 2 * RESTATE_MS - 1, tenants, 7) == []
    assert held.restatements(T0 + 2 * RESTATE_MS, tenants, 7) == [
        msgspec.structs.replace(one, at="2027-01-15T08:10:00.000Z") if isinstance(one, Restatement) else one
        for one in said
    ]
