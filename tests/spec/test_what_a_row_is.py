"""What a row is after its change events and reads, since when, and what it left (design §4a)."""

from typing import Any

import pytest

from streams.facts.row import RowState, partings, row_state, shows
from streams.model.facts import CallRow, RowFacts, Snapshot
from tests.fact_words import END, change, history, lookup, row, select, shot
from tests.truth import at


def state(*facts: Any) -> RowState:
    found = row_state(history(*facts))
    assert found is not None
    return found


# Since when it is what it is -----------------------------------------------------------------------------


def test_of_a_row_without_facts_nothing_is_known() -> None:
    assert row_state(RowFacts()) is None
    assert row_state(RowFacts(lookup=lookup(3, "17"))) is None


def test_a_row_is_what_its_newest_event_says_since_that_event() -> None:
    made, moved = change(1, row()), change(5, row(start=END))
    assert state(made, moved) == RowState(row(start=END), at(5), at(4.9), moved, at(1), at(0.9), True)


def test_it_is_so_since_the_first_of_the_events_that_agree() -> None:
    """A row touched again and again is judged all the same (M 26)."""
    made, touched, again = change(1, row()), change(3, row()), change(6, row())
    assert state(change(0, row(status="pending")), made, touched, again) == RowState(
        row(), at(1), at(0.9), made, at(0), at(-0.1), True
    )


def test_bookkeeping_about_the_sync_restarts_the_sync_rules_alone() -> None:
    made, failed = change(1, row(sync="pending", attempts=1)), change(4, row(sync="failed", attempts=2))
    assert state(made, failed) == RowState(row(sync="failed", attempts=2), at(1), at(0.9), made, at(4), at(3.9), True)


def test_one_more_attempt_restarts_nothing() -> None:
    made = change(1, row(sync="pending", attempts=1))
    counted = change(4, row(sync="pending", attempts=2))
    assert state(made, counted) == RowState(row(sync="pending", attempts=2), at(1), at(0.9), made, at(1), at(0.9), True)
    assert state(change(1, row(attempts=1)), change(4, row(attempts=2))).changed_at == at(1)
    assert state(change(1, row(sync="pending")), change(4, row(sync="synced"))).changed_at == at(1)


def test_a_sync_that_came_with_a_snapshot_was_not_seen_to_change() -> None:
    assert not state(change(1, row(sync="pending"), snapshot_row=True)).sync_seen
    assert not state(select(1, row(sync="pending"))).sync_seen
    assert state(change(1, row(sync="pending"), snapshot_row=True), change(2, row(sync="failed"))).sync_seen


def test_a_deleted_row_is_not_there_since_its_deletion() -> None:
    made, gone = change(1, row(sync="synced")), change(5, None)
    assert state(made, gone) == RowState(None, at(5), at(4.9), gone, at(5), at(4.9), True)


def test_a_row_that_a_read_shows_first_is_as_old_as_its_making() -> None:
    """Else an old fault would be told as news at the first run."""
    first = select(10, row(created_at=at(2)))
    assert state(first) == RowState(row(created_at=at(2)), at(10.1), at(2), None, at(10.1), at(10.1), False)
    assert state(select(10, row())).source_at == at(10.1)
    assert state(select(10, None)) == RowState(None, at(10.1), at(10.1), None, at(10.1), at(10.1), False)


def test_a_row_seen_to_change_is_as_old_as_the_change() -> None:
    assert state(
        select(10, row(created_at=at(2))), change(12, row(created_at=at(2), status="pending"))
    ).source_at == at(11.9)
    assert state(change(1, row(created_at=at(-50)))).source_at == at(0.9)


def test_an_event_behind_a_read_that_agrees_is_kept_for_evidence() -> None:
    made = change(1, row())
    assert state(made, select(5, row())) == RowState(row(), at(1), at(0.9), made, at(1), at(0.9), True)


# Events and reads in one line ----------------------------------------------------------------------------


def test_a_read_stands_behind_the_newest_event_that_it_shows() -> None:
    made, moved = change(1, row()), change(5, row(start=END))
    assert state(made, moved, select(3, row(call="5"))).row == row(start=END)
    assert state(made, moved, select(6, row(call="5"))).row == row(call="5")
    assert state(moved, select(3, row(call="5"))).row == row(start=END)


def test_an_event_that_a_read_does_not_show_is_newer_though_its_lsn_is_smaller() -> None:
    """A commit that waits for its standby is not shown yet (design §9)."""
    shown, waiting = change(2, row()), change(1, row(call="5"), tx=9_000)
    assert state(waiting, shown, select(3, row(call="6"))).row == row(call="6")
    assert state(shown, change(2.5, row(call="5"), tx=9_000), select(3, row(call="6"))).row == row(call="5")


