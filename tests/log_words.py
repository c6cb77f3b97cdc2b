"""The words of tests about notices: one channel's log of one alert, as changes come and messages go out."""

from typing import Any

import msgspec

from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, NoticeState, Pace, Reason
from streams.model.ids import Instant
from streams.notices.planning import Entry, Heard, PlannedNotice, Policy, Surroundings, Way, decide, plan
from tests.alert_words import at

EVERY_KIND = frozenset(NoticeKind)


def way(name: str = "slack", pace: Pace = "grouped", *, edits: bool = True) -> Way:
    """A channel; without `edits` it cannot change what it said."""
    return Way(name=name, pace=pace, kinds=EVERY_KIND if edits else EVERY_KIND - {NoticeKind.CHANGED})


def around(now: Instant | None = None, policy: Policy | None = None, **more: Any) -> Surroundings:
    """What holds at noon, where nothing is silenced and no source is silent."""
    return Surroundings(now=at(0) if now is None else now, policy=policy or Policy(), **more)


def decided(alert: Alert, where: Surroundings, *, channel: Way | None = None, **heard: Any) -> str:
    """What becomes of the alert's first notice: its state, and the reason if there is one."""
    state, reason = decide(Heard(alert=alert, action="opened", **heard), NoticeKind.OPENED, channel or way(), where)
    return said(PlannedNotice(kind=NoticeKind.OPENED, state=state, reason=reason)).removeprefix("opened ")


def said(notice: PlannedNotice | Entry) -> str:
    """`opened pending`, `resolved skipped never_told`."""
    return " ".join([notice.kind, notice.state, *([notice.reason] if notice.reason else [])])


class ChannelLog:
    """What the notification log holds of one alert and channel."""

    def __init__(self, channel: Way | None = None, where: Surroundings | None = None) -> None:
        self.channel = channel or way()
        self.where = where or around()
        self.entries: dict[tuple[int, NoticeKind, int], Entry] = {}

    def hears(self, alert: Alert, action: str | None = None, **heard: Any) -> list[str]:
        """What a change of the alert adds to it."""
        log = [entry for entry in self.entries.values() if entry.episode >= alert.episode]
        planned = plan(Heard(alert=alert, action=action, **heard), self.channel, log, self.where)
        for notice in planned:
            key = (alert.episode, notice.kind, notice.turn)
            kept = self.entries.get(key)
            if kept is None or kept.state in (NoticeState.HELD, NoticeState.SKIPPED):
                self.entries[key] = Entry(
                    episode=alert.episode,
                    kind=notice.kind,
                    turn=notice.turn,
                    state=notice.state,
                    reason=notice.reason,
                    version=alert.version,
                )
        return [said(notice) for notice in planned]

    def sends(self, together: Reason | None = None) -> "ChannelLog":
        """Everything that waits goes out."""
        for key, entry in self.entries.items():
            if entry.state is NoticeState.PENDING:
                self.entries[key] = msgspec.structs.replace(entry, state=NoticeState.SENT, reason=together)
        return self

    def skips(self, reason: Reason) -> "ChannelLog":
        """Everything that waits need not be told any more."""
        for key, entry in self.entries.items():
            if entry.state is NoticeState.PENDING:
                self.entries[key] = msgspec.structs.replace(entry, state=NoticeState.SKIPPED, reason=reason)
        return self
