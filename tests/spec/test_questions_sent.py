"""The questions as they go out, whole: one for each need, with what it is for and where to look."""

import pytest

from streams.cases.questions import REMEMBER_MS, Asked, QuestionDesk
from streams.cases.refusals import Refusal
from streams.cases.settling import SETTLE_AGAIN_MS_MAX, SETTLE_MS, settle
from streams.cases.step import ASK_AGAIN_MS, FAR, Ask
from streams.facts.booking import ABSENCE_GAP_MS
from streams.facts.cause import Cause, Chain, Link
from streams.facts.index import Key
from streams.model.facts import BookingFacts, Read, Told
from streams.model.observation import AnswerRefused, BookingReadSeen
from streams.model.records import AnyQuestion, BookingQuestion, NumericQuestion, RowsQuestion
from streams.rules.violation import AbsenceOf, CallLookupOf, KnownOf, LookupOf, Need, ReadOf, RowOf
from tests.words import T0, clock

SECOND = 1_000
NOW = T0 + 10 * SECOND


def asked(
    desk: QuestionDesk, need: Need, now: int = NOW, *, tenant: str = "1", purpose: str = "proof"
) -> list[AnyQuestion]:
    desk.ask(Asked(tenant, Ask(need, purpose, "r1", T0 + 3_600 * SECOND), now))
    return list(desk.take())


def sent(kind: type[AnyQuestion], request_id: str, **fields: object) -> AnyQuestion:
    base = {"request_id": request_id, "tenant": "1", "asked_at": clock(10), "purpose": "proof"}
    return kind(**base, matters_at=clock(3_600), **fields)  # type: ignore[arg-type]  # by name


AROUND = {"starts_at": clock(20), "created_at": clock(30)}


@pytest.mark.parametrize(
    ("need", "kind", "fields"),
    [
        (ReadOf("uidA"), BookingQuestion, {"uid": "uidA"}),
        (AbsenceOf("uidA", T0, T0), BookingQuestion, {"uid": "uidA"}),
        (KnownOf("uidA", T0, T0), BookingQuestion, {"uid": "uidA"}),
        (ReadOf("901"), NumericQuestion, {"numeric_id": "901"}),
        (AbsenceOf("901", T0 + 20_000, T0 + 30_000), NumericQuestion, {"numeric_id": "901"} | AROUND),
        (KnownOf("901", T0 + 20_000, T0 + 30_000), NumericQuestion, {"numeric_id": "901"} | AROUND),
        (KnownOf("901"), NumericQuestion, {"numeric_id": "901"}),
        (LookupOf(("uidA",), ("uidA", "901")), RowsQuestion, {"booking_refs": ("uidA", "901")}),
        (RowOf("appointment", "17"), RowsQuestion, {"table": "appointments", "row_id": "17"}),
        (RowOf("call", "5"), RowsQuestion, {"table": "calls", "row_id": "5"}),
        (CallLookupOf("5"), RowsQuestion, {"call_id": "5"}),
    ],
)
def test_each_need_is_one_question(need: Need, kind: type[AnyQuestion], fields: dict[str, object]) -> None:
    [question] = asked(QuestionDesk(), need)
    assert question == sent(kind, question.request_id, **fields)


def test_a_request_id_is_the_same_for_every_worker() -> None:
    """Also for those of another version: answers to what one asked must find the question of its successor."""
    [question] = asked(QuestionDesk(), ReadOf("uidA"))
    assert question.request_id == "931f05e082c149f902bd4815"


def test_what_was_taken_is_not_taken_twice() -> None:
    desk = QuestionDesk()
    assert len(asked(desk, ReadOf("uidA"))) == 1
    assert desk.take() == ()


def test_a_question_waits_for_its_repeat_from_when_it_was_last_sent() -> None:
    desk = QuestionDesk()
    times = [0, ASK_AGAIN_MS - 1, ASK_AGAIN_MS, 2 * ASK_AGAIN_MS - 1, 2 * ASK_AGAIN_MS]
    assert [len(asked(desk, ReadOf("uidA"), NOW + after)) for after in times] == [1, 0, 1, 0, 1]


# Unusable answers ---------------------------------------------------------------------------------------


def refused(desk: QuestionDesk, *questions: AnyQuestion, at: int = NOW, elsewhere: bool = False) -> list[Key]:
    ids = ("unknown", *(question.request_id for question in questions))
    return desk.refuse(AnswerRefused("1", ids, at, elsewhere))


def test_an_unusable_answer_names_what_it_was_about_and_puts_the_question_off() -> None:
    desk = QuestionDesk()
    questions = asked(desk, ReadOf("uidB")) + asked(desk, AbsenceOf("uidA")) + asked(desk, KnownOf("uidA"))
    assert refused(desk, *questions) == [Key("b", "1", "uidA"), Key("b", "1", "uidB")]
    assert desk.refused("1", ReadOf("uidA")) == Refusal(1, NOW)
    assert desk.refused("2", ReadOf("uidA")) is None
    assert [len(asked(desk, ReadOf("uidA"), NOW + after)) for after in (59_999, 60_000)] == [0, 1]
    assert len(asked(desk, ReadOf("uidA"), NOW + 20_000, tenant="2")) == 1
    assert refused(desk) == []


