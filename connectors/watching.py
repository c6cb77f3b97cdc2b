"""Which sources are watched, and by whom: the watchers put together, and told to Kafka what follows."""

import asyncio
from functools import partial
from typing import Any

import msgspec
from aiokafka.errors import KafkaError

from connectors.calcom.account_reports import AccountPolicy
from connectors.calcom.account_watcher import AccountWatcher
from connectors.clock_watch import ClockPolicy, ClockWatcher
from connectors.coverage.monitor import Monitor, Telling
from connectors.coverage.standings import StandingStore
from connectors.coverage.watcher import Watcher
from connectors.crm.poll_watcher import PollWatcher
from connectors.feed_watching import feed_watcher
from connectors.parts import Parts
from connectors.source.feed_state import FeedPolicy
from streams.model.records import Finding
from streams.model.source_records import SourceState
from streams.topics import Topic

BROKER_SECONDS_MAX = 5.0


class WatchPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When what a watcher sees is worth an alert; the defaults are the design's (§5), tests shorten them."""

    account: AccountPolicy = AccountPolicy()
    clock: ClockPolicy = ClockPolicy()
    feed: FeedPolicy = FeedPolicy()


async def watch_sources(parts: Parts, policy: WatchPolicy, _: Any) -> None:
    """Watch until cancelled; to be run by one process only, under a lock."""
    partitions = parts.settings.kafka.partitions

    async def tell_state(record: SourceState) -> None:
        await parts.sender.send_everywhere(Topic.SOURCES, record.source, record, partitions)

    async def tell_finding(finding: Finding) -> None:
        await parts.sender.send(Topic.FINDINGS, finding.tenant, finding)

    telling = Telling(state=tell_state, finding=tell_finding, is_possible=partial(_broker_answers, parts))
    await Monitor(watchers(parts, policy), StandingStore(parts.pool), telling).run()


async def _broker_answers(parts: Parts) -> bool:
    try:
        async with asyncio.timeout(BROKER_SECONDS_MAX):
            return bool(await parts.producer.client.force_metadata_update())
    except (KafkaError, OSError, TimeoutError):
        return False


def watchers(parts: Parts, policy: WatchPolicy) -> list[Watcher]:
    """One for each kind of source."""
    watching: list[Watcher] = [ClockWatcher(parts.settings, policy.clock)]
    if parts.settings.accounts:
        watching.append(AccountWatcher(parts.settings, parts.pool, policy.account))
    if parts.settings.source.mode == "debezium" and parts.settings.source.connect_url is not None:
        watching.append(feed_watcher(parts, policy.feed))
    if parts.settings.source.mode == "poll":
        watching.append(PollWatcher(parts.pool))
    return watching
