"""What the notifiers need of the notification log; the store implements it, the composition root joins them."""

from collections.abc import Sequence
from typing import Protocol

from streams.alerts.alert import Alert
from streams.alerts.notice import Reason
from streams.model.ids import Instant
from streams.notices.claim import Claim
from streams.notices.planning import Way


class NoticeLog(Protocol):
    """The notification log: durable, shared by all processes. Each method raises ConnectionError when it is away."""

    async def plan(self, changes: Sequence[tuple[Alert, str | None]], ways: Sequence[Way], now: Instant) -> int:
        """Enter what these changes (alert, action) call for on these channels; how many lines were decided."""

    async def claim(self, way: Way, now: Instant) -> Claim | float | None:
        """The next message of a channel; else in how many seconds there may be one; None where nobody can say."""

    async def sent(self, telling: str, message: str | None) -> None:
        """It was told; `message` is the channel's own name of it."""

    async def put_off(self, telling: str, seconds: float, reason: Reason) -> None:
        """The same again in so many seconds."""

    async def failed(self, telling: str, reason: Reason) -> None:
        """Never."""

    async def decide_held(self, ways: Sequence[Way], now: Instant) -> int:
        """Decide again about a batch of what was kept back; how many of it changed."""

    async def tell_again(self, ways: Sequence[Way], now: Instant, after: str | None) -> tuple[int, str | None]:
        """Plan repeats and escalations of a batch of alerts: how many, and after which id the next begins."""

    async def prune(self) -> None:
        """Forget a batch of old lines."""
