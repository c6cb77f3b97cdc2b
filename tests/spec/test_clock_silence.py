"""The clock is stalled: somebody looked for ten seconds, and no tick came."""

from connectors.clock_watch import ClockPolicy, TickSilence


class Looks:
    """Looks at three partitions, one a second; `ticking` says which of them have a new tick at each."""

    def __init__(self) -> None:
        self.silence = TickSilence(ClockPolicy())
        self.ends = {0: 10, 1: 20, 2: 30}
        self.now = 0.0
        self.silence.look(self.ends, self.now)

    def pass_seconds(self, seconds: int, *, ticking: tuple[int, ...] = ()) -> str | None:
        for _ in range(seconds):
            self.now += 1
            self.ends = {number: end + (number in ticking) for number, end in self.ends.items()}
            self.silence.look(self.ends, self.now)
        return self.silence.why_stalled()


def ticked() -> Looks:
    looks = Looks()
    looks.pass_seconds(5, ticking=(0, 1, 2))
    return looks


def test_ten_seconds_without_a_tick_are_a_stall_and_one_tick_ends_it() -> None:
    looks = ticked()
    assert looks.pass_seconds(9) is None
    assert looks.pass_seconds(1) is not None
    assert looks.pass_seconds(1, ticking=(0, 1, 2)) is None


def test_partitions_that_change_hands_are_none() -> None:
    looks = ticked()
    assert looks.pass_seconds(44, ticking=(0, 1)) is None
    assert looks.pass_seconds(1, ticking=(0, 1)) == "no tick on 1 of 3 partitions: what lies there is not judged"


def test_time_in_which_nobody_could_look_is_no_silence() -> None:
    looks = ticked()
    looks.now += 600  # the broker was away
    assert looks.pass_seconds(5) is None


def test_at_the_start_the_worker_may_come_up_later() -> None:
    looks = Looks()
    assert looks.pass_seconds(59) is None
    assert not looks.silence.is_known
    assert looks.pass_seconds(1) is not None
