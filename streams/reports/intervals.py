"""Spans of time: their union, and how long they last inside others. Half open, milliseconds.

A booking may be wrong in two ways at once; the minutes in which it was wrong count once. So the spans of one subject
are united before they are measured.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from streams.model.ids import Instant

#: From the first instant up to the second, which is not part of it. An empty one lasts no time.
Span = tuple[Instant, Instant]


def union(spans: Iterable[Span]) -> list[Span]:
    """The same instants as disjoint spans in their order; spans that touch become one."""
    united: list[Span] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if united and begin <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((begin, end))
    return united


class UnionMeter:
    """How long the spans of each subject last in each of some windows, each instant of a subject counted once.

    Spans come in the order of subject and begin, as a cursor of the store gives them, so that a million of them need
    no memory. Raises ValueError for one that comes out of order.
    """

    def __init__(self, windows: Sequence[Span]) -> None:
        """`windows` are disjoint and in order."""
        self._windows = tuple(windows)
        self._ends = [end for _, end in self._windows]
        self._lasted = [0] * len(self._windows)
        self._subject: str | None = None
        self._begin = self._end = Instant(0)
        self.subjects = 0

    def add(self, subject: str, begin: Instant, end: Instant) -> None:
        """One span; an empty one counts as a subject and lasts no time."""
        if subject != self._subject:
            if self._subject is not None and subject < self._subject:
                raise ValueError("spans must come in the order of their subjects")
            self._close()
            self.subjects += 1
            self._subject, self._begin, self._end = subject, begin, end
        elif begin < self._begin:
            raise ValueError("spans of a subject must come in the order of their beginnings")
        elif begin <= self._end:
            self._end = max(self._end, end)
        else:
            self._close()
            self._begin, self._end = begin, end

    def lasted_ms(self) -> tuple[int, ...]:
        """By window, of all spans that came; to be asked once, at the end."""
        self._close()
        return tuple(self._lasted)

    def _close(self) -> None:
        first = bisect_right(self._ends, self._begin)
        for number in range(first, len(self._windows)):
            begin, end = self._windows[number]
            if begin >= self._end:
                break
            self._lasted[number] += max(0, min(end, self._end) - max(begin, self._begin))
        self._begin = self._end
