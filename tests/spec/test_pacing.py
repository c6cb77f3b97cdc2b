"""What a channel says next: alone, together, or nothing yet. Times are seconds after noon."""

from collections.abc import Iterable, Sequence
from typing import Any

from streams.alerts.notice import NoticeKind, Pace, Reason
from streams.model.ids import Instant
from streams.notices.due import Again, Told, told_again
from streams.notices.pacing import (
    ATTEMPTS_TO_WAIT_FOR,
    STORM_NOTICES,
    STORM_RESERVED,
    TRIED_MAX,
    Allowance,
    Pacing,
    Tell,
    Wait,
    Waiting,
    choose,
    group_of,
)
from streams.notices.planning import Policy
from tests.alert_words import at


def second(seconds: float) -> Instant:
    return at(seconds / 60)


def notice(position: int, group: str = "drift opened", *, critical: bool = True, **more: Any) -> Waiting:
    kind = NoticeKind(group.split(" ")[1].split(":")[0])
    return Waiting(position=position, kind=kind, group=group, critical=critical, **more)


class Speaking:
    """A channel that sends what it is told to at once."""

    def __init__(self, pace: Pace = "grouped") -> None:
        self.pace = pace
        self.pacing = Pacing()
        self.waiting: list[Waiting] = []
        self.said: list[tuple[float, tuple[int, ...], Reason | None]] = []

    def at(self, seconds: float, new: Iterable[Waiting] = ()) -> "Speaking":
        """These come; everything that may be said is said."""
        self.waiting += new
        while True:
            self.pacing, choice = choose(self.pacing, self.pace, self.waiting, second(seconds), Allowance())
            if isinstance(choice, Wait):
                return self
            self.said.append((seconds, choice.positions, choice.together))
            self.waiting = [one for one in self.waiting if one.position not in choice.positions]

    def through(self, begin: int, end: int) -> "Speaking":
        """Nothing more comes in these seconds."""
        for seconds in range(begin, end):
            self.at(seconds)
        return self

    @property
    def sizes(self) -> list[tuple[float, int]]:
        """When how many were told together."""
        return [(seconds, len(positions)) for seconds, positions, _ in self.said]


def many(count: int, first: int = 1, group: str = "drift opened") -> Sequence[Waiting]:
    return [notice(first + number, group) for number in range(count)]


def test_two_of_a_kind_are_told_at_once_and_alone_the_rest_together_half_a_minute_later() -> None:
    channel = Speaking().at(0, many(5)).through(1, 40)
    assert channel.sizes == [(0, 1), (0, 1), (30, 3)]
    assert channel.said[-1][2] is Reason.GROUPED


def test_one_cause_with_a_thousand_findings_in_ten_seconds_is_three_messages() -> None:
    channel = Speaking()
    for seconds in range(10):
        channel.at(seconds, many(100, first=1 + 100 * seconds))
    assert channel.through(10, 120).sizes == [(0, 1), (0, 1), (30, 998)]


def test_what_keeps_coming_is_told_twice_a_minute() -> None:
    channel = Speaking()
    for seconds in range(300):
        channel.at(seconds, many(1, first=1 + seconds))
    assert len(channel.said) <= 2 + 10
    assert sum(size for _, size in channel.sizes) >= 270


def test_after_a_while_the_next_is_told_alone_again() -> None:
    channel = Speaking().at(0, many(2)).at(10, [notice(3)]).at(20, [notice(4)])
    assert channel.sizes == [(0, 1), (0, 1), (10, 1), (20, 1)]


def test_another_rule_or_kind_has_an_allowance_of_its_own() -> None:
    channel = Speaking().at(0, [*many(3), *many(2, 10, "orphan opened"), *many(2, 20, "drift resolved")])
    assert [positions[0] for _, positions, _ in channel.said] == [1, 2, 10, 11, 20, 21]


def test_critical_goes_before_the_rest() -> None:
    channel = Speaking().at(0, [notice(1, critical=False), notice(2, "orphan opened")])
    assert [positions for _, positions, _ in channel.said] == [(2,), (1,)]


def test_in_a_storm_everything_is_one_message_a_minute() -> None:
    kinds = [notice(number, f"rule{number} opened") for number in range(60)]
    channel = Speaking().at(0, kinds).through(1, 61)
    assert channel.sizes[:STORM_NOTICES] == [(0, 1)] * STORM_NOTICES
    assert channel.said[STORM_NOTICES:] == [(60, tuple(range(STORM_NOTICES, 60)), Reason.STORM)]


