"""What is kept of a row when histories are joined, and what a SELECT by reference says of it (design §4a)."""

from typing import Any

from streams.facts.row import join_row, newest_fact_is_older, row_state
from streams.model.facts import AppointmentRow, RowFacts, RowVersion, Snapshot
from tests.fact_words import change, history, lookup, row, select
from tests.truth import at


def test_a_row_is_older_than_a_select_that_shows_all_its_facts() -> None:
    assert newest_fact_is_older(history(change(1, row())), lookup(2))
    assert not newest_fact_is_older(history(change(1, row()), change(3, row(call="5"))), lookup(2))
    assert newest_fact_is_older(history(change(1, row()), select(2, row())), lookup(2))
    assert not newest_fact_is_older(history(change(1, row()), select(2.001, row())), lookup(2))
    assert not newest_fact_is_older(history(select(1, row()), select(3, row())), lookup(2))


def test_a_repeat_keeps_the_first_arrival() -> None:
    first = change(1, row())
    later = change(1, row(), arrived=at(8), source_at=at(0))
    assert history(later, first) == history(first, later) == RowFacts(versions=(first,))
    answer = select(1, row())
    assert history(select(1, row(), answered=at(7)), answer) == RowFacts(reads=(answer,))


def test_between_facts_that_differ_in_nothing_that_counts_arrival_does_not_decide() -> None:
    running = [select(1, row(), snapshot=Snapshot(5, 9, (number,))) for number in (6, 7)]
    held = [select(1, row(call=call)) for call in ("5", "6")]
    written = [change(1, row(call=call)) for call in ("5", "6")]
    for one, other in (running, held, written):
        assert history(one, other) == history(other, one)
    assert len(history(*held).reads) == 2


def test_a_history_keeps_the_newest_select_by_reference() -> None:
    newer, older = lookup(5, "17"), lookup(4, "18")
    for first, second in ((newer, older), (older, newer)):
        assert join_row(RowFacts(lookup=first), RowFacts(lookup=second)) == RowFacts(lookup=newer)


def counted(number: int, **columns: Any) -> RowVersion:
    return change(number, row(attempts=number, **columns))


def test_counting_up_does_not_push_out_when_a_row_became_what_it_is() -> None:
    """Beyond eight versions the inside of a run of equal ones goes first."""
    made = change(0, row(status="pending"))
    facts = history(made, *(counted(number) for number in range(1, 14)))
    assert len(facts.versions) == 8
    assert facts.versions[:2] == (made, counted(1))
    assert facts.versions[-1] == counted(13)
    found = row_state(facts)
    assert found is not None
    assert found.changed_at == at(1)


def test_what_an_event_did_not_carry_makes_it_another() -> None:
    """Else the one that carried it could be dropped from a long run, and with it what is known."""
    plain = [change(number, row()) for number in range(5)]
    sparse = change(5, row(), unknown=("source",))
    facts = history(*plain, sparse, *(change(number, row()) for number in range(6, 14)))
    assert sparse in facts.versions


def test_of_more_than_four_reads_the_inside_of_a_run_goes_first() -> None:
    first = select(0, row(call="5"))
    reads = [select(number, row(attempts=number)) for number in range(1, 8)]
    assert history(first, *reads).reads == (first, reads[0], reads[-2], reads[-1])


def test_beyond_the_bound_the_oldest_goes() -> None:
    versions = [change(number, AppointmentRow(call=str(number))) for number in range(10)]
    assert history(*versions).versions == tuple(versions[2:])
    again = change(-1, AppointmentRow(call="0"))
    assert history(again, *versions[:8]).versions == tuple(versions[:8])
    touched = [change(number, AppointmentRow(call="6")) for number in (7, 8)]
    assert history(*versions[:7], *touched).versions == (*versions[:7], touched[1])


def test_within_the_bound_all_is_kept_and_beyond_it_no_more_goes_than_must() -> None:
    touched = [change(number, row()) for number in range(8)]
    assert history(*touched).versions == tuple(touched)
    assert history(*touched, change(8, row())).versions == (touched[0], *touched[2:], change(8, row()))
    others = [change(number, AppointmentRow(call=str(number))) for number in range(3, 9)]
    assert history(*touched[:3], *others).versions == (touched[0], touched[2], *others)