def test_of_two_reads_the_one_with_the_newer_snapshot_counts() -> None:
    older, newer = select(4, row(call="5"), answered=at(9)), select(5, row(call="6"), answered=at(6))
    assert state(newer, older).row == state(older, newer).row == row(call="6")
    held = row(call="7")
    assert state(select(5, held, begun=at(5.5)), select(5, row())).row == held
    wider = Snapshot(shot(5).xmin - 2, shot(5).xmax)
    assert state(select(5, held), select(5, row(), snapshot=wider)).row == held


def test_changes_are_ranked_by_commit_then_by_place_in_the_log() -> None:
    assert state(change(5, row(call="5"), commit_lsn=7), change(1, row(), commit_lsn=8)).row == row()
    assert state(change(5, row(call="5"), commit_lsn=8, lsn=1), change(1, row(), commit_lsn=8, lsn=2)).row == row()


def test_a_field_that_an_event_did_not_carry_is_what_it_was() -> None:
    """Debezium leaves out an unchanged TOASTed text (facts/faust-and-debezium.md §C)."""
    made = change(1, row(source="web", key="k"))
    moved = change(5, row(start=END, key="other"), unknown=("source",))
    carried = row(start=END, source="web", key="other")
    found = state(made, moved)
    assert (found.row, found.changed_at) == (carried, at(5))
    touched = state(made, change(5, row(key="k"), unknown=("source",)))
    assert (touched.row, touched.changed_at) == (row(source="web", key="k"), at(1))


def test_a_field_that_two_events_in_a_row_did_not_carry_is_what_it_was() -> None:
    made, moved = change(1, row(source="web")), change(5, row(start=END), unknown=("source",))
    closed = change(7, row(start=END, status="cancelled"), unknown=("source",))
    assert state(made, moved, closed).row == row(start=END, source="web", status="cancelled")


def test_a_field_that_nothing_before_knows_stays_unknown() -> None:
    moved = change(5, row(), unknown=("source",))
    assert state(moved).row == row()
    assert state(change(1, None), moved).row == row()
    gone = change(6, None, unknown=("source",))
    assert state(change(1, row(source="web")), gone).row is None
    late = change(5, row(status="pending"), unknown=("source",))
    assert state(change(0, None), change(1, row(source="web")), change(3, None), late).row == row(status="pending")


def test_a_field_that_an_event_did_not_carry_comes_from_a_read_before_it() -> None:
    moved = change(5, row(start=END), unknown=("source",))
    assert state(select(3, row(source="phone")), moved).row == row(start=END, source="phone")
    assert state(moved, select(6, row(start=END, source="web"))).row == row(start=END, source="web")


HALF = 1 << 31


@pytest.mark.parametrize(
    ("tx", "is_shown"),
    [(HALF + 99, True), (HALF + 101, False), (101, True), (100, False)],
)
def test_a_transaction_is_older_if_it_lies_less_than_half_the_circle_behind(tx: int, is_shown: bool) -> None:
    assert shows(Snapshot(HALF + 100, HALF + 100), change(1, row(), tx=tx), at(0)) is is_shown


# What a row left -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        (row(booking="old", call="5"), row(booking="new", call="5"), [("old", None)]),
        (row(booking="old", call="5"), row(booking="old", call="6"), [(None, "5")]),
        (row(booking="old", call="5"), None, [("old", "5")]),
        (row(booking="old", call="5"), row(booking="old", call="5", status="cancelled"), [("old", None)]),
        (row(booking="old", status="cancelled"), row(booking="old"), []),  # opened again
        (row(booking="old"), row(booking="old", status="pending"), []),
        (row(), row(booking="new", call="5"), []),  # a row's coming is no leaving
        (None, row(booking="new", call="5"), []),
        (row(status="completed", booking="old"), row(status="cancelled", booking="old"), []),
        (CallRow(booking="old"), CallRow(booking="new"), []),  # what a call leaves, no rule asks
    ],
)
def test_a_row_leaves(before: Any, after: Any, left: Any) -> None:
    assert partings(history(change(1, before), change(4, after))) == [(*names, at(4)) for names in left]


def test_every_leaving_is_told_also_by_a_read() -> None:
    facts = history(change(1, None), change(2, row(booking="x")), change(4, row(booking="y")), select(6, None))
    assert partings(facts) == [("x", None, at(4)), ("y", None, at(6.1))]
    assert partings(history(change(1, row(booking="x")))) == []
