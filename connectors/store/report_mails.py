"""Which daily reports went out by mail. A day is reserved before its mail goes, so that it goes once.

A process that dies between sending and recording leaves the day reserved: whoever leads next sends it once more.
"""

from datetime import date

from connectors.store.database import Database

#: A day's mail is tried so often; each try after the first was asked for by the other end, or follows a crash.
ATTEMPTS_MAX = 50

_RESERVE = """
INSERT INTO report_mails AS kept (day, state, attempts) VALUES ($1, 'reserved', 1)
ON CONFLICT (day) DO UPDATE SET attempts = kept.attempts + 1, reserved_at = now()
WHERE kept.state = 'reserved' AND kept.attempts < $2
RETURNING attempts
"""


class ReportMails:
    """Table `report_mails`. Every method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_due(self, day: date) -> bool:
        """Whether the day's mail is neither sent nor given up, and Plumbline was there for some of the day."""
        async with self._database.connection() as connection:
            return bool(
                await connection.fetchval(
                    "SELECT installed_at < $1::date + 1 AND NOT EXISTS (SELECT 1 FROM report_mails "
                    "WHERE day = $1 AND (state <> 'reserved' OR attempts >= $2)) FROM installation",
                    day,
                    ATTEMPTS_MAX,
                )
            )

    async def reserve(self, day: date) -> bool:
        """Whether it may be sent now: it is neither sent nor given up."""
        async with self._database.connection() as connection:
            return await connection.fetchval(_RESERVE, day, ATTEMPTS_MAX) is not None

    async def sent(self, day: date) -> None:
        """The other end has it."""
        await self._finish(day, "sent", None)

    async def failed(self, day: date, detail: str) -> None:
        """It will not be sent; why."""
        await self._finish(day, "failed", detail)

    async def _finish(self, day: date, state: str, detail: str | None) -> None:
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE report_mails SET state = $2, detail = $3, "
                "sent_at = CASE WHEN $2 = 'sent' THEN now() END WHERE day = $1",
                day,
                state,
                detail,
            )
