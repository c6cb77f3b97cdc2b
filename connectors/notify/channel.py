"""A way to people: what it is given to tell, and what comes of telling.

One protocol for all of them (Slack, mail, pagers, webhooks). What is told, when and together with what was decided
before (`streams/notices`, the notification log); a channel only puts it into its own form and sends it once.
"""

from typing import Literal, Protocol

import msgspec

from streams.alerts.alert import Alert
from streams.alerts.notice import NoticeKind, Reason

#: `grouped`: some at once, more of one kind together, a storm as one message. `digest`: all at the next full
#: `mail.digest_hours`. `each`: one by one and at once, the other end groups by itself.
Pace = Literal["grouped", "digest", "each"]


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """What the alerts of one message have in common; None where they differ, or nobody knows."""

    rule: str | None = None
    tenant: str | None = None
    account: str | None = None
    event_type: str | None = None
    #: When the first of them began (ISO).
    since: str | None = None


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What one message says: one alert, or a group of which the most urgent stand first."""

    kind: NoticeKind
    alerts: tuple[Alert, ...]
    #: May be more than `alerts`: a message names TOGETHER_MAX at most.
    total: int
    common: Common = Common()
    #: The channel's own name of the message that told the beginning (of Slack: `C123/1700000000.000100`), to edit
    #: or to thread under; None where there is none.
    message: str | None = None
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
