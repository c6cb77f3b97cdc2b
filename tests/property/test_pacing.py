"""Whatever comes and whenever: everything is told once, soon, and in few messages."""

from hypothesis import given, settings
from hypothesis import strategies as some

from streams.alerts.notice import NoticeKind
from streams.model.ids import Instant
from streams.notices.pacing import (
    FREE_EVERY_MS,
    GATHER_MS,
    SOURCES_MS,
    STORM_MS,
    STORM_NOTICES,
    Allowance,
    Pacing,
    Wait,
    Waiting,
    choose,
)

STEP_MS = 1_000
GROUPS = ("drift opened", "orphan opened", "orphan resolved", "stalled opened:calcom", "drift changed")

arrivals = some.lists(
    some.tuples(
        some.integers(0, 120), some.sampled_from(GROUPS), some.booleans(), some.integers(1, 30), some.booleans()
    ),
    max_size=25,
)


class Run:
    """A channel that is asked every second, and at once when something comes."""

    def __init__(self) -> None:
        self.pacing = Pacing()
        self.waiting: dict[int, Waiting] = {}
        self.came: dict[int, int] = {}
        self.told: dict[int, int] = {}
        self.noisy: list[tuple[int, bool]] = []

    def come(self, at: int, group: str, critical: bool, count: int, one_message: bool) -> None:
        kind = NoticeKind(group.split(" ")[1].split(":")[0])
        message = "C1/1" if one_message else None
        for _ in range(count):
            position = len(self.came)
            self.came[position] = at
            self.waiting[position] = Waiting(
                position=position, kind=kind, group=group, critical=critical, message=message
            )

    def speak(self, at: int) -> None:
        while True:
            waiting = list(self.waiting.values())
            self.pacing, choice = choose(self.pacing, "grouped", waiting, Instant(at), Allowance())
            if isinstance(choice, Wait):
                assert choice.until is None or choice.until > at, "what waits for a time is told when it comes"
                return
            urgent = any(self.waiting[position].critical for position in choice.positions)
            if any(not self.waiting[position].is_edit for position in choice.positions):
                self.noisy.append((at, urgent))
            for position in choice.positions:
                assert position not in self.told, "nothing is told twice"
                self.told[position] = at
                del self.waiting[position]


def run(coming: list[tuple[int, str, bool, int, bool]], until_second: int) -> Run:
    channel, by_second = Run(), sorted(coming)
    for second in range(until_second):
        at = second * STEP_MS
        for due, *what in by_second:
            if due == second:
                channel.come(at, *what)
        channel.speak(at)
    return channel


@settings(deadline=None, max_examples=50)
@given(arrivals)
def test_everything_is_told_once_and_soon(coming: list[tuple[int, str, bool, int, bool]]) -> None:
    longest_ms = max(GATHER_MS, SOURCES_MS) + 2 * STORM_MS
    channel = run(coming, 120 + longest_ms // STEP_MS + 2)
    assert set(channel.told) == set(channel.came)
    assert all(channel.told[position] - came <= longest_ms for position, came in channel.came.items())


@settings(deadline=None, max_examples=50)
@given(arrivals)
def test_no_minute_has_more_messages_than_are_allowed(coming: list[tuple[int, str, bool, int, bool]]) -> None:
    noisy = run(coming, 240).noisy
    for begin, _ in noisy:
        within = sum(begin <= at < begin + STORM_MS for at, _ in noisy)
        # What is left of the allowance, and what comes back of it within the minute; a storm's message on top.
        assert within <= 2 * STORM_NOTICES + 1


@settings(deadline=None, max_examples=30)
@given(some.integers(1, 1_000), some.integers(0, 10))
def test_one_cause_is_at_most_five_messages(findings: int, seconds: int) -> None:
    coming = [(second, "drift opened", True, findings // (seconds + 1) + 1, False) for second in range(seconds + 1)]
    channel = run(coming, 120)
    assert len(channel.noisy) <= 5
    assert not channel.waiting


@given(some.integers(1, 200))
def test_a_slow_trickle_is_told_at_once(count: int) -> None:
    every = FREE_EVERY_MS // STEP_MS
    channel = run([(number * every, "drift opened", True, 1, False) for number in range(min(count, 40))], 40 * every)
    assert all(channel.told[position] == came for position, came in channel.came.items())
