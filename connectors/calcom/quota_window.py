"""The arithmetic of one key's quota, without a clock of its own. Pure.

At most so many requests in any 60 s (a moving window: bursts are allowed, the sum is not passed), fewer while the
server says so; the last quarter is for urgent reads alone.
"""

from collections import deque
from enum import IntEnum

import msgspec

from connectors.calcom.rate import WINDOW_SECONDS, RateNotice

#: What is left of the server's allowance for the application that may share the key.
RESERVE_REQUESTS_MAX = 5
#: Of the quota, what re-reads of open findings may take (design §4a).
REREAD_SHARE = 0.25
#: Of the quota, what settling reads may take: they come with each webhook, and in a busy hour would leave proofs to
#: wait behind what is spent already; the poll settles the rest.
SETTLE_SHARE = 0.5
#: Of the quota, what passes may take: proofs find the rest free, however long a pass is.
SWEEP_SHARE = 0.5
#: Of the quota, what only urgent reads may take: a storm of far-off suspicions leaves room for the near one.
URGENT_SHARE = 0.25


class Priority(IntEnum):
    """Who goes first when requests wait."""

    URGENT = -1  # a proof whose appointment is at hand; never stored, since it depends on the time
    PROOF = 0  # a finding waits for it
    POLL = 1  # two requests an interval; what webhooks lost is seen only here
    SETTLE = 2  # a webhook's claim to be confirmed
    REREAD = 3  # an open finding looked at again
    SWEEP = 4  # a page of a window or full pass: it has hours


def urgent_part(requests: int) -> int:
    """How many of so many requests are for urgent reads alone."""
    return int(requests * URGENT_SHARE)


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a window knows, told in seconds before or after now, so that it outlives the process and its clock.

    `ages`: of the requests of the last 60 s, oldest first. `answered`: questions that they answered.
    """

    ages: tuple[float, ...] = ()
    answered: int = 0
    blocked_seconds: float = 0.0
    told_left: int | None = None
    told_seconds: float = 0.0


class Window:
    """The requests of the last 60 s of one key. All instants in seconds of one steady clock."""

    def __init__(self, requests_per_minute: int, window_seconds: float = WINDOW_SECONDS) -> None:
        self.max = requests_per_minute
        self.urgent_max = urgent_part(requests_per_minute)
        self._shares = {
            Priority.SETTLE: max(1, int(requests_per_minute * SETTLE_SHARE)),
            Priority.REREAD: max(1, int(requests_per_minute * REREAD_SHARE)),
            Priority.SWEEP: max(1, int(requests_per_minute * SWEEP_SHARE)),
        }
        self._seconds = window_seconds
        self._taken: deque[float] = deque()
        self._taken_by: dict[Priority, deque[float]] = {priority: deque() for priority in self._shares}
        self._answers: deque[tuple[float, int]] = deque()
        self._blocked_until = float("-inf")
        # What the server still takes, what of it is for urgent reads, and until when that was said.
        self._told_left: int | None = None
        self._told_urgent = self.urgent_max
        self._told_max = self.max
        self._told_until = float("-inf")

    def wait_seconds(self, now: float, priority: Priority) -> float:
        """How long until a request of this priority may go; 0 means now."""
        self._forget(now)
        urgent = priority is Priority.URGENT
        waits = [0.0, self._blocked_until - now]
        waits.append(self._free_at(self._taken, self.max if urgent else self.max - self.urgent_max) - now)
        if priority in self._shares:
            waits.append(self._free_at(self._taken_by[priority], self._shares[priority]) - now)
        if self._told_left is not None and self._told_left <= (0 if urgent else self._told_urgent):
            waits.append(self._told_until - now)
        return max(waits)

    def take(self, now: float, priority: Priority) -> None:
        """A request goes out now. To be called only when `wait_seconds` is 0."""
        self._taken.append(now)
        if priority in self._taken_by:
            self._taken_by[priority].append(now)
        if self._told_left is not None:
            self._told_left -= 1

    def told(self, notice: RateNotice, now: float, in_flight: int) -> None:
        """The server said how much it still takes; `in_flight` requests it has not counted yet."""
        self._forget(now)
        reserve = min(RESERVE_REQUESTS_MAX, (notice.limit or 0) // 20)
        left = max(0, notice.remaining - reserve - in_flight)
        until = now + notice.reset_seconds
        # Answers overtake one another: within one window of the server only the lower word counts.
        same_window = self._told_left is not None and until <= self._told_until + 1.0
        self._told_left = min(self._told_left, left) if same_window and self._told_left is not None else left
        # A server that takes less than our quota has a smaller last quarter.
        self._told_urgent = min(self.urgent_max, urgent_part(notice.limit or self.max))
        self._told_max = min(self.max, notice.limit or self.max)
        self._told_until = until

    def left_share(self, now: float) -> float:
        """How much of the quota is free, 0 to 1: the lower of our own window's word and the server's."""
        self._forget(now)
        if self._blocked_until > now:
            return 0.0
        own = 1 - len(self._taken) / self.max
        return max(0.0, own if self._told_left is None else min(own, self._told_left / self._told_max))

    def block(self, now: float, seconds: float) -> None:
        """The server refused (429): nothing goes until its window is over."""
        self._blocked_until = max(self._blocked_until, now + seconds)

    def answered(self, now: float, questions: int) -> None:
        """A request answered so many questions: a list page may answer many."""
        self._answers.append((now, questions))

    def usage(self, now: float) -> Usage:
        """What to keep."""
        self._forget(now)
        return Usage(
            ages=tuple(now - at for at in self._taken),
            answered=sum(questions for _, questions in self._answers),
            blocked_seconds=max(0.0, self._blocked_until - now),
            told_left=self._told_left,
            told_seconds=max(0.0, self._told_until - now),
        )

    def restore(self, now: float, usage: Usage) -> None:
        """Go on from what was kept. Which requests were re-reads or sweeps was not: all count as both."""
        self._taken = deque(sorted(now - age for age in usage.ages))
        self._taken_by = {priority: deque(self._taken) for priority in self._shares}
        self._blocked_until = now + usage.blocked_seconds
        self._told_left, self._told_until = usage.told_left, now + usage.told_seconds
        self._forget(now)

    def _free_at(self, times: deque[float], allowed: int) -> float:
        return float("-inf") if len(times) < allowed else times[len(times) - allowed] + self._seconds

    def _forget(self, now: float) -> None:
        for times in (self._taken, *self._taken_by.values()):
            while times and times[0] + self._seconds <= now:
                times.popleft()
        while self._answers and self._answers[0][0] + self._seconds <= now:
            self._answers.popleft()
        if now >= self._told_until:
            self._told_left = None
