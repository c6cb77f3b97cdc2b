"""Kafka Connect's REST interface, as far as it is needed: make, look, restart, take away.

A status of RUNNING is not to be trusted alone: with too few connections left to its role Debezium dies after
one heartbeat, and the status stays RUNNING (tried). The heartbeat is the proof of life.
"""

from types import TracebackType
from typing import Any, Self

import httpx
import msgspec
import stamina

from connectors.source.errors import ConnectRefused, ConnectUnreachable

TIMEOUT_SECONDS = 10.0
LOOK_SECONDS = 2.0
ATTEMPTS = 8
RETRY_SECONDS = 30.0
RUNNING = "RUNNING"
FAILED = "FAILED"
STOPPED = "STOPPED"
#: 409 while workers rebalance, 404 with HTML and 503 while one starts, 500 while the herder is busy.
PASSING = frozenset({409, 500, 502, 503, 504})


class TaskState(msgspec.Struct, frozen=True):
    """One task; `trace` is its stack trace when it failed."""

    id: int
    state: str
    trace: str = ""


class ConnectorPart(msgspec.Struct, frozen=True):
    """The connector itself, without its tasks."""

    state: str
    trace: str = ""


class ConnectorState(msgspec.Struct, frozen=True):
    """What Connect believes of a connector."""

    connector: ConnectorPart
    tasks: tuple[TaskState, ...] = ()

    @property
    def running(self) -> bool:
        """The connector runs, and at least one task, and no task does not."""
        return (
            self.connector.state == RUNNING and bool(self.tasks) and all(task.state == RUNNING for task in self.tasks)
        )

    @property
    def failure(self) -> str | None:
        """The first failed part's last words."""
        parts: tuple[ConnectorPart | TaskState, ...] = (self.connector, *self.tasks)
        for part in parts:
            if part.state == FAILED:
                return part.trace or FAILED
        return None


class _Passing(Exception):
    """An answer that may be another one in a moment."""


class ConnectRest:
    """A client of one Connect cluster. Every call is retried for up to 30 s, and every call may be repeated.

    All methods raise ConnectUnreachable when no usable answer comes, ConnectRefused for a 4xx.
    """

    def __init__(self, url: str, client: httpx.AsyncClient | None = None) -> None:
        self._client = client or httpx.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS)
        self._url = url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def put(self, name: str, config: dict[str, str]) -> bool:
        """Make or change a connector; untouched when it is so already, since a change restarts its tasks."""
        current = await self._call("GET", f"/connectors/{name}/config", absent=True)
        if current is not None and {**config, "name": name} == {**current.json(), "name": name}:
            return False
        await self._call("PUT", f"/connectors/{name}/config", json=config)
        return True

    async def state(self, name: str) -> ConnectorState | None:
        """None when there is no such connector, or its status is not written yet."""
        answer = await self._call("GET", f"/connectors/{name}/status", absent=True)
        return None if answer is None else msgspec.json.decode(answer.content, type=ConnectorState)

    async def restart_failed(self, name: str) -> None:
        """Start again what failed of it; what runs goes on."""
        query = {"includeTasks": "true", "onlyFailed": "true"}
        await self._call("POST", f"/connectors/{name}/restart", params=query, absent=True)

    async def look(self, name: str) -> ConnectorState | None:
        """`state` at once, without another try: for those who ask every second."""
        try:
            answer = self._judged(
                await self._client.get(f"/connectors/{name}/status", timeout=LOOK_SECONDS), True, frozenset()
            )
        except (_Passing, httpx.TransportError) as error:
            raise ConnectUnreachable(f"GET {self._url}: {error or type(error).__name__}") from error
        return None if answer is None else msgspec.json.decode(answer.content, type=ConnectorState)

    async def stop(self, name: str) -> None:
        """End its tasks and leave the connector, with its offsets, as it is; `resume` starts it again."""
        await self._call("PUT", f"/connectors/{name}/stop", absent=True)

    async def resume(self, name: str) -> None:
        """Start what `stop` ended; what runs goes on."""
        await self._call("PUT", f"/connectors/{name}/resume", absent=True)

    async def delete(self, name: str, *, forget_offsets: bool = True) -> None:
        """Take it away; nothing to do when it is not there.

        Its offsets must be forgotten with its slot: a new slot under old offsets would skip what is between.
        """
        if await self._call("GET", f"/connectors/{name}", absent=True) is None:
            return
        if forget_offsets:
            await self.stop(name)
            # Refused until the tasks have ended.
            await self._call("DELETE", f"/connectors/{name}/offsets", absent=True, passing=frozenset({400}))
        await self._call("DELETE", f"/connectors/{name}", absent=True)
        # The answer comes before the deed.
        await self._call("GET", f"/connectors/{name}/status", absent=True, passing=frozenset({200}))

    async def _call(
        self,
        method: str,
        path: str,
        *,
        absent: bool = False,
        passing: frozenset[int] = frozenset(),
        **more: Any,
    ) -> httpx.Response | None:
        """The answer; None for a 404 where absence is an answer."""
        try:
            async for attempt in stamina.retry_context(
                on=(_Passing, httpx.TransportError),
                attempts=ATTEMPTS * 2,
                timeout=RETRY_SECONDS,
                wait_max=3.0,
            ):
                with attempt:
                    return self._judged(await self._client.request(method, path, **more), absent, passing)
        except (_Passing, httpx.TransportError) as error:
            raise ConnectUnreachable(f"{method} {self._url}{path}: {error or type(error).__name__}") from error
        raise AssertionError("a retried block returns or raises")

    @staticmethod
    def _judged(answer: httpx.Response, absent: bool, passing: frozenset[int]) -> httpx.Response | None:
        told = f"{answer.status_code} {answer.text[:500]}"
        starting = answer.status_code == 404 and "json" not in answer.headers.get("content-type", "")
        if answer.status_code in PASSING | passing or starting:
            raise _Passing(told)
        if answer.status_code == 404 and absent:
            return None
        if answer.is_error:
            raise ConnectRefused(f"{answer.request.method} {answer.request.url}: {told}")
        return answer