def test_another_accounts_booking_is_remembered_as_such() -> None:
    desk = QuestionDesk()
    refused(desk, *asked(desk, ReadOf("uidA")), elsewhere=True)
    assert desk.refused("1", ReadOf("uidA")) == Refusal(1, NOW, elsewhere=True)


def test_a_usable_answer_lets_it_be_asked_at_once() -> None:
    desk = QuestionDesk()
    refused(desk, *asked(desk, ReadOf("uidA")))
    desk.answered(BookingReadSeen("1", "uidA", Read(1, 2)))
    assert desk.refused("1", ReadOf("uidA")) is None
    assert len(asked(desk, ReadOf("uidA"), NOW + ASK_AGAIN_MS)) == 1


def test_a_question_is_remembered_for_half_an_hour_after_it_was_last_sent() -> None:
    for after, remembered in ((REMEMBER_MS, True), (REMEMBER_MS + 1, False)):
        desk = QuestionDesk()
        [question] = asked(desk, ReadOf("uidA"))
        desk.forget_before(NOW + after)
        assert (refused(desk, question) == [Key("b", "1", "uidA")]) is remembered


def test_what_is_forgotten_is_looked_for_once_a_minute() -> None:
    desk = QuestionDesk()
    [question] = asked(desk, ReadOf("uidA"))
    desk.forget_before(NOW + REMEMBER_MS - 59_998)
    desk.forget_before(NOW + REMEMBER_MS + 1)
    assert refused(desk, question) == [Key("b", "1", "uidA")]
    desk.forget_before(NOW + REMEMBER_MS + 2)
    assert refused(desk, question) == []


# Settling -----------------------------------------------------------------------------------------------


def told(uid: str, *, arrived: int = T0, end: int | None = T0 + 7_200_000, reads: tuple[Read, ...] = ()) -> Link:
    body = Told(T0, 0, f"b-{uid}", arrived, "BOOKING_CREATED", "accepted", T0 + 3_600_000, end)
    facts = BookingFacts(told=(body,), reads=reads)
    return Link(uid=uid, facts=facts, state=None, changed_at=0, superseded=False)


def settled(now: int, *links: Link) -> tuple[list[Ask], int]:
    return settle(Cause("1", [Chain(list(links))], [], []), now)


def ask(uid: str, due: int) -> Ask:
    return Ask(ReadOf(uid), "settle", f"settle|b-{uid}|{due}", T0 + 3_600_000)


@pytest.mark.parametrize(
    ("after", "asks", "again_after"),
    [
        (SETTLE_MS - 1, 0, SETTLE_MS),
        (SETTLE_MS, 1, SETTLE_MS + ASK_AGAIN_MS),
        (2 * ASK_AGAIN_MS + 1, 1, 3 * ASK_AGAIN_MS + 1),
        (4 * ASK_AGAIN_MS, 1, 6 * ASK_AGAIN_MS),
        (2 * SETTLE_AGAIN_MS_MAX, 1, 3 * SETTLE_AGAIN_MS_MAX),
        (3 * SETTLE_AGAIN_MS_MAX, 1, 4 * SETTLE_AGAIN_MS_MAX),
    ],
)
def test_a_webhook_is_settled_after_three_and_a_half_seconds_and_then_ever_more_seldom(
    after: int, asks: int, again_after: int
) -> None:
    assert settled(T0 + after, told("uidA")) == ([ask("uidA", T0 + SETTLE_MS)] * asks, T0 + again_after)


def test_every_link_is_settled_and_the_next_due_is_looked_at_first() -> None:
    read = Link(uid="read", facts=BookingFacts(), state=None, changed_at=0, superseded=False)
    links = [
        read,
        told("over", end=T0 + 5_000),
        told("uidA"),
        told("uidC", arrived=T0 + 9_000),
        told("uidB", arrived=T0 + 2_000),
    ]
    asks, wake_at = settled(T0 + 6_000, *links)
    assert asks == [ask("uidA", T0 + SETTLE_MS), ask("uidB", T0 + 2_000 + SETTLE_MS)]
    assert wake_at == T0 + 9_000 + SETTLE_MS


def test_what_is_confirmed_or_over_or_only_read_needs_none() -> None:
    confirmed = told("uidA", reads=(Read(T0, T0 + 1, "accepted", T0 + 3_600_000, T0 + 7_200_000),))
    only_read = Link(uid="uidB", facts=BookingFacts(reads=(Read(1, 2),)), state=None, changed_at=0, superseded=False)
    assert settled(T0 + 6_000, confirmed, told("uidC", end=T0 + 6_000), only_read) == ([], FAR)
    assert settled(T0 + 6_000, told("uidC", end=T0 + 6_001))[0] == [ask("uidC", T0 + SETTLE_MS)]
    assert settled(T0 + 6_000, told("uidC", end=None))[0] == [ask("uidC", T0 + SETTLE_MS)]


def test_what_a_read_denies_is_looked_at_a_second_time_a_gap_later() -> None:
    denial = Read(T0 + SETTLE_MS, T0 + SETTLE_MS + 100, "cancelled", 1, 2)
    due = T0 + SETTLE_MS + 100 + ABSENCE_GAP_MS
    assert settled(due - 1, told("uidA", reads=(denial,))) == ([], due)
    assert settled(due, told("uidA", reads=(denial,)))[0] == [ask("uidA", due)]
