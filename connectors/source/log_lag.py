"""How far the feed is behind the database's log, by one clock: ours.

The log's end is noted with the time at which it was seen. What the slot has confirmed lies behind one of these marks:
all that was written until then has been heard of. No clock of the database or of Debezium is involved; heartbeats move
the slot also while nobody writes, so the lag at rest is that of Connect's offset flush, 2 to 3 s.
"""

from collections import deque

#: A quarter of an hour at one look a second; a feed that is behind further stands at the oldest mark.
MARKS_MAX = 900


class LogLag:
    """The marks of this process; empty after its start."""

    def __init__(self) -> None:
        self._marks: deque[tuple[int, int]] = deque(maxlen=MARKS_MAX)
        self._through: int | None = None

    def note(self, at: int, written: int) -> None:
        """At `at` (ms) the log ended at `written`."""
        self._marks.append((at, written))

    def through(self, confirmed: int) -> int | None:
        """Milliseconds: everything written until then is confirmed. None before the first mark is reached."""
        while self._marks and self._marks[0][1] <= confirmed:
            self._through = self._marks.popleft()[0]
        return self._through

    def forget(self) -> None:
        """Another log: a slot made anew confirms what nobody heard."""
        self._marks.clear()
        self._through = None
