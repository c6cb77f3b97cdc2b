"""How much is held of each tenant, how much of it agrees, and how many rows were made in the last hours.

A reschedule chain is one booking, by its newest link; an appointment without a booking counts only where something is
wrong with it, since it is compared with nothing. What is out of scope is not counted as compared.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec

from streams.cases.book import CaseBook
from streams.cases.case import Case, Phase
from streams.facts.cause import event_type_of
from streams.facts.index import FactIndex, Key
from streams.model.facts import AppointmentRow, BookingFacts, CallRow, Row, RowFacts
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

    held: Counter[str] = msgspec.field(default_factory=Counter)
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
    for key, facts in index.bookings.items():
        one = counts[key.tenant]
        one.held["b"] += 1
        one.compared += _is_newest(index, key) and _in_scope(facts, judgement.of(key.tenant))
    oldest = now - now % HOUR_MS - HOUR_MS * (HOURS_TOLD - 1)
    for key, held in index.rows.items():
        one = counts[key.tenant]
        one.held[key.kind] += 1
        made = _made_at(held)
        if made is not None and made >= oldest:
            one.made[made - made % HOUR_MS, key.kind] += 1
    _judged(counts, index, book)
    return counts


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
        row = next(_newest(held), None) if held is not None else None
        ref = row.booking if isinstance(row, AppointmentRow) else None
    if ref is None:
        return Key("a", case.tenant, case.subject)
    key = Key("b", case.tenant, index.uid(case.tenant, ref))
    for _ in range(LINKS_MAX):
        if not (later := index.successors.get(key)):
            break
        key = Key("b", case.tenant, max(later))
    return key


def _is_newest(index: FactIndex, key: Key) -> bool:
    """Whether nothing followed; a numeric id whose uid is known is that booking's other name."""
    return not index.successors.get(key) and not (is_numeric(key.id) and index.uid(key.tenant, key.id) != key.id)


def _in_scope(facts: BookingFacts, judgement: Judgement) -> bool:
    if not judgement.event_types and not judgement.unmatched_event_types:
        return True
    return is_in_scope(event_type_of(facts), judgement)


def _made_at(facts: RowFacts) -> int | None:
    row = next(_newest(facts), None)
    return row.created_at if isinstance(row, AppointmentRow | CallRow) else None


def _newest(facts: RowFacts) -> Iterator[Row | None]:
    """What the newest change event says the row is, else the newest read."""
    yield from (version.row for version in facts.versions[-1:])
    yield from (read.row for read in facts.reads[-1:])
