"""Which sources are watched, and by whom: the watchers put together, and told to Kafka what follows."""

from typing import Any

from connectors.coverage.monitor import Monitor, Telling
from connectors.coverage.standings import StandingStore
from connectors.coverage.watcher import Watcher
from connectors.parts import Parts
from streams.model.records import Finding
from streams.model.source_records import SourceState
from streams.topics import Topic


async def watch_sources(parts: Parts, _: Any) -> None:
    """Watch until cancelled; to be run by one process only, under a lock."""
    partitions = parts.settings.kafka.partitions

    async def tell_state(record: SourceState) -> None:
        await parts.sender.send_everywhere(Topic.SOURCES, record.source, record, partitions)

    async def tell_finding(finding: Finding) -> None:
        await parts.sender.send(Topic.FINDINGS, finding.tenant, finding)

    telling = Telling(state=tell_state, finding=tell_finding)
    await Monitor(watchers(parts), StandingStore(parts.pool), telling).run()


def watchers(parts: Parts) -> list[Watcher]:  # noqa: ARG001 - the watchers come one by one
    """One for each kind of source."""
    return []
