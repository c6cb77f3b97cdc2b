"""The topics: names (fixed), keys, clocks and retention (design §3). One table, read by all processes."""

from enum import StrEnum

import msgspec

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


class Topic(StrEnum):
    """Base names; `kafka.topic_prefix` goes before each."""

    APPOINTMENTS = "crm.public.appointments"
    CALLS = "crm.public.calls"
    WEBHOOKS = "calcom.webhooks"
    BOOKINGS = "calcom.bookings"
    ROWS = "crm.rows"
    SOURCES = "plumbline.sources"
    TICKS = "plumbline.ticks"
    VERIFICATIONS = "plumbline.verifications"
    FINDINGS = "plumbline.findings"
    VERDICTS = "plumbline.verdicts"
    ALERTS = "plumbline.alerts"
    CACHE_INVALIDATIONS = "plumbline.cache-invalidations"
    DEAD_LETTERS = "plumbline.dead-letters"
    #: The worker's own state, one record a key; not for others.
    STATE = "plumbline.state"


#: What the worker reads, all with P partitions and keyed by tenant: one partition holds all facts of a tenant.
INPUTS: tuple[Topic, ...] = (
    Topic.APPOINTMENTS,
    Topic.CALLS,
    Topic.WEBHOOKS,
    Topic.BOOKINGS,
    Topic.ROWS,
    Topic.SOURCES,
    Topic.TICKS,
)

#: Inputs that a tick waits for: all but the ticks themselves.
BARRIER: tuple[Topic, ...] = tuple(topic for topic in INPUTS if topic is not Topic.TICKS)

SINGLE_PARTITION: frozenset[Topic] = frozenset({Topic.ALERTS})


class TopicConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one topic at creation."""

    name: str
    partitions: int
    replication_factor: int
    config: dict[str, str]


def topic_name(topic: Topic, prefix: str = "") -> str:
    """The name on the broker."""
    return f"{prefix}{topic.value}"


def topic_table(*, partitions: int, replication_factor: int, prefix: str = "") -> tuple[TopicConfig, ...]:
    """Every topic with its settings, for creation and check at start."""
    return tuple(
        TopicConfig(
            name=topic_name(topic, prefix),
            partitions=1 if topic in SINGLE_PARTITION else partitions,
            replication_factor=replication_factor,
            config=_config(topic),
        )
        for topic in Topic
    )


def _config(topic: Topic) -> dict[str, str]:
    if topic is Topic.STATE:
        return {
            "cleanup.policy": "compact",
            "segment.bytes": str(32 * 1024 * 1024),
            "segment.ms": str(HOUR_MS),
            "min.cleanable.dirty.ratio": "0.1",
        }
    if topic is Topic.ALERTS:
        return {"cleanup.policy": "compact", "delete.retention.ms": str(DAY_MS), "segment.ms": str(DAY_MS)}
    config = {"cleanup.policy": "delete", "retention.ms": str(_retention_ms(topic))}
    if topic in INPUTS:
        # Grace is measured by one clock, the broker's (design §4a, "Time is ours").
        config["message.timestamp.type"] = "LogAppendTime"
    return config


def _retention_ms(topic: Topic) -> int:
    match topic:
        case Topic.TICKS | Topic.SOURCES:
            return HOUR_MS
        case Topic.DEAD_LETTERS | Topic.FINDINGS:
            return 30 * DAY_MS
        case _:
            return 7 * DAY_MS
