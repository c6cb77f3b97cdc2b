"""Answers that cannot be used: counted by what was asked, however it was asked, until one can be used."""

import pytest

from streams.cases.refusals import Refusal, Refusals, keys_of, subject_of, unchecked
from streams.facts.index import Key
from streams.model.facts import Lookup, Read, RowRead, Snapshot
from streams.model.observation import BookingReadSeen, LookupSeen, Observation, RowReadSeen
from streams.model.records import Difference, Evidence
from streams.model.rule import Rule, SubjectKind
from streams.rules.violation import AbsenceOf, CallLookupOf, KnownOf, LookupOf, Need, ReadOf, RowOf, Violation

READ = ReadOf("uidA")
SEEN = Snapshot(1, 1)


@pytest.mark.parametrize("need", [READ, AbsenceOf("uidA", 1, 2), KnownOf("uidA", 3, 4)])
def test_however_a_booking_is_asked_for_it_is_the_same_booking(need: Need) -> None:
    refusals = Refusals()
    assert refusals.of("1", need) is None
    refusals.add("1", need, 1_000)
    refusals.add("1", READ, 2_000)
    assert refusals.of("1", need) == refusals.of("1", READ) == Refusal(2, 2_000)
    assert refusals.of("2", need) is None
    assert refusals.of("1", ReadOf("uidB")) is None
    assert subject_of(need) == READ


@pytest.mark.parametrize("need", [LookupOf(("uidA",), ("uidA", "901")), RowOf("call", "5"), CallLookupOf("5")])
def test_every_other_need_is_its_own_subject(need: Need) -> None:
    assert subject_of(need) == need


@pytest.mark.parametrize(("times", "pause"), [(1, 60_000), (2, 300_000), (3, 900_000), (4, 900_000), (9, 900_000)])
def test_it_is_asked_again_after_one_five_and_fifteen_minutes(times: int, pause: int) -> None:
    assert Refusal(times, 7_000).ask_again_at == 7_000 + pause
    assert Refusal(times, 7_000).count == times
    assert Refusal(times, 7_000, elsewhere=True).ask_again_at == 7_000 + pause
    assert Refusal(times, 7_000, elsewhere=True).count == 0


def test_another_accounts_booking_is_no_attempt_and_the_other_word_begins_anew() -> None:
    refusals = Refusals()
    said = []
    for at, elsewhere in ((1, True), (2, True), (3, False), (4, False), (5, True)):
        refusals.add("1", READ, at, elsewhere=elsewhere)
        said.append(refusals.of("1", READ))
    assert said == [Refusal(1, 1, True), Refusal(2, 2, True), Refusal(1, 3), Refusal(2, 4), Refusal(1, 5, True)]


# A usable answer begins the count anew ------------------------------------------------------------------


def booking(uid: str = "uidA", tenant: str = "1", numeric_id: str | None = None) -> Observation:
    return BookingReadSeen(tenant, uid, Read(1, 2, "accepted", numeric_id=numeric_id))


def row(kind: str = "call", row: str = "5", tenant: str = "1") -> Observation:
    return RowReadSeen(tenant, kind, row, RowRead(SEEN, 1, 2))  # type: ignore[arg-type]  # one of two words


def lookup(*uids: str, call: str | None = None, tenant: str = "1") -> Observation:
    return LookupSeen(tenant, Lookup(SEEN, 1, 2), uids, call)


BY_REFS = LookupOf(("uidA", "uidB"), ("uidA", "uidB", "901"))


@pytest.mark.parametrize(
    ("need", "seen", "answers"),
    [
        (READ, booking(), True),
        (AbsenceOf("901"), booking(numeric_id="901"), True),
        (READ, booking("uidB"), False),
        (READ, booking("uidB", numeric_id="901"), False),
        (READ, booking(tenant="2"), False),
        (READ, lookup("uidA"), False),
        (RowOf("call", "5"), row(), True),
        (RowOf("call", "5"), row(row="6"), False),
        (RowOf("call", "5"), row("appointment"), False),
        (RowOf("call", "5"), row(tenant="2"), False),
        (RowOf("call", "5"), lookup(call="5"), False),
        (BY_REFS, lookup("uidB", "uidC"), True),
        (BY_REFS, lookup("901"), True),
        (BY_REFS, lookup("uidC"), False),
        (BY_REFS, lookup("uidA", tenant="2"), False),
        (CallLookupOf("5"), lookup(call="5"), True),
        (CallLookupOf("5"), lookup(call="6"), False),
        (CallLookupOf("5"), lookup(call="5", tenant="2"), False),
        (CallLookupOf("5"), row(), False),
    ],
)
def test_a_usable_answer_forgets_the_unusable_ones(need: Need, seen: Observation, answers: bool) -> None:
    refusals = Refusals()
    refusals.add("1", RowOf("call", "other"), 1_000)
    refusals.add("1", need, 1_000)
    refusals.answered(seen)
    assert (refusals.of("1", need) is None) is answers
    assert refusals.of("1", RowOf("call", "other")) == Refusal(1, 1_000)


@pytest.mark.parametrize(
    ("need", "keys"),
    [
        (READ, [Key("b", "1", "uidA")]),
        (AbsenceOf("uidA"), [Key("b", "1", "uidA")]),
        (KnownOf("uidA"), [Key("b", "1", "uidA")]),
        (BY_REFS, [Key("b", "1", "uidA"), Key("b", "1", "uidB")]),
        (RowOf("call", "5"), [Key("c", "1", "5")]),
        (RowOf("appointment", "17"), [Key("a", "1", "17")]),
        (CallLookupOf("5"), [Key("c", "1", "5")]),
    ],
)
def test_an_answer_is_about_the_entities_it_names(need: Need, keys: list[Key]) -> None:
    assert list(keys_of("1", need)) == keys


# What could not be checked ------------------------------------------------------------------------------


def suspicion(rule: Rule, subject: str = "17", kind: SubjectKind = SubjectKind.APPOINTMENT) -> Violation:
    return Violation(
        rule=rule,
        kind=kind,
        subject=subject,
        two_sided=True,
        newest=1,
        since=2,
        until=3,
        grace_ms=4,
        critical_from=5,
        needs=(READ,),
        booking_uid="uidA",
        differences=(Difference(field="start", local=None, calcom=None),),
        extra=(Evidence(source="webhook", what="beside"),),
    )


def test_a_subject_that_could_not_be_checked_is_one_fault_that_needs_no_proof() -> None:
    drift, status = suspicion(Rule.START_TIME_DRIFT), suspicion(Rule.STATUS_DRIFT)
    call = suspicion(Rule.MISSING_DIRECTION, "17", SubjectKind.CALL)

    def fault(kind: SubjectKind, what: str) -> Violation:
        return Violation(
            rule=Rule.VERIFICATION_FAILED,
            kind=kind,
            subject="17",
            two_sided=False,
            newest=1,
            since=2,
            until=3,
            needs=(),
            booking_uid="uidA",
            extra=(
                Evidence(source="calcom_api", what=f"{what} could not be checked: 3 answers that cannot be used"),
                Evidence(source="webhook", what="beside"),
            ),
        )

    assert list(unchecked([drift, status, call, drift])) == [
        fault(SubjectKind.APPOINTMENT, "start_time_drift"),
        fault(SubjectKind.CALL, "missing_direction"),
    ]