def test_in_a_storm_of_lesser_things_what_is_critical_is_told_at_once() -> None:
    lesser = [notice(number, f"rule{number} opened", critical=False) for number in range(60)]
    channel = Speaking().at(0, lesser).at(1, [notice(100)])
    assert channel.sizes == [(0, 1)] * (STORM_NOTICES - STORM_RESERVED) + [(1, 1)]
    assert channel.said[-1][1] == (100,)


def test_accounts_of_one_outage_wait_for_one_another() -> None:
    group = group_of("source_stalled", NoticeKind.OPENED, "source", "calcom:harbor")
    channel = Speaking().at(0, [notice(1, group)]).at(5, [notice(2, group)]).through(6, 30)
    assert channel.sizes == [(20, 2)]
    assert group == group_of("source_stalled", NoticeKind.OPENED, "source", "calcom:quay")
    assert group_of("source_stalled", NoticeKind.OPENED, "source", "database") == "source_stalled opened"
    assert group_of("drift", NoticeKind.OPENED, "booking", "a:b") == "drift opened"


def test_an_edit_goes_last_takes_of_no_allowance_and_is_one_for_each_message() -> None:
    edits = [notice(number, "drift changed", message="C1/1") for number in (1, 2)]
    other = notice(3, "drift changed", message="C1/2")
    channel = Speaking().at(0, [*edits, other, *many(3, 10)])
    assert [positions for _, positions, _ in channel.said] == [(10,), (11,), (1, 2), (3,)]


def test_a_digest_is_everything_and_a_channel_that_groups_by_itself_gets_each() -> None:
    assert Speaking("digest").at(0, [notice(1), notice(2, "orphan resolved")]).said == [(0, (1, 2), Reason.DIGEST)]
    assert Speaking("each").at(0, many(3)).sizes == [(0, 1)] * 3


def test_what_was_tried_is_tried_again_as_it_was_and_keeps_the_others_waiting() -> None:
    tried = [notice(number, telling="t", attempts=1, not_before=second(5)) for number in (1, 2)]
    assert choose(Pacing(), "grouped", [*tried, notice(3)], second(4), Allowance())[1] == Wait(until=second(5))
    again = choose(Pacing(), "grouped", [*tried, notice(3)], second(5), Allowance())[1]
    assert again == Tell(positions=(1, 2), telling="t")


def test_a_message_that_fails_again_and_again_lets_another_one_try_but_not_everything() -> None:
    stuck = [
        notice(number, telling=f"t{number}", attempts=ATTEMPTS_TO_WAIT_FOR, not_before=second(5 + number))
        for number in range(TRIED_MAX)
    ]
    assert choose(Pacing(), "grouped", [*stuck[1:], notice(9)], second(4), Allowance())[1] == Tell(positions=(9,))
    assert choose(Pacing(), "grouped", [*stuck, notice(9)], second(4), Allowance())[1] == Wait(until=second(5))


def test_what_is_critical_and_nobody_looks_after_is_repeated_and_counted() -> None:
    policy = Policy(repeat_ms=4 * 3_600_000, escalate_after_ms=0)
    told = Told(channel="slack", told_at=at(0), due_at=at(0), repeats=2)
    assert told_again([told], policy, at(239)) == ()
    assert told_again([told], policy, at(240)) == (Again(channel="slack", kind=NoticeKind.REPEATED, turn=3),)
    waits = Told(channel="slack", told_at=at(0), due_at=at(0), waits=True)
    assert told_again([waits], policy, at(300)) == ()
    assert told_again([told], Policy(repeat_ms=0, escalate_after_ms=0), at(9_000)) == ()


def test_what_nobody_looks_after_goes_to_others_once_also_when_the_first_could_not_be_told() -> None:
    policy = Policy(repeat_ms=0, escalate_after_ms=15 * 60_000, escalate_to=frozenset({"pagerduty"}))
    waiting = Told(channel="slack", told_at=None, due_at=at(0), waits=True)
    assert told_again([waiting], policy, at(14)) == ()
    assert told_again([waiting], policy, at(15)) == (Again(channel="pagerduty", kind=NoticeKind.ESCALATED, turn=0),)
    already = Told(channel="pagerduty", told_at=at(15), due_at=None, escalated=True)
    assert told_again([waiting, already], policy, at(60)) == ()
    kept_back = Told(channel="slack", told_at=None, due_at=None, waits=True)
    assert told_again([kept_back], policy, at(60)) == (), "what was never to be told is not escalated"
