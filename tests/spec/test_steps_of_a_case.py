"""The steps of a case, one by one: from suspicion over the proving round to the finding that stands."""

import copy
from typing import Any

import msgspec
import pytest

from streams.cases.advance import HELD_LOOK_MS, NEXT_ROUND_MS, REREAD_MS, advance
from streams.cases.case import Case, Phase
from streams.cases.evidence import opened
from streams.cases.refusals import Refusal
from streams.cases.step import ASK_AGAIN_MS, Ask, Step
from streams.facts.cause import Link
from streams.facts.index import FactIndex, Key
from streams.model.facts import BookingFacts, Read, RowFacts, RowRead, Snapshot
from streams.model.judgement import Judgement
from streams.model.records import Difference
from streams.model.rule import Resolution, Rule
from streams.rules.violation import AbsenceOf, ReadOf, RowOf, Violation
from tests.case_words import GRACE, LAG, SECOND, case, context, told, violation
from tests.words import T0, clock

DUE = T0 + GRACE
ROW = RowOf("call", "5")
STARTS = T0 + 3_600 * SECOND


def stepped(one: Case, said: Violation | None, now: int, silencer: Case | None = None, **held: Any) -> Step:
    return advance(one, said, silencer, context(now, **held))


# Suspected ----------------------------------------------------------------------------------------------


def test_a_suspicion_waits_for_its_grace() -> None:
    one = case()
    assert stepped(one, violation(), T0 + 5) == Step(wake_at=DUE, moved=True)
    assert one == case(Phase.SUSPECTED, suspected_at=T0 + 5)
    assert stepped(one, violation(), DUE - 1) == Step(wake_at=DUE)
    assert one == case(Phase.SUSPECTED, suspected_at=T0 + 5)


@pytest.mark.parametrize(
    ("fields", "floor", "bounds", "due"),
    [
        ({"two_sided": True}, 0, None, T0 + GRACE + LAG),
        ({"grace_ms": 700}, 0, None, T0 + 700),
        ({"grace_ms": 700, "two_sided": True}, 0, None, T0 + 700 + LAG),
        ({"newest": T0 + 300}, 0, None, T0 + 300 + GRACE),
        ({}, DUE + 400, None, DUE + 400),
        ({}, DUE - 400, None, DUE),
        ({}, 0, Judgement(tenants={"1": Judgement(grace_ms=dict.fromkeys(Rule, 900))}), T0 + 900),
    ],
)
def test_when_a_round_begins(fields: dict[str, Any], floor: int, bounds: Judgement | None, due: int) -> None:
    held = {"judgement": bounds} if bounds else {}
    assert stepped(case(floor=floor), violation(**fields), T0, **held) == Step(wake_at=due, moved=True)


def test_a_fault_that_needs_no_proof_is_told_when_its_grace_is_over() -> None:
    one = case(Phase.SUSPECTED, suspected_at=T0, episode=3, unchecked=True)
    link = Link(uid="uidA", facts=BookingFacts(), state=None, changed_at=0, superseded=True)
    said = violation(links=(link,))
    assert stepped(one, said, DUE) == Step(wake_at=DUE + REREAD_MS, moved=True)
    proved = case(Phase.CONFIRMED, suspected_at=T0, episode=4, detected_at=DUE, reread_at=DUE + REREAD_MS)
    proved.finding, proved.announce, proved.uids = opened(proved, said, context(DUE)), True, ("uidA",)
    assert one == proved


def test_what_must_be_read_is_asked_for_when_the_round_begins_and_every_ten_seconds() -> None:
    one = case(Phase.SUSPECTED, suspected_at=T0, episode=3)
    said = violation(ROW, starts_at=STARTS)
    assert stepped(one, said, DUE - 1) == Step(wake_at=DUE)
    ask = Ask(ROW, "proof", f"{one.id}|3|{DUE}|{DUE}", STARTS)
    assert stepped(one, said, DUE) == Step(asks=[ask], wake_at=DUE + ASK_AGAIN_MS)
    assert one == case(Phase.VERIFYING, suspected_at=T0, episode=3)


def test_what_may_be_asked_earlier_is_asked_earlier() -> None:
    one = case(Phase.SUSPECTED, suspected_at=T0)
    absence = AbsenceOf("uidA")
    assert stepped(one, violation(absence), T0 + 699) == Step(wake_at=T0 + 700)
    step = stepped(one, violation(absence), T0 + 700)
    assert step == Step(asks=[Ask(absence, "proof", f"{one.id}|0|{DUE}|{T0 + 700}", None)], wake_at=DUE)
    assert one.phase is Phase.SUSPECTED


