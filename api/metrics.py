"""`/metrics`: this process's own figures, and those of the store as of the last few seconds."""

import time
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.coverage_metrics import CoverageFigures, coverage_families, coverage_figures
from api.notice_metrics import NoticeFigures, notice_families, notice_figures_of
from api.review_metrics import review_families
from api.services import Services
from connectors.store.counts import Figure, figures
from connectors.store.database import StoreUnavailable
from connectors.store.queries import outbox_waiting
from connectors.store.review import QueueFigure, queue_figures

#: However often Prometheus and people ask, the store is asked once in this time.
FIGURES_SECONDS = 5.0

EXAMPLE = "# TYPE plumbline_store_up gauge\nplumbline_store_up 1.0\n"

REQUESTS = Counter("plumbline_http_requests_total", "HTTP requests answered.", ["method", "route", "status"])
SECONDS = Histogram("plumbline_http_request_seconds", "From a request's arrival to its answer's start.", ["route"])


class StoreFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says of itself; None while it is away."""

    alerts: tuple[Figure, ...]
    outbox_waiting: int
    notices: NoticeFigures
    coverage: CoverageFigures
    review: Mapping[int, QueueFigure]


class _StoreCollector(Collector):
    def __init__(self) -> None:
        self.now: StoreFigures | None = None

    def collect(self) -> Iterable[Metric]:
        """Prometheus' families of the last figures."""
        up = GaugeMetricFamily("plumbline_store_up", "Whether the store answers.")
        up.add_metric([], 0 if self.now is None else 1)
        yield up
        if self.now is not None:
            yield from _families(self.now)


def build_router(services: Services) -> APIRouter:
    """One route, no key needed: labels hold ids of tenants and names of accounts, nothing personal."""
    router = APIRouter(tags=["health"])
    registry, collector = CollectorRegistry(), _StoreCollector()
    registry.register(collector)
    due = 0.0

    @router.get(
        "/metrics",
        summary="Figures for Prometheus",
        description="No key needed. This process's own figures, and those of the store as of the last few seconds.",
        responses={200: {"description": "Prometheus' text format.", "content": {"text/plain": {"example": EXAMPLE}}}},
        response_class=PlainTextResponse,
        response_model=None,
    )
    async def metrics() -> Response:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + FIGURES_SECONDS
            collector.now = await _figures(services)
        text = generate_latest(REGISTRY) + generate_latest(registry)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


class Measured:
    """ASGI middleware: counts and times each request by its route, never by its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                REQUESTS.labels(scope["method"], route, str(message["status"])).inc()
                SECONDS.labels(route).observe(time.monotonic() - began)
            await send(message)

        await self._app(scope, receive, counted)


async def _figures(services: Services) -> StoreFigures | None:
    database = services.database
    try:
        return StoreFigures(
            alerts=await figures(database),
            outbox_waiting=await outbox_waiting(database),
            notices=await notice_figures_of(database),
            coverage=await coverage_figures(database, services.settings),
            review=await queue_figures(database),
        )
    except StoreUnavailable:
        return None


def _families(now: StoreFigures) -> Iterator[Metric]:
    detected = CounterMetricFamily(
        "data_inconsistency_detected", "Inconsistencies found, returns included.", labels=["type"]
    )
    by_rule: dict[str, int] = {}
    alerts = GaugeMetricFamily("plumbline_alerts", "Alerts.", labels=["rule", "severity", "status"])
    for figure in now.alerts:
        by_rule[figure.rule] = by_rule.get(figure.rule, 0) + figure.episodes
        alerts.add_metric([figure.rule, figure.severity, figure.status], figure.alerts)
    for rule, episodes in sorted(by_rule.items()):
        detected.add_metric([rule], episodes)
    yield detected
    yield alerts
    waiting = GaugeMetricFamily("plumbline_outbox_waiting", "Changes not yet on plumbline.alerts.")
    waiting.add_metric([], now.outbox_waiting)
    yield waiting
    yield from notice_families(now.notices)
    yield from coverage_families(now.coverage)
    yield from review_families(now.review)
