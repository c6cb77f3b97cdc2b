"""One request to Cal.com: quota, breaker, timeout, retries. What the body means is the client's.

Retries are for passing faults only (no connection, timeout, 408, 5xx), with jitter, and never beyond the
deadline; each is a request of its own for the quota and the breaker. 429 is not tried again: the whole key
waits.
"""

import asyncio
import time
from collections.abc import Mapping

import httpx
import msgspec
import stamina

from connectors.calcom.breaker import Breaker
from connectors.calcom.quota import Priority, Quota
from connectors.calcom.rate import rate_notice

ATTEMPTS_MAX = 3
RETRY_FIRST_SECONDS = 0.2
RETRY_SECONDS_MAX = 2.0
RETRY_JITTER_SECONDS = 0.3


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The server's answer; `json` is None where the body is not JSON."""

    status: int
    json: object
    began_at: float


class Unanswered(Exception):
    """There is no answer to work with. `status` is the server's where it said anything."""

    def __init__(self, reason: str, *, began_at: float, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.began_at = began_at
        self.status = status


class _Passing(Unanswered):
    """Worth another attempt within the deadline."""


class Transport:
    """GET requests with one account's key."""

    def __init__(self, *, http: httpx.AsyncClient, quota: Quota, breaker: Breaker, timeout_seconds: float) -> None:
        self.quota = quota
        self.breaker = breaker
        self._http = http
        self._timeout_seconds = timeout_seconds

    def wait_seconds(self, priority: Priority) -> float:
        """How long a request of this priority would have to wait for quota and breaker."""
        return max(self.quota.wait_seconds(priority), self.breaker.wait_seconds())

    async def get(self, path: str, params: Mapping[str, str | int], priority: Priority) -> Reply:
        """Ask, waiting for the quota's turn as long as it takes.

        Raises Unanswered when the timeout passes, the attempts are used up, the breaker is open, or for a
        429.
        """
        deadline: float | None = None
        async for attempt in stamina.retry_context(
            on=_Passing,
            attempts=ATTEMPTS_MAX,
            timeout=self._timeout_seconds,
            wait_initial=RETRY_FIRST_SECONDS,
            wait_max=RETRY_SECONDS_MAX,
            wait_jitter=RETRY_JITTER_SECONDS,
        ):
            with attempt:
                self._refuse_if_open()
                await self.quota.turn(priority)
                loop_time = asyncio.get_running_loop().time()
                if deadline is None:  # waiting for the first turn is not the server's fault
                    deadline = loop_time + self._timeout_seconds
                return await self._attempt(path, params, max(0.05, deadline - loop_time))
        raise AssertionError("the retries end with a reply or an exception")

    def _refuse_if_open(self) -> None:
        if self.breaker.wait_seconds() > 0:
            self.breaker.refused()
            raise Unanswered("breaker open", began_at=time.time())

    async def _attempt(self, path: str, params: Mapping[str, str | int], timeout_seconds: float) -> Reply:
        if not await self.breaker.admit():
            self.breaker.refused()
            raise Unanswered("breaker open", began_at=time.time())
        began_at = time.time()
        self.quota.in_flight += 1
        try:
            async with asyncio.timeout(timeout_seconds):
                response = await self._http.get(path, params=dict(params))
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            await self.breaker.failed()
            raise _Passing(_name(error), began_at=began_at) from error
        finally:
            self.quota.in_flight -= 1
        notice = rate_notice(response.headers, time.time())
        self.quota.told(notice)
        if response.status_code >= 500 or response.status_code == 408:
            await self.breaker.failed()
            status = response.status_code
            raise _Passing(f"status {status}", began_at=began_at, status=status)
        await self.breaker.succeeded()
        if response.status_code == 429:
            self.quota.refused(notice)
            raise Unanswered("rate limited", began_at=began_at, status=429)
        return Reply(status=response.status_code, json=_json(response.content), began_at=began_at)


def _json(body: bytes) -> object:
    try:
        decoded: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return decoded


def _name(error: Exception) -> str:
    return "timeout" if isinstance(error, TimeoutError | httpx.TimeoutException) else type(error).__name__