def test_it_is_looked_at_again_when_it_ends_by_itself_and_when_it_becomes_critical() -> None:
    for fields, wake_at in (
        ({"until": DUE - 1}, DUE - 1),
        ({"until": DUE + 1}, DUE),
        ({"critical_from": T0 + 1}, T0 + 1),
        ({"critical_from": T0}, DUE),
    ):
        assert stepped(case(), violation(**fields), T0) == Step(wake_at=wake_at, moved=True)


def test_at_the_instant_of_its_end_it_is_over() -> None:
    one = case(Phase.SUSPECTED, suspected_at=T0)
    assert stepped(one, violation(until=T0 + 500), T0 + 499).cleared_after_ms is None
    assert stepped(one, violation(until=T0 + 500), T0 + 500) == Step(moved=True, cleared_after_ms=500)
    assert one.phase is Phase.CLEAR


@pytest.mark.parametrize(
    ("refusal", "unchecked"),
    [
        (None, False),
        (Refusal(2, T0), False),
        (Refusal(3, T0), True),
        (Refusal(4, T0), True),
        (Refusal(9, T0, True), False),
    ],
)
def test_three_unusable_answers_make_it_one_that_could_not_be_checked(refusal: Refusal | None, unchecked: bool) -> None:
    one = case(Phase.SUSPECTED, suspected_at=T0, unchecked=not unchecked)
    stepped(one, violation(ReadOf("uidA"), ROW), DUE, refused={} if refusal is None else {ROW: refusal})
    assert one.unchecked is unchecked


def test_a_round_whose_answers_say_otherwise_is_followed_by_another_in_two_seconds() -> None:
    """The row was read in the round, and of its fault nothing is seen in what it showed."""
    index, key = FactIndex(), Key("c", "1", "5")
    index.put_row(key, RowFacts(reads=(RowRead(Snapshot(1, 1), DUE, DUE + 100),)))
    one = case(Phase.VERIFYING, suspected_at=T0)
    now = DUE + 100
    assert stepped(one, violation(ROW), now, index=index, keys=[key]) == Step(wake_at=now + NEXT_ROUND_MS)
    assert one == case(Phase.VERIFYING, suspected_at=T0, floor=now + NEXT_ROUND_MS)


# Held back, and silenced --------------------------------------------------------------------------------


def test_while_a_source_is_silent_nothing_is_asked_and_every_round_begins_anew() -> None:
    one = case(held_by="database")
    assert stepped(one, violation(ROW), DUE) == Step(wake_at=DUE + HELD_LOOK_MS, moved=True)
    assert one == case(Phase.SUSPECTED, suspected_at=DUE, floor=DUE, held_by="database")
    one.phase = Phase.VERIFYING
    assert stepped(one, violation(ROW), DUE + 7) == Step(wake_at=DUE + 7 + HELD_LOOK_MS)
    assert one == case(Phase.SUSPECTED, suspected_at=DUE, floor=DUE + 7, held_by="database")


def test_where_a_higher_rule_speaks_nothing_is_asked_and_a_new_grace_follows() -> None:
    one, higher = case(), case(Phase.SUSPECTED, subject="higher")
    assert stepped(one, violation(ROW), DUE, higher) == Step(moved=True)
    assert one == case(Phase.SUSPECTED, suspected_at=DUE, floor=DUE, silenced=True)
    assert stepped(one, violation(ROW), DUE + 7, higher) == Step()
    assert one == case(Phase.SUSPECTED, suspected_at=DUE, floor=DUE + 7, silenced=True)
    free = DUE + 9
    assert stepped(one, violation(ROW, two_sided=True), free) == Step(wake_at=free + GRACE + LAG)
    assert one == case(Phase.SUSPECTED, suspected_at=DUE, floor=free + GRACE + LAG)


