"""What Prometheus is told of notices."""

from collections.abc import Iterator, Mapping

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric

from connectors.store.database import Database
from connectors.store.notice_log import NoticeFigure, notice_figures, oldest_waiting


class NoticeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Counts, and for how many seconds each channel's oldest notice waits."""

    counts: tuple[NoticeFigure, ...]
    oldest_seconds: Mapping[str, float]


async def notice_figures_of(database: Database) -> NoticeFigures:
    """As the store has them now. Raises StoreUnavailable."""
    return NoticeFigures(counts=await notice_figures(database), oldest_seconds=await oldest_waiting(database))


def notice_families(now: NoticeFigures) -> Iterator[Metric]:
    """What waits, what became of the rest, and whether a channel is behind."""
    notices = GaugeMetricFamily(
        "plumbline_notices",
        "Notices that wait, or were finished in the last day.",
        labels=["channel", "state", "reason"],
    )
    for one in now.counts:
        notices.add_metric([one.channel, one.state, one.reason or ""], one.notices)
    yield notices
    oldest = GaugeMetricFamily(
        "plumbline_notice_oldest_seconds", "How long the oldest notice waits to be told.", labels=["channel"]
    )
    for channel, seconds in sorted(now.oldest_seconds.items()):
        oldest.add_metric([channel], seconds)
    yield oldest
