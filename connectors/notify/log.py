"""What a notifier needs of the notification log; the store implements it, the composition root brings them together."""

from collections.abc import Sequence
from typing import Protocol

from streams.alerts.notice import DueNotice, HeldNotices, PlannedNotice, Reason


class NoticeLog(Protocol):
    """The notification log: durable, shared by all processes. Each method raises ConnectionError when it is away."""

    async def plan(self, channel: str, notices: Sequence[PlannedNotice]) -> None:
        """Enter those that are new, in this order."""

    async def claim(self, channel: str) -> DueNotice | None:
        """The next one to send, with those to be told together with it; never before an earlier one of its alert."""

    async def held(self, channel: str) -> HeldNotices | None:
        """The baseline notices that wait."""

    async def sent(self, positions: Sequence[int], reason: Reason | None = None) -> None:
        """These were told."""

    async def put_off(self, positions: Sequence[int], seconds: float, reason: Reason) -> None:
        """These again later."""

    async def failed(self, positions: Sequence[int], reason: Reason) -> None:
        """These never."""
