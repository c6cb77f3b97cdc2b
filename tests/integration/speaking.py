"""A process that says what the notification log holds, to be killed: `python -m tests.integration.speaking DSN URL`."""

import asyncio
import sys

from msgspec.structs import replace

from connectors.notify.speaker import Speaker
from connectors.store.database import Database
from connectors.store.notices import StoredNotices
from streams.notices.planning import Policy
from tests.integration.telling import ALONE, SHORT_LEASE_SECONDS, webhook


async def speak(dsn: str, url: str) -> None:
    """Until killed."""
    log = StoredNotices(Database(dsn), Policy(), lease=replace(ALONE, seconds=SHORT_LEASE_SECONDS))
    await Speaker(log, webhook(url)).run()


if __name__ == "__main__":
    asyncio.run(speak(sys.argv[1], sys.argv[2]))
