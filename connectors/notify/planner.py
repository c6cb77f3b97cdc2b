"""From plumbline.alerts to the notification log: every change, for all channels at once.

Offsets are committed as soon as the log has it, so a channel that is down holds up nobody.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from aiokafka.errors import KafkaError

from connectors.dead_letters import DeadLetters
from connectors.kafka_batches import Membership, read_batches
from connectors.notify.log import NoticeLog
from streams.alerts.alert import Alert
from streams.model.ids import Instant
from streams.notices.planning import Way
from streams.settings import Settings
from streams.topics import Topic

logger = logging.getLogger(__name__)

GROUP = "plumbline-notify"
RECORDS_PER_BATCH_MAX = 200
FETCH_WAIT_MS = 100
RESTART_SECONDS = 1.0

_alert = msgspec.json.Decoder(Alert)


def wall_clock() -> Instant:
    """This machine's time: for when people are told, never for what decides about alerts."""
    return Instant(int(time.time() * 1000))


class Planner:
    """Listens to alerts for all channels. `planned` is called after each batch that may be told."""

    def __init__(
        self, settings: Settings, log: NoticeLog, ways: Sequence[Way], planned: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self._log = log
        self._ways = tuple(ways)
        self._planned = planned

    async def run(self) -> None:
        """Until cancelled; broker and log may come and go."""
        membership = Membership(
            group=GROUP,
            topics=(Topic.ALERTS,),
            records_per_batch_max=RECORDS_PER_BATCH_MAX,
            fetch_wait_ms=FETCH_WAIT_MS,
        )
        while True:
            try:
                await read_batches(self._settings, membership, self._plan)
            except (KafkaError, ConnectionError) as lost:
                logger.warning("alerts are read again from the last commit: %s", lost)
            await asyncio.sleep(RESTART_SECONDS)

    async def _plan(self, records: Sequence[Any], letters: DeadLetters) -> None:
        changes: list[tuple[Alert, str | None]] = []
        for record in records:
            if record.value is None:  # a tombstone: the alert is long over
                continue
            try:
                changes.append((_alert.decode(record.value), _action_of(record)))
            except msgspec.DecodeError as error:
                await letters.send(record, reason="undecodable", error=str(error))
        if changes and await self._log.plan(changes, self._ways, wall_clock()):
            self._planned()


def _action_of(record: Any) -> str | None:
    """What changed, in the history's word; older records name none."""
    action = dict(record.headers or ()).get("action")
    return None if action is None else bytes(action).decode("utf-8", "replace")
