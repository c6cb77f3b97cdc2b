"""The broker and its topics."""

from collections.abc import Iterator, Mapping

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from connectors.doctor.line import Line, fail, ok, warn
from connectors.topics_admin import wanted_topics
from streams.kafka_connection import connection_arguments
from streams.settings_sections import KafkaSettings

REQUEST_MS_MAX = 5_000


async def examine_kafka(kafka: KafkaSettings) -> list[Line]:
    """Reachable, every topic there and of the right size."""
    if not kafka.bootstrap_servers:
        return [fail("kafka", "kafka.bootstrap_servers is not set", "set it to host:port, several with commas between")]
    admin = AIOKafkaAdminClient(**connection_arguments(kafka), request_timeout_ms=REQUEST_MS_MAX)
    try:
        await admin.start()
        there = {each["topic"]: len(each["partitions"]) for each in await admin.describe_topics()}
    except (KafkaError, OSError) as away:
        reason = str(away) or type(away).__name__
        return [fail("kafka", reason, f"is {kafka.bootstrap_servers} right, and may it be reached from here?")]
    finally:
        await admin.close()
    return [ok("kafka", f"answers at {kafka.bootstrap_servers}"), *_topics(kafka, there)]


def _topics(kafka: KafkaSettings, there: Mapping[str, int]) -> Iterator[Line]:
    wanted = {topic.name: topic.partitions for topic in wanted_topics(kafka)}
    wrong = {name: there[name] for name, partitions in wanted.items() if there.get(name, partitions) != partitions}
    missing = sorted(set(wanted) - set(there))
    for name, partitions in sorted(wrong.items()):
        mend = "set kafka.partitions to what it has, or begin anew with another kafka.topic_prefix"
        yield fail("kafka topics", f"{name} has {partitions} partitions, expected {wanted[name]}", mend)
    if missing:
        yield warn(
            "kafka topics",
            f"{len(missing)} of {len(wanted)} are not there yet: {', '.join(missing)}",
            "start `plumbline connectors`, which makes them, or make them by hand as it would",
        )
    elif not wrong:
        yield ok("kafka topics", f"all {len(wanted)} there, inputs with {kafka.partitions} partitions")
