"""What the demo sees of the product, from outside: alerts as the API shows them, verdicts as their topic tells them."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer

from streams.model.records import Verdict
from streams.model.source_records import TenantStanding
from streams.topics import Topic, topic_name

#: How often the API is asked; it adds as much to every detection time.
POLL_SECONDS = 0.2
PAGE_SIZE = 200
FETCH_MS_MAX = 200

_verdicts = msgspec.json.Decoder(Verdict | TenantStanding)


class AlertWatch:
    """Every episode of every alert, with the moment it was first readable."""

    def __init__(self, api_url: str, key: str) -> None:
        self._client = httpx.AsyncClient(base_url=api_url, headers={"Authorization": f"Bearer {key}"}, timeout=10)
        self._since: str | None = None
        self.episodes: dict[tuple[str, int], dict[str, Any]] = {}

    async def close(self) -> None:
        await self._client.aclose()

    async def look(self) -> list[dict[str, Any]]:
        """Ask once; the episodes seen for the first time."""
        fresh: list[dict[str, Any]] = []
        parameters: dict[str, Any] = {"limit": PAGE_SIZE} | ({"since": self._since} if self._since else {})
        newest = self._since
        while True:
            page = (await self._client.get("/v1/alerts", params=parameters)).raise_for_status().json()
            readable_at = now_text()
            for alert in page["items"]:
                newest = max(newest or "", alert["updated_at"])
                held = self.episodes.get((alert["id"], alert["episode"]))
                self.episodes[(alert["id"], alert["episode"])] = alert | {
                    "readable_at": held["readable_at"] if held else readable_at
                }
                if held is None:
                    fresh.append(self.episodes[(alert["id"], alert["episode"])])
            if page["next_cursor"] is None:
                self._since = newest
                return fresh
            parameters["cursor"] = page["next_cursor"]

    def open_count(self) -> int:
        return sum(alert["status"] != "resolved" for alert in self.episodes.values())


class VerdictWatch:
    """Suspicions that arose and were cleared, by what they were about."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._consumer = AIOKafkaConsumer(
            topic_name(Topic.VERDICTS, prefix),
            bootstrap_servers=bootstrap,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=FETCH_MS_MAX,
        )
        self.counts: Counter[str] = Counter()
        #: (tenant, uid, numeric id or row id) → how long it was suspected, ms.
        self.cleared: dict[tuple[str, str], int] = {}
        self.compared_through: str | None = None

    async def run(self) -> None:
        """Read for ever."""
        await self._consumer.start()
        try:
            async for record in self._consumer:
                self._take(_verdicts.decode(record.value))
        finally:
            await self._consumer.stop()

    def _take(self, verdict: Verdict | TenantStanding) -> None:
        self.compared_through = max(self.compared_through or "", verdict.compared_through)
        if isinstance(verdict, TenantStanding):
            return
        if verdict.reason.startswith("suspected:"):
            self.counts["suspected"] += 1
        if verdict.suspected_for_ms is not None:
            self.counts["cleared"] += 1
            for name in (verdict.subject.id, *verdict.aliases):
                self.cleared[(verdict.tenant, name)] = verdict.suspected_for_ms


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def forever(watch: AlertWatch, seen: "asyncio.Queue[dict[str, Any]]") -> None:
    """Look again and again; new episodes go to `seen`. A failed look is no end: the next one sees the same."""
    while True:
        try:
            for alert in await watch.look():
                seen.put_nowait(alert)
        except httpx.HTTPError:
            await asyncio.sleep(POLL_SECONDS)
        await asyncio.sleep(POLL_SECONDS)
