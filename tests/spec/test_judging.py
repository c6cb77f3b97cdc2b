"""Judging one cause: what of it is kept, counted, asked and looked at again; and rows that are nobody's."""

import pytest

from streams.cases.case import Case, Phase
from streams.cases.deadlines import Deadlines
from streams.cases.judging import NOBODYS_AGAIN_MS, NOBODYS_MS, Judging
from streams.durable import DurableState
from streams.facts.index import FactIndex, Key
from streams.model.facts import AppointmentRow, BookingFacts, CallRow, RowFacts, RowRead, RowVersion, Snapshot, Told
from streams.model.judgement import Judgement
from streams.model.observation import NobodysRow
from streams.model.records import AnyQuestion, RowsQuestion
from streams.model.rule import Rule
from streams.model.source_records import SourceState
from tests.plain_worlds import drifted
from tests.words import HOUR, T0, clock

CALL = Key("c", "1", "5")
BOOKING = Key("b", "1", "uidA")
APPOINTMENT = Key("a", "1", "17")


class Judged:
    """The judging of an index that a test fills, and all that it moves."""

    def __init__(self) -> None:
        self.index, self.durable, self.deadlines = FactIndex(), DurableState(), Deadlines()
        self.judging = Judging(self.index, self.durable, self.deadlines)

    def call(self, direction: str | None, at: int) -> None:
        """Call 5 changes at this instant; a read begun with the end of its grace shows the same."""
        row = CallRow(direction=direction, made=False)
        read = RowRead(Snapshot(at, at), at + 2_000, at + 2_100, row)
        self.index.put_row(CALL, RowFacts((RowVersion(at, at, at, at, at, row),), (read,)))

    def webhook(self, at: int = T0) -> None:
        told = Told(at, 0, "b", at, "BOOKING_CREATED", "accepted", T0 + 3_600_000, T0 + 7_200_000)
        self.index.put_booking(BOOKING, BookingFacts(told=(told,)))

    def judge(self, key: Key, now: int) -> None:
        keys = self.index.cause(key)
        self.deadlines.settle(keys)
        self.judging.judge(key, keys, Judgement(), 2_000, now, None)

    def case(self, key: Key) -> Case | None:
        return next(iter(self.judging.book.about([key])), None)

    def kept(self) -> list[bytes]:
        """Keys of what goes to the changelog."""
        return [key for key, _ in self.durable.take(self.index, self.judging.book.by_subject, self.deadlines.hint)]

    def asked(self) -> list[AnyQuestion]:
        return list(self.judging.desk.take())


def test_a_fault_is_suspected_proved_kept_and_counted() -> None:
    held = Judged()
    held.call(None, T0)
    held.judge(CALL, T0)
    assert held.deadlines.hint(CALL) == T0 + 2_000
    assert held.kept() == []
    held.judge(CALL, T0 + 2_100)
    assert held.judging.stats == {"suspected:missing_direction": 1, "confirmed:missing_direction": 1}
    assert held.kept() == [b"k|1|missing_direction|c|5"]
    assert [finding.rule for finding in held.judging.book.to_announce()] == [Rule.MISSING_DIRECTION]
    assert held.deadlines.hint(CALL) == T0 + 2_100 + 60_000


def test_a_suspicion_that_came_to_nothing_leaves_nothing_but_its_verdict() -> None:
    held = Judged()
    held.call(None, T0)
    held.judge(CALL, T0)
    held.call("inbound", T0 + 500)
    held.judge(CALL, T0 + 500)
    assert held.judging.book.by_subject == {}
    assert held.kept() == []
    assert held.judging.stats == {"suspected:missing_direction": 1, "clear:missing_direction": 1}
    [verdict] = held.judging.verdicts.take()
    assert (verdict.reason, verdict.suspected_for_ms) == ("cleared:missing_direction", 500)


def test_a_case_that_was_told_keeps_its_place_when_it_is_over() -> None:
    held = Judged()
    held.call(None, T0)
    held.judge(CALL, T0)
    held.judge(CALL, T0 + 2_100)
    held.kept()
    held.call("inbound", T0 + 9_000)
    held.judge(CALL, T0 + 9_000)
    case = held.case(CALL)
    assert case is not None
    assert (case.phase, case.episode) == (Phase.CLEAR, 1)
    assert held.kept() == [b"k|1|missing_direction|c|5"]
    assert held.judging.stats["clear:missing_direction"] == 1


def test_an_update_is_no_new_phase() -> None:
    world = drifted().until(20)
    world.writes("17", start=3 * HOUR)
    world.until(40)
    assert [finding.change for _, finding in world.findings] == ["opened", "updated"]
    assert world.engine.stats["confirmed:start_time_drift"] == 1


