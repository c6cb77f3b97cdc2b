"""A way to people: what it is given to tell, and what comes of telling.

One protocol for all of them (Slack, mail, pagers, webhooks). What is told, when and together with what was decided
before (`streams/notices`, the notification log); a channel only puts it into its own form and sends it once.
"""

from typing import Protocol

import msgspec

from streams.alerts.alert import Alert
from streams.alerts.notice import Common, NoticeKind, Pace, Reason

__all__ = [
    "Channel", "Common", "Delivered", "NoticeKind", "Outcome", "Pace", "Reason", "Refused", "Telling", "TryLater",
]  # fmt: skip


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What one message says: one alert, or a group of which the most urgent stand first.

    All are as they stand now, not as they were when the notice was planned. In a digest or a storm kinds are mixed:
    there `kind` is that of the first, and each alert's status says whether it stands or is over.
    A CHANGED one may be over too: another alert speaks for its cause (superseded), which is no recovery.
    Where `message` told a group, the whole group is told again to have it edited; a part of it goes to its thread.
    """

    kind: NoticeKind
    alerts: tuple[Alert, ...]
    #: May be more than `alerts`: a message names TOGETHER_MAX at most.
    total: int
    common: Common = Common()
    #: Why they are told together: GROUPED, STORM, DIGEST, BASELINE; None for one alone.
    together: Reason | None = None
    #: The channel's own name of the message that told the beginning (of Slack: `C123/1700000000.000100`), to edit
    #: or to thread under; None where there is none, or the alerts were told in several.
    message: str | None = None
    #: The same for each of `alerts` by its id, where its beginning was told in a message that has a name.
    messages: dict[str, str] = {}
    #: REPEATED: the how-manieth time; else 0.
    turn: int = 0
    #: How many of `total` are not over; None leaves it to what `alerts` say, and those left out stand.
    standing: int | None = None
    #: How many of `total` there are of each rule and of each company; empty leaves it to what `alerts` say.
    by_rule: dict[str, int] = {}
    by_tenant: dict[str, int] = {}
    #: The same for each send of the same notice, also by another process: a receiver may drop repeats by it.
    key: str


class Delivered(msgspec.Struct, frozen=True):
    """The other end has it. `message` is its name of the message, where it gives one."""

    message: str | None = None


class TryLater(msgspec.Struct, frozen=True):
    """Not now. `seconds` is how long the other end asked to wait; None leaves it to the caller."""

    reason: Reason
    seconds: float | None
    detail: str


class Refused(msgspec.Struct, frozen=True):
    """Never in this form."""

    detail: str


Outcome = Delivered | TryLater | Refused


class Channel(Protocol):
    """A way to people."""

    #: As routes and the notification log name it.
    name: str
    pace: Pace
    #: The kinds of notice that it can tell; others are not planned for it.
    kinds: frozenset[NoticeKind]

    async def tell(self, telling: Telling) -> Outcome:
        """Say it once. Never raises for what the other end does."""

    async def close(self) -> None:
        """Let go of connections."""
