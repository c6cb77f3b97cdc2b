"""The daily report by mail: of the day before, once a day, late rather than never.

    not yet that time of day, or sent, or given up      wait
    due                                                 reserve the day, make the report, send, record

A process that dies between sending and recording leaves the day reserved; the next one sends it again, under the same
key, so that mail programs show it once. What was not sent by the end of the day is not sent: the next report is due.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol

import structlog
from prometheus_client import Counter

from connectors.notify.audience import Audience
from connectors.notify.channel import Delivered, Outcome, Refused, TryLater
from connectors.reports.html import html_of
from connectors.reports.material import Reporter, ReportOrder
from connectors.reports.text import text_of
from connectors.reports.wording import day_text
from connectors.store.report_mails import ReportMails
from streams.reports.report import DailyReport

log = structlog.get_logger()

#: How often it is looked whether a report is due.
LOOK_SECONDS = 30.0
#: After a refusal for now, unless the other end says how long.
AGAIN_SECONDS = 300.0
AGAIN_SECONDS_MAX = 3600.0

MAILS = Counter("plumbline_report_mails_total", "Daily reports by mail, by what came of sending.", ["outcome"])


class Send(Protocol):
    """Sends one mail, and says what came of it."""

    def __call__(self, *, subject: str, text: str, html: str, key: str) -> Awaitable[Outcome]: ...


class DailyMail:
    """`report_at` is a time of day in UTC. `now` is this machine's clock, `pause` its waiting."""

    def __init__(
        self,
        *,
        report_at: str,
        reporter: Reporter,
        mails: ReportMails,
        send: Send,
        audience: Audience,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._report_at = time.fromisoformat(report_at)
        self._reporter = reporter
        self._mails = mails
        self._send = send
        self._name_of = audience.name_of
        self._now = now
        self._pause = pause

    async def run(self, _: Any) -> None:
        """Until cancelled, as the only one. Raises StoreUnavailable: to be started again (`supervised`)."""
        while True:
            await self._pause(await self.look())

    async def look(self) -> float:
        """Send what is due now; the seconds to wait before the next look."""
        day = due_day(self._now(), self._report_at)
        if day is None or not await self._mails.is_due(day):
            return LOOK_SECONDS
        # Made before the day is reserved: a report that cannot be made costs no try.
        report = await self._reporter.report(ReportOrder(day=day))
        if not await self._mails.reserve(day):
            return LOOK_SECONDS
        outcome = await self._send(
            subject=subject_of(report),
            text=text_of(report, self._name_of),
            html=html_of(report, self._name_of),
            key=f"report:{day}",
        )
        return await self._record(day, outcome)

    async def _record(self, day: date, outcome: Outcome) -> float:
        match outcome:
            case Delivered():
                await self._mails.sent(day)
                log.info("daily report sent", day=str(day))
            case Refused(detail=detail):
                await self._mails.failed(day, detail)
                log.error("daily report refused", day=str(day), detail=detail)
            case TryLater(seconds=seconds, detail=detail):
                log.warning("daily report waits", day=str(day), detail=detail)
                MAILS.labels("later").inc()
                return min(AGAIN_SECONDS if seconds is None else seconds, AGAIN_SECONDS_MAX)
        MAILS.labels("sent" if isinstance(outcome, Delivered) else "refused").inc()
        return LOOK_SECONDS


def due_day(now: datetime, report_at: time) -> date | None:
    """The day whose report is due: yesterday, from `report_at` to the end of today (UTC)."""
    today = now.astimezone(UTC)
    return today.date() - timedelta(days=1) if today.time() >= report_at else None


def subject_of(report: DailyReport) -> str:
    """What a day it was, in one line."""
    figures = report.summary
    opened = f"{figures.opened:,} alert{'' if figures.opened == 1 else 's'}, {figures.open:,} open"
    return f"Plumbline, {day_text(report.date)}: {opened if figures.opened or figures.open else 'no alerts'}"
