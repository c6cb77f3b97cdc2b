"""How much is held of each tenant, how much of it agrees, and how many rows were made in the last hours.

A reschedule chain is one booking, by its newest link; an appointment without a booking counts only where something is
wrong with it, since it is compared with nothing. What is out of scope is not counted as compared.
"""

from collections import Counter, defaultdict

import msgspec

from streams.cases.book import CaseBook
from streams.cases.case import Case, Phase
from streams.facts.cause import event_type_of
from streams.facts.index import FactIndex, Key
from streams.model.facts import AppointmentRow, BookingFacts, Row, RowFacts
from streams.model.ids import is_numeric, iso
from streams.model.judgement import Judgement
from streams.model.rule import Rule, SubjectKind
from streams.model.source_records import MadeInHour
from streams.rules.scope import is_in_scope

HOUR_MS = 3_600_000
#: The hour that runs and those before it: whoever keeps the counts may have been away for a while.
HOURS_TOLD = 3
#: A chain longer than this is not followed to its end.
LINKS_MAX = 64


class Count(msgspec.Struct):
    """Of one tenant. `made`: rows by (beginning of the hour, kind)."""

    bookings: int = 0
    appointments: int = 0
    calls: int = 0
    compared: int = 0
    differing: set[Key] = msgspec.field(default_factory=set)
    unknown: set[Key] = msgspec.field(default_factory=set)
    made: Counter[tuple[int, str]] = msgspec.field(default_factory=Counter)

    @property
    def in_sync(self) -> int:
        """Compared, and nothing is said against it."""
        return max(0, self.compared - len(self.differing) - len(self.unknown))

    def hours(self, now: int) -> tuple[MadeInHour, ...]:
        """Rows made in the last hours, the oldest first."""
        this = now - now % HOUR_MS
        begins = [this - HOUR_MS * back for back in reversed(range(HOURS_TOLD))]
        return tuple(
            MadeInHour(hour=str(iso(begin)), calls=self.made[begin, "c"], appointments=self.made[begin, "a"])
            for begin in begins
        )


def count(index: FactIndex, book: CaseBook, judgement: Judgement, now: int) -> dict[str, Count]:
    """By tenant, in one walk over everything that is held."""
    counts: defaultdict[str, Count] = defaultdict(Count)
    _bookings(counts, index, judgement)
    _rows(counts, index, now - now % HOUR_MS - HOUR_MS * (HOURS_TOLD - 1))
    _judged(counts, index, book)
    return counts


def _bookings(counts: defaultdict[str, Count], index: FactIndex, judgement: Judgement) -> None:
    successors = index.successors
    for key, facts in index.bookings.items():
        _, tenant, ref = key
        one = counts[tenant]
        one.bookings += 1
        # What nothing followed is the newest link; a numeric id whose uid is known is that booking's other name.
        if successors.get(key) or (is_numeric(ref) and index.uid(tenant, ref) != ref):
            continue
        one.compared += _in_scope(facts, judgement.of(tenant))


def _rows(counts: defaultdict[str, Count], index: FactIndex, oldest: int) -> None:
    for (kind, tenant, _), facts in index.rows.items():
        one = counts[tenant]
        if kind == "a":
            one.appointments += 1
        else:
            one.calls += 1
        row = _newest(facts)
        made = row.created_at if row is not None else None
        if made is not None and made >= oldest:
            one.made[made - made % HOUR_MS, kind] += 1


def _judged(counts: defaultdict[str, Count], index: FactIndex, book: CaseBook) -> None:
    for case in book.standing():
        if case.kind not in (SubjectKind.BOOKING, SubjectKind.APPOINTMENT):
            continue
        one, subject = counts[case.tenant], _subject(index, case)
        proved = case.phase is Phase.CONFIRMED and case.rule is not Rule.VERIFICATION_FAILED
        (one.differing if proved else one.unknown).add(subject)
    for one in counts.values():
        one.unknown -= one.differing
        one.compared += sum(key not in index.bookings for key in one.differing | one.unknown)


def _subject(index: FactIndex, case: Case) -> Key:
    """The newest link of the chain that a case is about; else the appointment itself."""
    ref: str | None = case.subject
    if case.kind is SubjectKind.APPOINTMENT:
        held = index.rows.get(Key("a", case.tenant, case.subject))
        row = _newest(held) if held is not None else None
        ref = row.booking if isinstance(row, AppointmentRow) else None
    if ref is None:
        return Key("a", case.tenant, case.subject)
    key = Key("b", case.tenant, index.uid(case.tenant, ref))
    for _ in range(LINKS_MAX):
        if not (later := index.successors.get(key)):
            break
        key = Key("b", case.tenant, max(later))
    return key


def _in_scope(facts: BookingFacts, judgement: Judgement) -> bool:
    if not judgement.event_types and not judgement.unmatched_event_types:
        return True
    return is_in_scope(event_type_of(facts), judgement)


def _newest(facts: RowFacts) -> Row | None:
    """What the newest change event says the row is, else the newest read."""
    if facts.versions:
        return facts.versions[-1].row
    return facts.reads[-1].row if facts.reads else None
