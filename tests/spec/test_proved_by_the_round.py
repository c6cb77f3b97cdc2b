"""Only what the answers of the round itself show is proved, whatever earlier ones say (design §4a, H 2)."""

import pytest

from streams.cases.advance import NEXT_ROUND_MS, REREAD_MS, advance
from streams.cases.case import Phase
from streams.cases.step import Step
from streams.facts.index import FactIndex, Key
from streams.model.facts import AppointmentRow, BookingFacts, Read, RowFacts, RowVersion
from streams.model.judgement import Judgement
from streams.model.rule import Rule, SubjectKind
from streams.rules.violation import ReadOf, Violation
from tests.case_words import BOUNDS, GRACE, SECOND, case, context, violation
from tests.words import T0

DUE = T0 + GRACE
HOUR = 3_600 * SECOND
STARTS = T0 + HOUR


def drifted(*reads: Read, row: str = "17") -> tuple[FactIndex, list[Key], Violation]:
    """A row at 10:00 that names uidA, and a suspicion that uidA starts otherwise, which a read must prove."""
    index = FactIndex()
    index.put_booking(Key("b", "1", "uidA"), BookingFacts(reads=reads))
    columns = AppointmentRow(booking="uidA", status="confirmed", start=STARTS + HOUR, end=STARTS + HOUR)
    index.put_row(Key("a", "1", "17"), RowFacts(versions=(RowVersion(1, 1, 1, T0, T0, columns),)))
    said = {"rule": Rule.START_TIME_DRIFT, "kind": SubjectKind.APPOINTMENT, "subject": row}
    return index, index.cause(Key("b", "1", "uidA")), violation(ReadOf("uidA"), **said)


def read(begun: int, start: int, updated_at: int) -> Read:
    return Read(begun, begun + 50, "accepted", start, start, updated_at=updated_at)


ELSEWHERE, THERE = (STARTS, 9), (STARTS + HOUR, 1)


@pytest.mark.parametrize(
    ("reads", "row", "bounds", "proved"),
    [
        ((read(DUE, *ELSEWHERE),), "17", BOUNDS, True),
        ((read(DUE, *THERE),), "17", BOUNDS, False),
        ((read(DUE - 1, *ELSEWHERE), read(DUE, *THERE)), "17", BOUNDS, False),  # the older read looks newer
        ((read(DUE, *ELSEWHERE),), "18", BOUNDS, False),  # another row's fault proves nothing
        ((read(DUE, *ELSEWHERE),), "17", Judgement(tenants={"1": Judgement(tolerance_ms=2 * HOUR)}), False),
    ],
)
def test_only_what_the_answers_of_the_round_show_is_proved(
    reads: tuple[Read, ...], row: str, bounds: Judgement, proved: bool
) -> None:
    index, keys, said = drifted(*reads, row=row)
    one = case(Phase.VERIFYING, rule=said.rule, kind=said.kind, subject=row, floor=DUE)
    step = advance(one, said, None, context(DUE + 100, index, keys, judgement=bounds))
    assert (one.phase is Phase.CONFIRMED) is proved
    assert step == Step(wake_at=DUE + 100 + (REREAD_MS if proved else NEXT_ROUND_MS), moved=proved)
