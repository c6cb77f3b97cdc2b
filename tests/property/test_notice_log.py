"""Whatever an alert goes through: an end is told where its beginning was, and nothing is told twice."""

from hypothesis import given
from hypothesis import strategies as some

from streams.alerts.actions import Acknowledge, ActionRefused, Reopen, Resolve, Snooze
from streams.alerts.notice import NoticeKind, NoticeState, Reason
from streams.model.rule import AlertStatus, Resolution
from streams.notices.due import overtaken
from streams.notices.planning import STANDING_KINDS
from streams.notices.silences import Matchers, Silence
from tests.alert_words import Life, at, drifted, finding
from tests.log_words import ChannelLog, around

SILENT = around(silences=(Silence(id="s", matchers=Matchers(), starts_at=at(-60), ends_at=at(60)),))
STEPS = (
    "ends",
    "returns",
    "drifts",
    "known",
    "snoozed",
    "wakes",
    "closed",
    "reopened",
    "silent",
    "loud",
    "sent",
    "old",
)

stories = some.lists(some.sampled_from(STEPS), min_size=1, max_size=25)


class Told:
    """An alert, a channel, and what people heard there."""

    def __init__(self) -> None:
        self.life = Life().hears(finding("opened", 1))
        self.log = ChannelLog()
        self.minutes, self.episode = 2.0, 1
        self.heard: list[tuple[NoticeKind, int]] = []
        self.past = [self.life.alert]
        self.log.hears(self.life.alert, "opened")

    def step(self, name: str) -> None:
        self.minutes += 1
        life, minutes = self.life, self.minutes
        try:
            match name:
                case "ends":
                    life.hears(finding("resolved", minutes, proved=1, episode=self.episode))
                case "returns":
                    self.episode += 1
                    life.hears(finding("opened", minutes, episode=self.episode))
                case "drifts":
                    life.hears(drifted(minutes, str(minutes), episode=self.episode))
                case "known":
                    life.does(Acknowledge(), minutes=minutes)
                case "snoozed":
                    life.does(Snooze(until=at(minutes + 600)), minutes=minutes)
                case "wakes":
                    life.wakes_at(minutes + 1_200)
                case "closed":
                    life.does(Resolve(resolution=Resolution.MANUAL), minutes=minutes)
                case "reopened":
                    life.does(Reopen(), minutes=minutes)
                case "silent":
                    self.log.where = SILENT
                case "loud":
                    self.log.where = around()
                case "sent":
                    self.send()
                case "old":
                    assert self.log.hears(self.past[0], "opened") == []
        except ActionRefused:
            return
        if life.alert.version > self.past[-1].version:
            self.past.append(life.alert)
            self.log.hears(life.alert, life.story[-1])

    def send(self) -> None:
        """As the speaker does it: in their order, and without what need not be told any more."""
        alert = self.life.alert
        for key, entry in sorted(self.log.entries.items(), key=lambda item: item[1].version):
            if entry.state is not NoticeState.PENDING:
                continue
            said = [kind for kind, episode in self.heard if episode == entry.episode]
            told = bool(said) and said[-1] is not NoticeKind.RESOLVED
            why = overtaken(entry.kind, entry.episode, told, (alert.status, alert.episode), "grouped")
            state = NoticeState.SENT if why is None else NoticeState.SKIPPED
            self.log.entries[key] = type(entry)(
                **{name: getattr(entry, name) for name in entry.__struct_fields__} | {"state": state, "reason": why}
            )
            if why is None and entry.kind is not NoticeKind.CHANGED:
                self.heard.append((entry.kind, entry.episode))


@given(stories)
def test_people_hear_of_an_end_exactly_where_they_heard_of_a_beginning(steps: list[str]) -> None:
    told = Told()
    for step in steps:
        told.step(step)
        told.send()
    for episode in range(1, told.episode + 1):
        standing = False
        for kind, of_episode in told.heard:
            if of_episode != episode:
                continue
            if kind is NoticeKind.RESOLVED:
                assert standing, "an end without a beginning"
                standing = False
            else:
                standing = True
        # An episode whose end was never heard of ends with the next one, and that is told.
        over = told.life.alert.episode == episode and told.life.alert.status is AlertStatus.RESOLVED
        assert not (over and standing), "the end is told too"


@given(stories)
def test_what_stands_and_nobody_looks_after_is_known_or_the_log_says_why_not(steps: list[str]) -> None:
    told = Told()
    for step in steps:
        told.step(step)
    alert = told.life.alert
    entries = [entry for entry in told.log.entries.values() if entry.episode == alert.episode]
    assert entries
    if alert.status is AlertStatus.OPEN:
        waiting = {NoticeState.PENDING, NoticeState.SENT}
        reasons = {entry.reason for entry in entries if entry.state is NoticeState.HELD}
        assert reasons <= {Reason.SILENCED}
        assert reasons or any(entry.kind in STANDING_KINDS and entry.state in waiting for entry in entries)
