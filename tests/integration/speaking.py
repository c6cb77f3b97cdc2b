"""A process that says what the notification log holds, to be killed: `python -m tests.integration.speaking DSN URL`.

It imports little, since it is started often.
"""

import asyncio
import sys
from datetime import UTC

from msgspec.structs import replace

from connectors.notify.audience import Audience
from connectors.notify.slack import SlackWebhook
from connectors.notify.speaker import Speaker
from connectors.store.database import Database
from connectors.store.notice_tellings import Lease
from connectors.store.notices import StoredNotices
from streams.notices.pacing import Allowance
from streams.notices.planning import Policy

#: Nothing is gathered: each alert is a message.
ALONE = Lease(allowance=Allowance(free_notices=10_000, storm_notices=10_000))
#: A speaker that was killed is followed by the next one soon.
SHORT_LEASE_SECONDS = 2.0


def webhook(url: str) -> SlackWebhook:
    """Slack by its incoming webhook."""
    return SlackWebhook(url, Audience(name_of=lambda tenant: f"company {tenant}", zone_of=lambda _: UTC))


async def speak(dsn: str, url: str) -> None:
    """Until killed."""
    log = StoredNotices(Database(dsn), Policy(), lease=replace(ALONE, seconds=SHORT_LEASE_SECONDS))
    await Speaker(log, webhook(url)).run()


if __name__ == "__main__":
    asyncio.run(speak(sys.argv[1], sys.argv[2]))
