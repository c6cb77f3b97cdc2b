"""What the tasks of the connectors process share."""

from typing import Any

import msgspec

from connectors.crm.database import CrmDatabase
from connectors.dead_letters import DeadLetters
from connectors.kafka_records import RecordSender
from connectors.store.database import Database
from streams.settings import Settings


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Made once a process, closed at its end."""

    settings: Settings
    store_dsn: str
    database: Database  # for the store's own modules
    pool: Any  # for the questions to Cal.com and what is remembered of the sources
    crm: CrmDatabase  # the two read connections that the monitored database gives us
    producer: Any
    sender: RecordSender
    letters: DeadLetters
