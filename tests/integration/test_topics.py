"""Topics are made and checked at start; one-of-a-kind jobs are done by one process at a time."""

import asyncio
from typing import Any

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from connectors.leadership import LeadershipLost, lead, lock_number
from connectors.stack.stack import LocalStack
from connectors.topics_admin import KafkaUnreachable, TopicsUnusable, ensure_topics, wanted_topics
from streams.settings_sections import KafkaSettings
from tests.integration.waiting import until

pytestmark = pytest.mark.stack


def kafka(stack: LocalStack, **more: Any) -> KafkaSettings:
    given = {"bootstrap_servers": stack.endpoints.kafka_bootstrap, "partitions": 3, "topic_prefix": "topics.", **more}
    return KafkaSettings.model_validate(given)


async def configuration(stack: LocalStack, topic: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.endpoints.kafka_bootstrap)
    await admin.start()
    try:
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        return {entry[0]: entry[1] for entry in answer.resources[0][4]}
    finally:
        await admin.close()


async def test_topics_are_made_with_their_settings_and_left_alone_when_right(stack: LocalStack) -> None:
    await ensure_topics(kafka(stack))
    await ensure_topics(kafka(stack))
    made = await configuration(stack, "topics.calcom.webhooks")
    assert made["message.timestamp.type"] == "LogAppendTime"
    assert int(made["max.message.bytes"]) > 1024 * 1024


async def test_a_setting_that_correctness_hangs_on_is_corrected_and_the_operators_own_stays(stack: LocalStack) -> None:
    settings = kafka(stack)
    await ensure_topics(settings)
    topic = "topics.plumbline.ticks"
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.endpoints.kafka_bootstrap)
    await admin.start()
    own = {"retention.ms": "7200000", "message.timestamp.type": "CreateTime"}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, own)])
    await admin.close()
    await until(lambda: _has(stack, topic, "message.timestamp.type", "CreateTime"))
    await ensure_topics(settings)
    await until(lambda: _has(stack, topic, "message.timestamp.type", "LogAppendTime"))
    assert (await configuration(stack, topic))["retention.ms"] == "7200000"


async def _has(stack: LocalStack, topic: str, key: str, value: str) -> bool:
    return (await configuration(stack, topic))[key] == value


async def test_a_wrong_number_of_partitions_is_told_with_topic_found_and_expected(stack: LocalStack) -> None:
    await ensure_topics(kafka(stack))
    with pytest.raises(TopicsUnusable, match=r"topic topics\.calcom\.webhooks has 3 partitions, expected 6"):
        await ensure_topics(kafka(stack, partitions=6))


async def test_no_broker_is_an_error_that_names_the_address() -> None:
    nowhere = KafkaSettings.model_validate({"bootstrap_servers": "127.0.0.1:1"})
    with pytest.raises(KafkaUnreachable, match=r"127\.0\.0\.1:1"):
        await ensure_topics(nowhere)
    assert len({topic.name for topic in wanted_topics(nowhere)}) == len(wanted_topics(nowhere))


async def test_only_one_leads_and_another_takes_over_when_its_connection_is_gone(stack: LocalStack) -> None:
    dsn = str(stack.endpoints.store_dsn)
    leading: list[str] = []

    def job(name: str) -> Any:
        async def work(_: Any) -> None:
            leading.append(name)
            await asyncio.Event().wait()

        return lead(dsn, "test-leadership", work)

    first = asyncio.create_task(job("first"))
    await until(lambda: leading == ["first"])
    second = asyncio.create_task(job("second"))
    admin = await asyncpg.connect(stack.endpoints.admin_dsn)
    holder = "locktype = 'advisory' AND granted AND (classid::bigint << 32) + objid::bigint = $1"
    number = lock_number("test-leadership")
    await admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {holder}", number)
    await admin.close()
    with pytest.raises(LeadershipLost):
        await first
    await until(lambda: leading == ["first", "second"])
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
