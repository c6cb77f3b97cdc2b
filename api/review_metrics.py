"""The review queue as figures: how long it is, and how much was ever put there (S4 §5)."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from connectors.store.review import QueueFigure
from streams.alerts.review import QUEUE_GOAL

PRIORITIES = range(1, 6)


def review_families(figures: Mapping[int, QueueFigure]) -> Iterator[Metric]:
    """Each priority, also where nothing waits: a line that is missing raises no alarm."""
    waiting = GaugeMetricFamily(
        "plumbline_review_queue", "Items that a person must decide, waiting or claimed.", labels=["priority"]
    )
    queued = CounterMetricFamily("data_inconsistency_manual_review", "Items ever put into the review queue.")
    for priority in PRIORITIES:
        figure = figures.get(priority)
        waiting.add_metric([str(priority)], figure.waiting if figure else 0)
    queued.add_metric([], sum(figure.queued for figure in figures.values()))
    yield waiting
    yield queued
    goal = GaugeMetricFamily("plumbline_review_queue_goal", "So many items are meant to wait at most.")
    goal.add_metric([], QUEUE_GOAL)
    yield goal
