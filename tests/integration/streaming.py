"""The words of the live stream's tests: one who reads events off a socket, hangs up and comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import msgspec

from tests.integration.alerting import Ground

PATH = "/v1/alerts/stream"
WAIT_SECONDS_MAX = 20.0


class Block(NamedTuple):
    """What stands between two empty lines; None for what it has not."""

    id: int
    event: str | None
    data: Any


@asynccontextmanager
async def listening(
    url: str, key: str = "key-of-ops", *, last: int | None = None, query: str = ""
) -> AsyncIterator[AsyncIterator[Block]]:
    """The blocks of one connection, which is cut at the end."""
    headers = {"authorization": f"Bearer {key}", **({} if last is None else {"last-event-id": str(last)})}
    async with (
        httpx.AsyncClient(base_url=url, timeout=WAIT_SECONDS_MAX) as client,
        client.stream("GET", f"{PATH}?{query}", headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield blocks(answer.aiter_lines())


async def blocks(lines: AsyncIterator[str]) -> AsyncIterator[Block]:
    """Lines as an EventSource reads them."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            data = fields.get("data")
            yield Block(int(fields["id"]), fields.get("event"), data and msgspec.json.decode(data))
            fields = {}


class Reader:
    """One who remembers the last id and which alerts were told."""

    def __init__(self, key: str = "key-of-ops", query: str = "") -> None:
        self._key, self._query = key, query
        self.last: int | None = None
        self.seen: list[int] = []
        self.alerts: list[dict[str, Any]] = []
        self.resets = 0

    async def connect(self, url: str) -> None:
        """Connect for the first time, learn the position, and hang up."""
        async with listening(url, self._key, query=self._query) as told:
            self.last = (await anext(told)).id

    async def read(self, url: str, *, events: int | None = None, until: int | None = None) -> None:
        """Connect, read so many events or up to a number, and hang up. Raises TimeoutError."""
        before = len(self.seen)
        async with (
            asyncio.timeout(WAIT_SECONDS_MAX),
            listening(url, self._key, last=self.last, query=self._query) as told,
        ):
            async for block in told:
                self.last = block.id
                if block.event == "alert":
                    self.seen.append(block.id)
                    self.alerts.append(block.data)
                self.resets += block.event == "reset"
                if until is not None and self.last >= until:
                    return
                if events is not None and len(self.seen) - before >= events:
                    return


async def numbers(ground: Ground) -> list[int]:
    """Every number that the relay gave, in order."""
    rows = await ground.query("SELECT sequence FROM outbox WHERE sequence IS NOT NULL ORDER BY sequence")
    return [row["sequence"] for row in rows]


async def write_changes(ground: Ground, count: int, *, like: str) -> None:
    """So many entries of the outbox, copies of an alert's newest: as many findings would take too long."""
    await ground.query(
        """
        INSERT INTO outbox (alert_id, tenant, action, version, alert)
        SELECT alert_id, tenant, action, version, alert
          FROM (SELECT * FROM outbox WHERE alert_id = $1::uuid ORDER BY id DESC LIMIT 1) AS one, generate_series(1, $2)
        """,
        like,
        count,
    )
    await ground.query("SELECT pg_notify('plumbline_outbox', '')")
