"""From plumbline.alerts to a channel: changes become notices in the log, notices become messages.

Two loops with the log between them, so that a channel that is down holds up nobody: `_listen` decides and commits
its offsets as soon as the log has the notice; `_speak` sends what is due and records it around the send. A process
that dies between send and record sends that one notice again: at least once, one extra at most.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec
from aiokafka.errors import KafkaError

from connectors.dead_letters import DeadLetters
from connectors.kafka_batches import Membership, read_batches
from connectors.notify.channel import Channel, Delivered, Refused, Telling, TryLater
from connectors.notify.log import NoticeLog
from streams.alerts.alert import Alert
from streams.alerts.notice import (
    DueNotice,
    HeldNotices,
    NoticeKind,
    PlannedNotice,
    Reason,
    notice_of,
)
from streams.settings import Settings
from streams.topics import Topic

logger = logging.getLogger(__name__)

GROUP = "plumbline-notify"
RECORDS_PER_BATCH_MAX = 200
FETCH_WAIT_MS = 100
#: Another process may have planned; ours wakes the speaker at once.
SPEAK_POLL_SECONDS = 1.0
RESTART_SECONDS = 1.0
STOP_SECONDS_MAX = 3.0
BACK_OFF_SECONDS_FIRST = 1.0
BACK_OFF_SECONDS_MAX = 30.0
#: The baseline is told once nothing new was found for a while, and in any case after the longest wait.
BASELINE_QUIET_SECONDS = 30.0
BASELINE_SECONDS_MAX = 600.0

_alert = msgspec.json.Decoder(Alert)


class Dispatcher:
    """Listens for one channel and speaks through it."""

    def __init__(
        self,
        settings: Settings,
        log: NoticeLog,
        channel: Channel,
        *,
        baseline_quiet_seconds: float = BASELINE_QUIET_SECONDS,
    ) -> None:
        self._settings = settings
        self._log = log
        self._channel = channel
        self._baseline_quiet_seconds = baseline_quiet_seconds
        self._planned = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled; broker, log and channel may come and go."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(), name="notify-listen")
                tasks.create_task(self._speak(), name="notify-speak")
        finally:
            await self._channel.close()

    async def _listen(self) -> None:
        membership = Membership(
            group=f"{GROUP}-{self._channel.name}",
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
        notices: list[PlannedNotice] = []
        for record in records:
            if record.value is None:  # a tombstone: the alert is long over
                continue
            try:
                alert = _alert.decode(record.value)
            except msgspec.DecodeError as error:
                await letters.send(record, reason="undecodable", error=str(error))
                continue
            notice = notice_of(alert)
            if notice is not None:
                notices.append(notice)
        if notices:
            await self._log.plan(self._channel.name, notices)
            self._planned.set()

    async def _speak(self) -> None:
        pause = 0.0
        while True:
            if pause:
                await asyncio.sleep(pause)
            try:
                pause = await self._speak_once()
            except ConnectionError as away:
                logger.warning("notices wait for their log: %s", away)
                pause = SPEAK_POLL_SECONDS

    async def _speak_once(self) -> float:
        """Send what is due next; how long to pause before the next, in seconds."""
        self._planned.clear()
        notice = await self._log.claim(self._channel.name)
        if notice is not None:
            return await _to_the_end(self._tell(notice))
        held = await self._log.held(self._channel.name)
        if held is not None and self._is_ripe(held):
            return await _to_the_end(self._tell_baseline(held))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SPEAK_POLL_SECONDS):
                await self._planned.wait()
        return 0.0

    async def _tell(self, notice: DueNotice) -> float:
        alerts = (notice.alert, *(other.alert for other in notice.together))
        telling = Telling(kind=notice.kind, alerts=alerts, total=len(alerts), key=_key(self._channel, notice.positions))
        outcome = await self._channel.tell(telling)
        match outcome:
            case Delivered():
                await self._log.sent(notice.positions)
                return 0.0
            case Refused(detail=detail):
                logger.error("%s refused a notice of alert %s: %s", self._channel.name, notice.alert.id, detail)
                await self._log.failed(notice.positions, Reason.REFUSED)
                return 0.0
            case TryLater(reason=reason, seconds=seconds, detail=detail):
                wait = seconds if seconds is not None else back_off_seconds(notice.attempts)
                logger.warning("%s: %s, again in %.0f s", self._channel.name, detail, wait)
                await self._log.put_off(notice.positions, wait, reason)
                # It is the channel that is down, not this notice: the others wait a little too.
                return min(wait, BACK_OFF_SECONDS_MAX) if reason is Reason.RATE_LIMITED else min(wait, 5.0)

    async def _tell_baseline(self, held: HeldNotices) -> float:
        key, total = _key(self._channel, held.positions), sum(held.by_rule.values())
        outcome = await self._channel.tell(
            Telling(kind=NoticeKind.BASELINE, alerts=(), total=total, by_rule=held.by_rule, key=key)
        )
        if isinstance(outcome, TryLater):
            return outcome.seconds if outcome.seconds is not None else BACK_OFF_SECONDS_MAX
        await self._log.sent(held.positions, Reason.BASELINE)
        return 0.0

    def _is_ripe(self, held: HeldNotices) -> bool:
        return held.newest_seconds >= self._baseline_quiet_seconds or held.oldest_seconds >= BASELINE_SECONDS_MAX


def _key(channel: Channel, positions: Sequence[int]) -> str:
    return f"{channel.name}:{min(positions)}"


async def _to_the_end(telling: Coroutine[Any, Any, float]) -> float:
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