def test_whoever_was_touched_with_the_cause_is_looked_at_again_with_it() -> None:
    """The deadline stands where the changelog keeps it: with the record that is written."""
    held = Judged()
    held.webhook()
    held.index.put_row(CALL, RowFacts((RowVersion(1, 1, 1, T0, T0, CallRow("inbound", booking="uidA")),)))
    held.durable.touch(CALL)
    held.judge(BOOKING, T0)
    assert held.deadlines.hint(BOOKING) == held.deadlines.hint(CALL) == T0 + 3_500


def test_what_waits_for_a_source_is_marked_for_a_restart_and_judged_when_it_is_back() -> None:
    held = Judged()
    state = SourceState(source="database", state="stalled", since=clock(0), at=clock(0))
    held.judging.sources.seen(state)
    held.webhook()
    held.judge(BOOKING, T0)
    case = held.case(BOOKING)
    assert case is not None
    assert case.held_by == "database"
    assert held.deadlines.hint(BOOKING) == 1
    live = SourceState(source="database", state="live", since=clock(1), at=clock(1))
    assert held.judging.sources.seen(live) == {BOOKING}
    held.judge(BOOKING, T0 + 1_000)
    assert case.held_by is None


@pytest.mark.parametrize(("ends", "suspected"), [(T0, False), (T0 + 1, True)])
def test_a_fault_that_is_over_at_this_instant_is_suspected_no_more(ends: int, suspected: bool) -> None:
    held = Judged()
    told = Told(T0 - 9_000, 0, "b", T0 - 9_000, "BOOKING_CREATED", "accepted", T0 - 3_600_000, ends)
    held.index.put_booking(BOOKING, BookingFacts(told=(told,)))
    row = AppointmentRow(booking="uidA", status="confirmed", start=T0 - 7_200_000, end=ends)
    held.index.put_row(APPOINTMENT, RowFacts((RowVersion(1, 1, 1, T0, T0, row),)))
    held.judge(BOOKING, T0)
    phases = {case.rule: case.phase for case in held.judging.book.about([APPOINTMENT]) if case.phase is not Phase.CLEAR}
    assert bool(phases) is suspected


def test_when_a_higher_finding_ends_those_for_whom_it_spoke_are_judged_again_at_once() -> None:
    held = Judged()
    held.call(None, T0)
    held.judge(CALL, T0)
    held.judge(CALL, T0 + 2_100)
    held.call("inbound", T0 + 9_000)
    held.judge(CALL, T0 + 9_000)
    assert held.deadlines.hint(CALL) == T0 + 9_001


# Rows that are nobody's ---------------------------------------------------------------------------------


ROW = NobodysRow("appointment", "17")


def nobodys(held: Judged, now: int, *rows: NobodysRow) -> list[AnyQuestion]:
    for row in rows:
        held.judging.nobodys(row)
    held.judging.ask_for_nobodys(now)
    return held.asked()


def test_a_row_that_is_nobodys_is_asked_for_by_its_key() -> None:
    first, second = nobodys(Judged(), T0, ROW, NobodysRow("call", "5"))
    base = {"tenant": "~none", "asked_at": clock(0), "purpose": "proof"}
    assert first == RowsQuestion(request_id=first.request_id, table="appointments", row_id="17", **base)
    assert second == RowsQuestion(request_id=second.request_id, table="calls", row_id="5", **base)


def test_it_is_asked_for_once_a_second_and_its_last_change_has_a_turn_of_its_own() -> None:
    held = Judged()
    [first] = nobodys(held, T0 + 5, ROW)
    assert nobodys(held, T0 + NOBODYS_MS - 1, ROW) == []
    assert len(nobodys(held, T0 + NOBODYS_MS - 1, NobodysRow("appointment", "18"))) == 1
    [again] = nobodys(held, T0 + NOBODYS_MS)
    assert again.request_id != first.request_id
    assert nobodys(held, T0 + 2 * NOBODYS_MS) == []


def test_it_is_asked_for_once_more_ten_seconds_later_and_then_no_more() -> None:
    held = Judged()
    nobodys(held, T0, ROW)
    assert nobodys(held, T0 + NOBODYS_AGAIN_MS - 1) == []
    assert len(nobodys(held, T0 + NOBODYS_AGAIN_MS)) == 1
    assert nobodys(held, T0 + 3 * NOBODYS_AGAIN_MS) == []


def test_a_change_meanwhile_is_a_new_first_turn() -> None:
    held = Judged()
    nobodys(held, T0, ROW)
    held.judging.nobodys(ROW)
    assert len(nobodys(held, T0 + NOBODYS_AGAIN_MS)) == 1
    assert len(nobodys(held, T0 + 2 * NOBODYS_AGAIN_MS)) == 1
