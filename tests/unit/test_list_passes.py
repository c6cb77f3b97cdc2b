"""Looking for numeric ids in lists: windows that overlap are walked once, for everybody who waits."""

from connectors.calcom.batches import Batch, batches_of
from connectors.calcom.passes import SPAN_MAX, absence_is_provable, created_passes, started_passes, together
from connectors.calcom.queue import CalcomQuestion, Waiting
from streams.model.records import NumericQuestion


def numeric(number: str, starts: str | None, created: str | None = None, tenant: str = "1") -> NumericQuestion:
    return NumericQuestion(
        request_id=f"n-{number}-{starts}",
        tenant=tenant,
        asked_at="",
        purpose="proof",
        numeric_id=number,
        starts_at=starts and f"2026-{starts}:00.000Z",
        created_at=created and f"2026-{created}:00.000Z",
    )


def asked(*questions: NumericQuestion) -> dict[str, list[CalcomQuestion]]:
    found: dict[str, list[CalcomQuestion]] = {}
    for question in questions:
        found.setdefault(question.numeric_id, []).append(question)
    return found


def batches(*questions: CalcomQuestion) -> list[Batch]:
    return batches_of(Waiting(question=question, attempts=0) for question in questions)


def test_a_numeric_id_is_looked_for_a_day_around_its_start_and_around_its_making() -> None:
    one = asked(numeric("17", "03-10T09:00", "03-01T10:00"))
    [start], [made] = started_passes(one), created_passes(one)
    assert start.window.params()["afterStart"] == "2026-03-09T09:00:00.000Z"
    assert start.window.params()["beforeEnd"] == "2026-03-11T09:00:00.000Z"
    assert made.window.params()["afterCreatedAt"] == "2026-02-28T10:00:00.000Z"
    assert made.window.params()["beforeCreatedAt"] == "2026-03-02T10:00:00.000Z"


def test_windows_that_overlap_are_one_pass_for_all_who_wait() -> None:
    [both, apart] = started_passes(
        asked(numeric("1", "03-10T09:00"), numeric("2", "03-11T15:00"), numeric("3", "03-20T09:00"))
    )
    assert (both.ids, apart.ids) == ({"1", "2"}, {"3"})
    assert both.window.params()["afterStart"] == "2026-03-09T09:00:00.000Z"
    assert both.window.params()["beforeEnd"] == "2026-03-12T15:00:00.000Z"


def test_a_pass_does_not_grow_without_end() -> None:
    days = [numeric(str(day), f"03-{day:02}T09:00") for day in range(1, 29)]
    passes = started_passes(asked(*days))
    assert len(passes) < len(days) / 3
    assert all(one.window.end - one.window.begin <= SPAN_MAX for one in passes)
    assert set().union(*(one.ids for one in passes)) == {str(day) for day in range(1, 29)}


def test_who_waits_first_is_looked_for_first() -> None:
    first, _ = started_passes(asked(numeric("late", "03-20T09:00"), numeric("soon", "03-10T09:00")))
    assert first.ids == {"late"}


def test_one_number_named_by_two_rows_is_looked_for_around_both() -> None:
    passes = started_passes(asked(numeric("17", "03-10T09:00"), numeric("17", "03-20T09:00")))
    assert [one.ids for one in passes] == [{"17"}, {"17"}]


def test_an_absence_needs_both_kinds_of_pass() -> None:
    assert absence_is_provable([numeric("17", "03-10T09:00", "03-01T10:00")])
    assert not absence_is_provable([numeric("17", "03-10T09:00"), numeric("17", "03-12T09:00")])
    assert not absence_is_provable([numeric("17", None, "03-01T10:00")])
    assert not absence_is_provable([numeric("17", None)])


def test_a_pass_takes_along_whoever_stands_in_it() -> None:
    first, near, far, unknown, nearer = batches(
        numeric("1", "03-10T09:00"),
        numeric("2", "03-12T08:00"),
        numeric("3", "03-20T09:00"),
        numeric("4", None),
        numeric("5", "03-10T10:00", tenant="2"),
    )
    assert together(first, [near, far, unknown, nearer]) == [first, near, nearer]
    assert together(unknown, [first]) == [unknown]
