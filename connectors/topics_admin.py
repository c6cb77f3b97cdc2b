"""Creates the topics and checks them at start: a wrong one is a clear error, never a hang."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from streams.kafka_connection import connection_arguments
from streams.settings_sections import KafkaSettings
from streams.settings_sources import ConfigurationError
from streams.topics import Topic, TopicConfig, topic_name, topic_table

log = structlog.get_logger()

ANSWER_SECONDS_MAX = 30.0
REQUEST_MS_MAX = 10_000
#: New topics are known to every broker within this.
SETTLE_SECONDS = 0.1
#: A webhook body of 1 MiB with its headers is more than the broker's default takes.
RECORD_BYTES_MAX = 2 * 1024 * 1024
#: Settings that correctness hangs on; the others (retention above all) are the operator's to change.
ENFORCED = ("message.timestamp.type", "cleanup.policy", "max.message.bytes")
_DYNAMIC_TOPIC_CONFIG = 1
_NO_ERROR = 0


class TopicsUnusable(ConfigurationError):
    """Topics exist and are not what Plumbline needs; each line names one, what was found and what is expected."""


class KafkaUnreachable(ConnectionError):
    """No broker answered in time."""


def wanted_topics(kafka: KafkaSettings) -> tuple[TopicConfig, ...]:
    """Every topic as it must be; those that carry raw bodies have room for them."""
    table = topic_table(
        partitions=kafka.partitions, replication_factor=kafka.replication_factor, prefix=kafka.topic_prefix
    )
    roomy = {topic_name(topic, kafka.topic_prefix) for topic in (Topic.WEBHOOKS, Topic.DEAD_LETTERS)}
    return tuple(_with_room(topic) if topic.name in roomy else topic for topic in table)


async def ensure_topics(kafka: KafkaSettings) -> None:
    """Create what is missing, check what is there, and set the settings that correctness hangs on.

    Raises TopicsUnusable for a wrong number of partitions, KafkaUnreachable when no broker answers in time.
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            admin = AIOKafkaAdminClient(**connection_arguments(kafka), request_timeout_ms=REQUEST_MS_MAX)
            try:
                await admin.start()
                await _ensure(admin, wanted_topics(kafka))
            finally:
                await admin.close()
    except (KafkaError, OSError, TimeoutError) as away:
        reason = str(away) or f"no answer within {ANSWER_SECONDS_MAX:g} s"
        raise KafkaUnreachable(f"kafka.bootstrap_servers = {kafka.bootstrap_servers}: {reason}") from away


async def _ensure(admin: Any, wanted: Sequence[TopicConfig]) -> None:
    there = await _partitions(admin)
    missing = [topic for topic in wanted if topic.name not in there]
    if missing:
        await _create(admin, missing)
        while not all(topic.name in there for topic in wanted):
            await asyncio.sleep(SETTLE_SECONDS)
            there = await _partitions(admin)
    wrong = [
        f"topic {topic.name} has {there[topic.name]} partitions, expected {topic.partitions}: set kafka.partitions to "
        "what it has, or begin anew with another kafka.topic_prefix"
        for topic in wanted
        if there[topic.name] != topic.partitions
    ]
    if wrong:
        raise TopicsUnusable(*wrong)
    await _enforce(admin, wanted)


async def _partitions(admin: Any) -> dict[str, int]:
    """How many partitions each topic has, as far as the broker knows it to be usable."""
    return {
        topic["topic"]: len(topic["partitions"])
        for topic in await admin.describe_topics()
        if topic["error_code"] == _NO_ERROR
    }


async def _create(admin: Any, missing: Sequence[TopicConfig]) -> None:
    answer = await admin.create_topics(
        [
            NewTopic(topic.name, topic.partitions, topic.replication_factor, topic_configs=topic.config)
            for topic in missing
        ]
    )
    for name, code, *reason in answer.topic_errors:
        # Another process may have been faster.
        if code not in (_NO_ERROR, TopicAlreadyExistsError.errno):
            raise TopicsUnusable(f"topic {name} cannot be created: {reason[0] if reason else for_code(code).__name__}")
    log.info("topics created", topics=[topic.name for topic in missing])


async def _enforce(admin: Any, wanted: Sequence[TopicConfig]) -> None:
    now = await _configs(admin, wanted)
    changes = []
    for topic in wanted:
        enforced = {key: value for key, value in topic.config.items() if key in ENFORCED}
        own = now[topic.name]
        if any(own.get(key) != value for key, value in enforced.items()):
            # The request replaces all settings of a topic, so what the operator set goes along.
            changes.append(ConfigResource(ConfigResourceType.TOPIC, topic.name, {**own, **enforced}))
    if not changes:
        return
    for answer in await admin.alter_configs(changes):
        for code, reason, _, name in answer.resources:
            if code != _NO_ERROR:
                raise TopicsUnusable(f"topic {name} cannot be configured: {reason or for_code(code).__name__}")
    log.warning("topic settings corrected", topics=[change.name for change in changes])


async def _configs(admin: Any, topics: Sequence[TopicConfig]) -> dict[str, dict[str, str]]:
    """What is set on each topic itself, the broker's defaults left out."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    own: dict[str, dict[str, str]] = {}
    for answer in await admin.describe_configs(resources):
        for code, reason, _, name, entries in answer.resources:
            if code != _NO_ERROR:
                raise TopicsUnusable(f"topic {name} cannot be described: {reason or for_code(code).__name__}")
            own[name] = {
                entry[0]: entry[1] for entry in entries if entry[3] == _DYNAMIC_TOPIC_CONFIG and entry[1] is not None
            }
    return own


def _with_room(topic: TopicConfig) -> TopicConfig:
    return TopicConfig(
        name=topic.name,
        partitions=topic.partitions,
        replication_factor=topic.replication_factor,
        config={**topic.config, "max.message.bytes": str(RECORD_BYTES_MAX)},
    )
