"""From the notification log to one channel: what is due next is told, and recorded around the send.

A process that dies between send and record tells that one message again, under the same key: at least once, one extra
at most.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any

from connectors.notify.channel import Channel, Delivered, Refused, Telling, TryLater
from connectors.notify.log import NoticeLog
from connectors.notify.planner import wall_clock
from streams.alerts.notice import Reason
from streams.notices.claim import Claim
from streams.notices.planning import Way

logger = logging.getLogger(__name__)

#: Another process may have planned; ours wakes the speaker at once.
POLL_SECONDS = 1.0
STOP_SECONDS_MAX = 3.0
#: A channel answers within this, or is not reachable: less than the lease, or two processes would tell one message.
TELL_SECONDS_MAX = 25.0
BACK_OFF_SECONDS_FIRST = 1.0
BACK_OFF_SECONDS_MAX = 30.0


def way_of(channel: Channel) -> Way:
    """What planning needs to know of a channel."""
    return Way(name=channel.name, pace=channel.pace, kinds=channel.kinds)


class Speaker:
    """One channel's. Any number of processes may have one."""

    def __init__(self, log: NoticeLog, channel: Channel) -> None:
        self.name = channel.name
        self._log = log
        self._channel = channel
        self._way = way_of(channel)
        self._planned = asyncio.Event()

    def wake(self) -> None:
        """Something new may be told."""
        self._planned.set()

    async def run(self) -> None:
        """Until cancelled; log and channel may come and go."""
        try:
            while True:
                try:
                    await self._once()
                except ConnectionError as away:
                    logger.warning("notices wait for their log: %s", away)
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            await self._channel.close()

    async def _once(self) -> None:
        """Say what is due next, or wait for it."""
        self._planned.clear()
        found = await self._log.claim(self._way, wall_clock())
        if isinstance(found, Claim):
            await _to_the_end(self._tell(found))
            return
        wait = POLL_SECONDS if found is None else min(POLL_SECONDS, found)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._planned.wait()

    async def _tell(self, claim: Claim) -> None:
        match await self._outcome(claim):
            case Delivered(message=message):
                await self._log.sent(claim.telling, message)
            case Refused(detail=detail):
                logger.error("%s refused a notice of %s alerts: %s", self._channel.name, claim.total, detail)
                await self._log.failed(claim.telling, Reason.REFUSED)
            case TryLater(reason=reason, seconds=seconds, detail=detail):
                wait = seconds if seconds is not None else back_off_seconds(claim.attempts)
                logger.warning("%s: %s, again in %.0f s", self._channel.name, detail, wait)
                await self._log.put_off(claim.telling, wait, reason)

    async def _outcome(self, claim: Claim) -> Delivered | Refused | TryLater:
        try:
            async with asyncio.timeout(TELL_SECONDS_MAX):
                return await self._channel.tell(telling_of(claim))
        except TimeoutError:
            return TryLater(Reason.UNREACHABLE, None, f"no answer within {TELL_SECONDS_MAX:g} s")
        except Exception as error:  # one message that cannot be written must not end the channel
            logger.exception("%s could not write a notice", self._channel.name)
            return TryLater(Reason.FAULTY, None, type(error).__name__)


def telling_of(claim: Claim) -> Telling:
    """What the channel is given."""
    return Telling(
        kind=claim.kind,
        alerts=claim.alerts,
        total=claim.total,
        common=claim.common,
        together=claim.together,
        message=claim.message,
        messages=claim.messages,
        turn=claim.turn,
        standing=claim.standing,
        by_rule=claim.by_rule,
        by_tenant=claim.by_tenant,
        key=claim.telling,
    )


async def _to_the_end(telling: Coroutine[Any, Any, None]) -> None:
    """Between send and record an orderly stop waits a little; only a kill tells twice."""
    task = asyncio.ensure_future(telling)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=STOP_SECONDS_MAX)
        task.cancel()
        raise


def back_off_seconds(attempts: int) -> float:
    """1, 2, 4 … at most BACK_OFF_SECONDS_MAX."""
    return min(BACK_OFF_SECONDS_MAX, BACK_OFF_SECONDS_FIRST * float(2 ** min(attempts - 1, 16)))
