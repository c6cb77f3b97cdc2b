"""After a complete pass over one side: what it should have shown and did not is asked for by its key (design §4).

Absence from a list only raises the suspicion; the answer to the question is what counts.
"""

from collections.abc import Iterator, Sequence

from streams.cases.step import Ask
from streams.facts.booking import state_of
from streams.facts.index import FactIndex
from streams.facts.row import row_state
from streams.model.facts import AppointmentRow, BookingFacts, CallRow, RowFacts
from streams.model.ids import is_numeric
from streams.model.observation import PassSeen
from streams.rules.violation import ReadOf, RowOf

#: Questions that one pass may raise; what is beyond waits for the next pass. Nearest starts go first.
PASS_ASKS_MAX = 1_000


def overdue(index: FactIndex, passes: Sequence[PassSeen]) -> list[tuple[str, Ask]]:
    """(tenant, question) for everything that these passes did not show, in one walk over all that is held."""
    by_tenant = {(one.side, one.tenant): one for one in passes}
    asks = [*_bookings(index, by_tenant), *_rows(index, by_tenant)]
    asks.sort(key=lambda one: (one[1].matters_at or 0, one[1].round_))
    return asks[: PASS_ASKS_MAX * len(by_tenant)]


Passes = dict[tuple[str, str], PassSeen]


def _bookings(index: FactIndex, passes: Passes) -> Iterator[tuple[str, Ask]]:
    if not any(side == "calcom" for side, _ in passes):
        return
    for key, facts in index.bookings.items():
        one = passes.get(("calcom", key.tenant))
        if one is None or is_numeric(key.id) or index.successors.get(key):
            continue
        start = _live_start(facts)
        if start is not None and one.starts_from <= start <= one.starts_to and _heard(facts) < one.begun:
            yield key.tenant, Ask(ReadOf(key.id), "settle", f"pass|{one.begun}", start)


def _live_start(facts: BookingFacts) -> int | None:
    state = state_of(facts)
    return state.start if state is not None and state.live else None


def _heard(facts: BookingFacts) -> int:
    """When it was last heard of; what is live was."""
    return max([told.arrived for told in facts.told] + [read.begun for read in facts.reads])


def _rows(index: FactIndex, passes: Passes) -> Iterator[tuple[str, Ask]]:
    if not any(side == "database" for side, _ in passes):
        return
    for key, facts in index.rows.items():
        one = passes.get(("database", key.tenant))
        if one is None or _newest(facts) >= one.begun:
            continue
        at = _placed(facts)
        if at is not None and one.starts_from <= at <= one.starts_to:
            kind = "appointment" if key.kind == "a" else "call"
            yield key.tenant, Ask(RowOf(kind, key.id), "settle", f"pass|{one.begun}", at)


def _placed(facts: RowFacts) -> int | None:
    """By what a pass is cut: an appointment's start, a call's creation. None for a row that is not there."""
    state = row_state(facts)
    match state.row if state is not None else None:
        case AppointmentRow(start=start):
            return start
        case CallRow(created_at=created_at):
            return created_at
        case _:
            return None


def _newest(facts: RowFacts) -> int:
    heard = [version.arrived for version in facts.versions] + [read.begun for read in facts.reads]
    return max(heard, default=0)
