"""The words of the live stream's tests: one who reads events off a socket, hangs up and comes back."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import msgspec

from api.app import create_app
from api.services import Services, services_of
from connectors.world.serving import serving
from tests.alert_words import finding
from tests.integration.alerting import Ground
from tests.integration.waiting import until as wait_until

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
        # No certificates are loaded for one request without TLS.
        httpx.AsyncClient(base_url=url, timeout=WAIT_SECONDS_MAX, verify=False) as client,
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


@asynccontextmanager
async def replica(ground: Ground) -> AsyncIterator[tuple[str, Services]]:
    """One more API process's worth of API: its address and its services."""
    services = services_of(ground.settings)
    async with serving(create_app(services)) as url:
        yield url, services
        services.readers.close()
    await services.database.close()


async def opened(ground: Ground, *subjects: str, **fields: Any) -> list[str]:
    """Ids of new alerts."""
    found = [finding("opened", 1, subject=subject, **fields) for subject in subjects]
    await ground.store.apply(found)
    return [one.alert_id for one in found]


async def numbered(ground: Ground) -> int:
    """The newest number, once everything that was written has one."""

    async def all_of_them() -> bool:
        return not await ground.query("SELECT 1 FROM outbox WHERE sequence IS NULL LIMIT 1")

    await wait_until(all_of_them)
    return (await numbers(ground))[-1]


async def published(ground: Ground, count: int) -> bool:
    """Whether exactly so many entries are kept, and all are on the topic."""
    rows = await ground.query("SELECT published_at FROM outbox")
    return len(rows) == count and all(row["published_at"] for row in rows)


@asynccontextmanager
async def stalled(url: str, last: int) -> AsyncIterator[asyncio.StreamReader]:
    """A connection that nobody has read from."""
    address = httpx.URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(_request(last))
    try:
        yield reader
    finally:
        writer.transport.abort()


async def next_id(connection: asyncio.StreamReader) -> int:
    """Of the next alert."""
    async with asyncio.timeout(20):
        while True:
            line = await connection.readline()
            if line.startswith(b"id: ") and (await connection.readline()).startswith(b"event: alert"):
                return int(line.removeprefix(b"id: "))


def take_one_and_go(url: str, last: int) -> None:
    """Read until the first alert, and leave without a word (blocking)."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 80), timeout=WAIT_SECONDS_MAX) as connection:
        connection.sendall(_request(last))
        while b"event: alert" not in connection.recv(4096):
            pass
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _request(last: int) -> bytes:
    head = [f"GET {PATH} HTTP/1.1", "Host: api", "Authorization: Bearer key-of-ops", f"Last-Event-ID: {last}", "", ""]
    return "\r\n".join(head).encode()
