"""Which list passes look for which numeric ids: the windows of many questions, merged. Pure.

A numeric id is looked for a day around the row's start and a day around its making (design §4). Windows that overlap
become one, so that a page is read once for all who wait for it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from connectors.calcom.batches import Batch
from connectors.calcom.listing import Window, created_between, started_between
from connectors.calcom.queue import CalcomQuestion
from streams.model.records import NumericQuestion

#: Around the row's start, and around its creation.
AROUND = timedelta(days=1)
#: A merged window is no longer than this, so that the first who waits gets the answer soon.
SPAN_MAX = timedelta(days=7)
#: Numeric ids that are looked for together.
TOGETHER_MAX = 200

Span = tuple[datetime, datetime]


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """One window to be walked through, and the numeric ids that stand in it if they are there."""

    window: Window
    ids: frozenset[str]


def started_passes(asked: Mapping[str, Sequence[CalcomQuestion]]) -> list[Pass]:
    """The passes by start over the numeric ids, those of the first id first."""
    return _passes(asked, _start_of, started_between)


def created_passes(asked: Mapping[str, Sequence[CalcomQuestion]]) -> list[Pass]:
    """The passes by making."""
    return _passes(asked, _created_of, created_between)


def absence_is_provable(questions: Iterable[CalcomQuestion]) -> bool:
    """Whether both passes can be made: with one alone, not to be seen proves nothing."""
    asked = list(questions)
    return any(_start_of(one) for one in asked) and any(_created_of(one) for one in asked)


def together(first: Batch, others: Sequence[Batch]) -> list[Batch]:
    """`first` and whoever its pass by start can take along, in the order of `others`."""
    spans = _spans(first.questions, _start_of)
    chosen = [first]
    if not spans:
        return chosen
    begin, end = spans[0]
    for other in others:
        for low, high in _spans(other.questions, _start_of):
            if low <= end and high >= begin and max(end, high) - min(begin, low) <= SPAN_MAX:
                begin, end = min(begin, low), max(end, high)
                chosen.append(other)
                break
        if len(chosen) == TOGETHER_MAX:
            break
    return chosen


def _passes(
    asked: Mapping[str, Sequence[CalcomQuestion]],
    moment_of: Callable[[CalcomQuestion], datetime | None],
    window: Callable[[datetime, datetime], Window],
) -> list[Pass]:
    wanted = [(span, numeric_id) for numeric_id, questions in asked.items() for span in _spans(questions, moment_of)]
    merged: list[tuple[Span, set[str]]] = []
    for (begin, end), numeric_id in sorted(wanted):
        if merged and begin <= merged[-1][0][1] and end - merged[-1][0][0] <= SPAN_MAX:
            (low, high), ids = merged[-1]
            merged[-1] = ((low, max(high, end)), ids | {numeric_id})
        else:
            merged.append(((begin, end), {numeric_id}))
    passes = [Pass(window=window(*span), ids=frozenset(ids)) for span, ids in merged]
    first = next(iter(asked), None)
    return sorted(passes, key=lambda one: first not in one.ids)


def _spans(questions: Collection[CalcomQuestion], moment_of: Callable[[CalcomQuestion], datetime | None]) -> list[Span]:
    moments = {moment for question in questions if (moment := moment_of(question)) is not None}
    return [(moment - AROUND, moment + AROUND) for moment in sorted(moments)]


def _start_of(question: CalcomQuestion) -> datetime | None:
    told = question.starts_at if isinstance(question, NumericQuestion) else None
    return _moment(told or question.matters_at)


def _created_of(question: CalcomQuestion) -> datetime | None:
    return _moment(question.created_at) if isinstance(question, NumericQuestion) else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
