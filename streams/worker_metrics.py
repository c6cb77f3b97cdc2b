"""What a worker tells Prometheus, read from its own counts when it is asked."""

import os
import time
from collections.abc import Iterator

from prometheus_client import REGISTRY, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.owned import Ownership

#: A port for Prometheus, should one be wanted.
METRICS_PORT = "PLUMBLINE_METRICS_PORT"


class WorkerCollector(Collector):
    """Collects at scrape time: nothing is counted twice on the way of an event."""

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership

    def collect(self) -> Iterator[Metric]:
        events = CounterMetricFamily("plumbline_worker_events", "Records worked through.", labels=["kind"])
        # Copies, because this runs in a thread beside the stream.
        for kind, count in list(self._ownership.counts.items()):
            events.add_metric([str(kind)], count)
        yield events
        judged = CounterMetricFamily("plumbline_worker_judged", "Causes judged and cases moved.", labels=["what"])
        state = GaugeMetricFamily("plumbline_worker_state_entries", "Entities held.", labels=["partition"])
        clock = GaugeMetricFamily("plumbline_worker_tick_age_seconds", "Since a tick passed.", labels=["partition"])
        due = GaugeMetricFamily("plumbline_worker_causes_due", "Causes to be judged.", labels=["partition"])
        rounds = CounterMetricFamily(
            "plumbline_worker_rounds", "Times all causes due were judged.", labels=["partition"]
        )
        totals: dict[str, int] = {}
        for number, owned in list(self._ownership.partitions.items()):
            state.add_metric([str(number)], owned.engine.entries())
            due.add_metric([str(number)], owned.engine.causes_due())
            rounds.add_metric([str(number)], owned.engine.rounds)
            clock.add_metric([str(number)], time.monotonic() - owned.passed_at)
            for what, count in list(owned.engine.stats.items()):
                totals[what] = totals.get(what, 0) + count
        for what, count in totals.items():
            judged.add_metric([what], count)
        yield from (judged, state, due, rounds, clock)
        yield GaugeMetricFamily(
            "plumbline_worker_recovery_seconds", "The last load of a partition.", value=self._ownership.recovery_seconds
        )


def serve_metrics(ownership: Ownership) -> None:
    """On the port that the environment names, if it names one."""
    if port := os.environ.get(METRICS_PORT):
        REGISTRY.register(WorkerCollector(ownership))
        start_http_server(int(port), addr="127.0.0.1")
