"""All channels of one process: one planner, one speaker each, with the notification log between them.

Two speakers of one channel in different processes share its allowance and never tell one message both.
"""

import asyncio
import logging
from collections.abc import Sequence

from connectors.notify.channel import Channel
from connectors.notify.log import NoticeLog
from connectors.notify.planner import Planner, wall_clock
from connectors.notify.speaker import Speaker, way_of
from connectors.supervision import supervised
from streams.settings import Settings

logger = logging.getLogger(__name__)

PASS_SECONDS = 2.0
#: Repeats and escalations are a matter of minutes.
AGAIN_SECONDS = 10.0
PRUNE_SECONDS = 600.0


class Dispatcher:
    """Listens once, and speaks through every channel."""

    def __init__(self, settings: Settings, log: NoticeLog, channels: Sequence[Channel]) -> None:
        self._speakers = tuple(Speaker(log, channel) for channel in channels)
        self._planner = Planner(settings, log, [way_of(channel) for channel in channels], self._wake)

    async def run(self) -> None:
        """Until cancelled; broker, log and channels may come and go."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(supervised("notices of all channels", self._planner.run))
            for speaker in self._speakers:
                tasks.create_task(supervised(f"notices to {speaker.name}", speaker.run))

    def _wake(self) -> None:
        for speaker in self._speakers:
            speaker.wake()


async def keep_deciding(log: NoticeLog, channels: Sequence[Channel], *, again_seconds: float = AGAIN_SECONDS) -> None:
    """Until cancelled: decide again what was kept back, tell again what is due. One process at a time does it."""
    ways, clock = [way_of(channel) for channel in channels], asyncio.get_running_loop().time
    again_at = prune_at = clock()
    after: str | None = None
    while True:
        try:
            await log.decide_held(ways, wall_clock())
            if after is not None or clock() >= again_at:
                _, after = await log.tell_again(ways, wall_clock(), after)
                again_at = clock() + again_seconds
            if clock() >= prune_at:
                await log.prune()
                prune_at = clock() + PRUNE_SECONDS
        except ConnectionError as away:
            logger.warning("notices that were kept back wait for their log: %s", away)
        await asyncio.sleep(PASS_SECONDS)
