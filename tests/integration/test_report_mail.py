"""The daily report by mail: once a day, late rather than never, and once more only after a crash."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.notify.audience import audience_of
from connectors.notify.channel import Delivered, Outcome, Refused, TryLater
from connectors.reports.daily import LOOK_SECONDS, DailyMail
from connectors.reports.material import Reporter
from connectors.stack.stack import LocalStack
from connectors.store.database import Database
from connectors.store.report_mails import ReportMails
from streams.alerts.notice import Reason
from streams.model.ids import Instant
from streams.settings import Settings
from tests.integration.storing import new_store

pytestmark = pytest.mark.stack


class Crash(Exception):
    """The process dies here."""


class Mailbox:
    """Takes mails; says what it is told to say."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.subjects: list[str] = []
        self.answers: list[Outcome | Exception] = []

    async def send(self, *, subject: str, text: str, html: str, key: str) -> Outcome:
        assert "DATA CONSISTENCY REPORT" in text
        assert html.startswith("<!DOCTYPE html>")
        self.keys.append(key)
        self.subjects.append(subject)
        answer = self.answers.pop(0) if self.answers else Delivered()
        if isinstance(answer, Exception):
            raise answer
        return answer


class Office:
    """A process that sends the report at six, and a clock that a test sets; another process is another office."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.database = database
        self.mailbox = Mailbox()
        self.clock = datetime(2025, 3, 13, tzinfo=UTC)
        self._settings = settings

    async def at(self, clock: str) -> float:
        """What a look at that time does; the seconds to the next."""
        self.clock = datetime.fromisoformat(clock).replace(tzinfo=UTC)
        reporter = Reporter(self._settings, self.database, lambda: Instant(int(self.clock.timestamp() * 1000)))
        mail = DailyMail(
            report_at="06:00",
            reporter=reporter,
            mails=ReportMails(self.database),
            send=self.mailbox.send,
            audience=audience_of(self._settings),
            now=lambda: self.clock,
        )
        return await mail.look()

    async def state(self) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch("SELECT day::text, state FROM report_mails ORDER BY 1")]


@pytest.fixture(scope="module")
async def settings(postgres: LocalStack) -> Settings:
    return await new_store(postgres)


@pytest.fixture
async def office(settings: Settings) -> AsyncIterator[Office]:
    assert settings.store.dsn is not None
    database = Database(settings.store.dsn.get_secret_value())
    async with database.connection() as connection:
        await connection.execute("TRUNCATE report_mails")
        await connection.execute("UPDATE installation SET installed_at = '2025-01-01Z'")
    yield Office(settings, database)
    await database.close()


async def test_it_goes_out_once_a_day_from_its_time_on(office: Office) -> None:
    for clock in ("2025-03-13T05:59", "2025-03-13T06:00", "2025-03-13T06:01", "2025-03-14T05:00", "2025-03-14T06:00"):
        assert await office.at(clock) == LOOK_SECONDS
    assert office.mailbox.keys == ["report:2025-03-12", "report:2025-03-13"]
    assert office.mailbox.subjects[0] == "Plumbline, Wed 12 Mar 2025: no alerts"


async def test_who_was_down_at_that_time_sends_it_late_the_same_day_and_not_the_next(office: Office) -> None:
    await office.at("2025-03-13T22:40")
    await office.at("2025-03-15T06:00")
    assert office.mailbox.keys == ["report:2025-03-12", "report:2025-03-14"]


async def test_a_crash_between_sending_and_recording_sends_it_once_more_under_the_same_key(office: Office) -> None:
    office.mailbox.answers = [Crash()]
    with pytest.raises(Crash):
        await office.at("2025-03-13T06:00")
    assert await office.state() == [{"day": "2025-03-12", "state": "reserved"}]
    for clock in ("2025-03-13T06:01", "2025-03-13T06:02"):
        await office.at(clock)
    assert office.mailbox.keys == ["report:2025-03-12"] * 2
    assert await office.state() == [{"day": "2025-03-12", "state": "sent"}]


async def test_a_server_that_asks_to_wait_is_asked_again_when_it_said(office: Office) -> None:
    office.mailbox.answers = [TryLater(Reason.UNREACHABLE, 120.0, "451")]
    assert await office.at("2025-03-13T06:00") == 120
    await office.at("2025-03-13T06:02")
    assert await office.state() == [{"day": "2025-03-12", "state": "sent"}]


async def test_what_is_refused_is_not_sent_again(office: Office) -> None:
    office.mailbox.answers = [Refused("550 no such user")]
    for clock in ("2025-03-13T06:00", "2025-03-13T06:01"):
        await office.at(clock)
    assert len(office.mailbox.keys) == 1
    assert await office.state() == [{"day": "2025-03-12", "state": "failed"}]


async def test_of_a_day_before_the_installation_there_is_no_report(office: Office) -> None:
    async with office.database.connection() as connection:
        await connection.execute("UPDATE installation SET installed_at = '2025-03-13 05:00Z'")
    await office.at("2025-03-13T06:00")
    await office.at("2025-03-14T06:00")
    assert office.mailbox.keys == ["report:2025-03-13"]
