"""The watcher of the database's feed put together: Debezium's topics, the slot, Connect, the passes over both sides."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from connectors.coverage.memories import WatcherMemory
from connectors.crm.database import NotAnswerable, NotAnswered
from connectors.parts import Parts
from connectors.source.connector_look import ConnectorLook
from connectors.source.errors import DatabaseAway
from connectors.source.feed_mending import FeedMending
from connectors.source.feed_records import FeedRecords
from connectors.source.feed_state import FeedPolicy
from connectors.source.feed_watcher import FeedWatcher
from connectors.source.registering import registration_of
from connectors.source.rest import ConnectRest
from connectors.source.slot_replacement import SlotReplacement
from connectors.sweeping import backfill
from streams.model.source_records import DATABASE
from streams.topics import Topic, topic_name


def feed_watcher(parts: Parts, policy: FeedPolicy) -> FeedWatcher:
    """One that begins anew. Raises SourceError for an unusable configuration."""
    settings = parts.settings
    registration = registration_of(settings)
    connect = ConnectRest(str(settings.source.connect_url))
    query = partial(_query, parts)
    slot = registration.names.slot
    replacement = SlotReplacement(query, connect, connector=registration.connector, slot=slot)
    topics = tuple(topic_name(topic, settings.kafka.topic_prefix) for topic in (Topic.APPOINTMENTS, Topic.CALLS))

    def records(positions: dict[str, int]) -> FeedRecords:
        return FeedRecords(
            settings.kafka,
            heartbeat_topic=registration.heartbeat_topic,
            change_topics=topics,
            readers=settings.worker.group,
            positions=positions,
        )

    return FeedWatcher(
        open_records=records,
        query=query,
        connector=ConnectorLook(connect, registration.connector),
        slot=slot,
        memory=WatcherMemory(parts.pool, DATABASE),
        mending=FeedMending(
            backfill=partial(backfill, parts),
            replacement=replacement,
            retained_bytes_max=settings.source.max_retained_wal,
        ),
        policy=policy,
    )


async def _query(parts: Parts, statement: str, *values: object) -> Sequence[Any]:
    try:
        return await parts.crm.fetch(statement, *values)
    except (NotAnswered, NotAnswerable) as away:
        raise DatabaseAway(str(away)) from away
