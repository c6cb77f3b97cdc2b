"""Which questions one read answers, which lists are worth it, and what a person's wish asks."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from connectors.calcom.answers import Elsewhere, Found, Missing, Unavailable, Unusable, best_of
from connectors.calcom.batches import batches_of, listable, pages_are_cheaper, window_over
from connectors.calcom.queue import CalcomQuestion, Waiting
from connectors.calcom.quota import Priority
from connectors.calcom.reads import newest_asked_at
from connectors.recheck import recheck_questions
from streams.model.records import BookingQuestion, NumericQuestion, Purpose, RowsQuestion


def about(uid: str, request: str = "r", purpose: Purpose = "proof", starts: str | None = None) -> BookingQuestion:
    return BookingQuestion(
        request_id=f"{request}-{uid}",
        tenant="1",
        asked_at="2026-03-01T12:00:00.000Z",
        purpose=purpose,
        matters_at=starts,
        uid=uid,
    )


def waiting(*questions: CalcomQuestion) -> list[Waiting]:
    return [Waiting(question=question, attempts=0) for question in questions]


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_questions_on_one_booking_are_one_batch_with_its_most_urgent_purpose() -> None:
    first, second = batches_of(waiting(about("a", "1", "reread"), about("b"), about("a", "2", "proof")))
    assert (first.asked, first.priority(NOW), first.request_ids) == ("a", Priority.PROOF, ("1-a", "2-a"))
    assert second.asked == "b"


@pytest.mark.parametrize(
    ("purpose", "starts", "priority"),
    [
        ("proof", "2026-03-01T12:30:00Z", Priority.URGENT),
        ("proof", "2026-03-02T11:59:00Z", Priority.URGENT),
        ("proof", "2026-03-01T11:15:00Z", Priority.URGENT),  # it has just begun
        ("proof", "2026-03-02T12:01:00Z", Priority.PROOF),
        ("proof", "2026-03-01T10:00:00Z", Priority.PROOF),  # it is over
        ("proof", None, Priority.PROOF),
        ("settle", "2026-03-01T12:30:00Z", Priority.SETTLE),
        ("reread", "2026-03-01T12:30:00Z", Priority.REREAD),
    ],
)
def test_the_proof_of_an_appointment_at_hand_is_urgent(purpose: Purpose, starts: str | None, priority: int) -> None:
    [batch] = batches_of(waiting(about("a", purpose=purpose, starts=starts)))
    assert batch.priority(NOW) is priority


def test_a_numeric_id_asked_as_a_uid_is_looked_for_in_lists() -> None:
    [batch] = batches_of(waiting(about("1904755")))
    assert (batch.by_uid, batch.asked) == (False, "1904755")


def test_lists_are_tried_from_ten_bookings_on_and_once() -> None:
    many = batches_of(waiting(*(about(f"u{n}", starts=f"2026-03-{n + 1:02}T09:00:00Z") for n in range(10))))
    assert listable(many, ()) == many
    assert listable(many[:9], ()) == []
    assert listable(many, ["r-u0"]) == []
    window = window_over(many)
    assert window.params()["afterStart"] == "2026-03-01T08:59:00.000Z"
    assert window.params()["beforeEnd"] == "2026-03-10T13:00:00.000Z"


def test_the_next_pages_are_read_only_while_they_cost_less_than_single_reads() -> None:
    assert pages_are_cheaper(3, not_found=10)
    assert not pages_are_cheaper(10, not_found=10)
    assert not pages_are_cheaper(None, not_found=10)
    assert not pages_are_cheaper(0, not_found=10)


def test_of_several_accounts_found_wins_and_missing_needs_all() -> None:
    found, missing = Found(began_at=0, booking={}), Missing(began_at=0)
    away, bad = Unavailable(began_at=0, reason=""), Unusable(began_at=0, reason="")
    assert best_of([missing, away, found]) is found
    assert best_of([missing, Elsewhere(began_at=0), away]) == Elsewhere(began_at=0)
    assert best_of([missing, bad, away]) is away
    assert best_of([missing, bad]) is bad
    assert best_of([missing, missing]) is missing


@dataclass(frozen=True)
class Wish:
    id: int = 7
    tenant: str = "1"
    booking_uid: str | None = None
    appointment_id: str | None = None
    call_id: str | None = None


def test_a_wish_reads_everything_again_that_the_alert_names() -> None:
    questions = recheck_questions(Wish(booking_uid="4fQ", appointment_id="17", call_id="5"))
    assert [type(question) for question in questions] == [BookingQuestion, *[RowsQuestion] * 4]
    assert len({question.request_id for question in questions}) == 5
    assert {question.purpose for question in questions} == {"proof"}
    assert isinstance(recheck_questions(Wish(booking_uid="1904755"))[0], NumericQuestion)
    assert recheck_questions(Wish()) == []


def test_a_read_that_only_people_asked_for_does_not_count_by_the_workers_clock() -> None:
    [asked, *_] = recheck_questions(Wish(booking_uid="4fQ"))
    assert isinstance(asked, BookingQuestion)
    assert newest_asked_at([asked]) is None
    assert newest_asked_at([asked, about("4fQ")]) == "2026-03-01T12:00:00.000Z"