def test_an_open_finding_is_superseded_by_a_higher_one_that_is_proved_only() -> None:
    one, higher = told(), case(Phase.VERIFYING, subject="higher")
    before = copy.deepcopy(one.finding)
    assert stepped(one, violation(), T0 + 5, higher) == Step()
    assert (one.phase, one.finding) == (Phase.CONFIRMED, before)
    higher.phase = Phase.CONFIRMED
    assert stepped(one, violation(), T0 + 6, higher) == Step(moved=True)
    assert (one.phase, one.announce, one.floor) == (Phase.CLEAR, True, T0 + 6)
    assert one.finding is not None
    assert (one.finding.resolution, one.finding.superseded_by) == (Resolution.SUPERSEDED, higher.id)


# Standing -----------------------------------------------------------------------------------------------


def test_what_stands_is_read_again_every_minute() -> None:
    one, needs = told(), (ROW, ReadOf("uidA"))
    said, again = violation(*needs, starts_at=STARTS), T0 + REREAD_MS
    assert stepped(one, said, again - 1) == Step(wake_at=again)
    asks = [Ask(need, "reread", f"{one.id}|2|again|{again}", STARTS) for need in needs]
    assert stepped(one, said, again) == Step(asks=asks, wake_at=again + REREAD_MS)
    assert stepped(one, violation(until=again + 10), again + 5) == Step(wake_at=again + 10)


DIFFERENCE = Difference(field="direction", local=None, calcom=None)


@pytest.mark.parametrize(
    "fields",
    [{"booking_uid": "uidA"}, {"appointment_id": "17"}, {"differences": (DIFFERENCE,)}, {"critical_from": T0 + 5}],
)
def test_what_changed_about_it_is_told_as_an_update(fields: dict[str, Any]) -> None:
    one = told()
    link = Link(uid="uidB", facts=BookingFacts(), state=None, changed_at=0, superseded=True)
    said = violation(links=(link,), **fields)
    updated = opened(one, said, context(T0 + 5), change="updated")
    assert stepped(one, said, T0 + 5) == Step(wake_at=T0 + REREAD_MS, moved=True)
    assert (one.finding, one.announce, one.uids, one.episode) == (updated, True, ("uidB",), 2)


def test_nothing_is_updated_while_the_last_word_is_still_to_be_told_or_the_new_one_is_not_proved() -> None:
    unread = Link(uid="uidB", facts=BookingFacts(), state=None, changed_at=0, superseded=False)
    done = msgspec.structs.replace(unread, superseded=True)
    pending = told(announce=True)
    for one, said in (
        (pending, violation(booking_uid="uidA")),
        (told(), violation(booking_uid="uidA", links=(unread,))),
        (told(), violation(booking_uid="uidA", links=(done, unread))),
        (told(), violation()),
        (told(), violation(starts_at=T0, certain=True)),
    ):
        before = copy.deepcopy(one)
        assert stepped(one, said, T0 + 5) == Step(wake_at=T0 + REREAD_MS)
        assert one == before
    read = Read(T0, T0, "accepted", 1, 2)
    known = msgspec.structs.replace(unread, facts=BookingFacts(reads=(read,)))
    one = told()
    assert stepped(one, violation(booking_uid="uidA", links=(unread, known)), T0 + 5).moved


def test_a_booking_that_nobody_has_read_yet_is_asked_for_at_once() -> None:
    one = told()
    said = violation(ROW, certain=False, newest=T0 + 3, starts_at=STARTS, booking_uid="uidA")
    ask = Ask(ROW, "settle", f"{one.id}|2|other|{T0 + 3}", STARTS)
    assert stepped(one, said, T0 + 5) == Step(asks=[ask], wake_at=T0 + 5 + ASK_AGAIN_MS)


@pytest.mark.parametrize(
    ("need", "certain", "refusal", "ends"),
    [
        (AbsenceOf("uidA"), True, Refusal(1, T0, True), True),
        (AbsenceOf("uidA"), True, Refusal(1, T0), False),
        (ReadOf("uidA"), True, Refusal(1, T0, True), False),
        (ReadOf("uidA"), False, Refusal(1, T0, True), True),
    ],
)
def test_an_absence_ends_where_the_booking_is_another_accounts(
    need: Any, certain: bool, refusal: Refusal, ends: bool
) -> None:
    one = told()
    step = stepped(one, violation(need, certain=certain), T0 + 5, refused={need: refusal})
    assert (one.phase is Phase.CLEAR) is ends
    assert one.finding is not None
    assert one.finding.resolution == (Resolution.RECOVERED if ends else None)
    assert one.finding.at == clock(0.005 if ends else 0)
    assert not (ends and step.asks)
