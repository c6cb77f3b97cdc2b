"""What an HTTP answer to a notice means; the same for pagers, Alertmanager and webhooks.

2xx                          delivered
408, 425, 429, 5xx           try later; 429 and 503 may say when
3xx, 401, 403, 404, 407      try later: our address or key is wrong, and people must mend it
any other 4xx                refused: the message itself
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import msgspec

from connectors.notify.channel import Delivered, Outcome, Refused, TryLater
from streams.alerts.notice import Reason

#: From resolving the name to the answer; less than the lease of a notice (30 s).
SEND_SECONDS_MAX = 10.0
#: Where the other end says 429 without how long.
RATE_LIMIT_SECONDS = 30.0
#: An hour is long enough to ask again, whatever the other end says.
RETRY_AFTER_SECONDS_MAX = 3600.0
MISCONFIGURED_SECONDS = 60.0
#: Of an answer; what is longer is cut.
BODY_BYTES_MAX = 4096
DETAIL_CHARACTERS_MAX = 300

#: Bodies come as they are: what is read of them is bounded.
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "Plumbline"}

TOO_MANY = 429
_NOT_NOW = frozenset({408, 425, TOO_MANY})
_NOT_US = frozenset({401, 403, 404, 407})


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: the beginning of the body is enough to say why."""

    status: int
    retry_after: str | None = None
    body: str = ""


def ordinary_client() -> httpx.AsyncClient:
    """For addresses that an operator chose: proxies of the environment are used."""
    return httpx.AsyncClient(timeout=SEND_SECONDS_MAX, headers=HEADERS)


class HttpClient:
    """A client that opens itself when first used, and again after it was closed."""

    def __init__(self, opened: Callable[[], httpx.AsyncClient] = ordinary_client) -> None:
        self._open = opened
        self._client: httpx.AsyncClient | None = None

    def get(self) -> httpx.AsyncClient:
        """The open one. Raises what opening raises."""
        if self._client is None or self._client.is_closed:
            self._client = self._open()
        return self._client

    async def close(self) -> None:
        """Close connections."""
        if self._client is not None:
            await self._client.aclose()


async def deliver(
    client: httpx.AsyncClient, request: httpx.Request, *, seconds_max: float = SEND_SECONDS_MAX
) -> Answer | TryLater:
    """Send one request and read the answer; TryLater where there is none. Redirects are not followed."""
    try:
        async with asyncio.timeout(seconds_max):
            return await _answered(client, request)
    except (httpx.HTTPError, TimeoutError, OSError) as error:
        return unreachable(error)


def outcome_of(answer: Answer, now: datetime) -> Outcome:
    """What to do after this answer. `now` is for a Retry-After that is a date."""
    if 200 <= answer.status < 300:
        return Delivered()
    detail = f"{answer.status} {' '.join(answer.body.split())}"[:DETAIL_CHARACTERS_MAX].strip()
    if answer.status in _NOT_NOW or answer.status >= 500:
        asked = _retry_after(answer.retry_after, now)
        if answer.status == TOO_MANY:
            return TryLater(Reason.RATE_LIMITED, RATE_LIMIT_SECONDS if asked is None else asked, detail)
        return TryLater(Reason.UNREACHABLE, asked, detail)
    if answer.status in _NOT_US or answer.status < 400:
        return TryLater(Reason.MISCONFIGURED, MISCONFIGURED_SECONDS, detail)
    return Refused(detail)


async def _answered(client: httpx.AsyncClient, request: httpx.Request) -> Answer:
    answer = await client.send(request, stream=True, follow_redirects=False)
    try:
        body = bytearray()
        # Raw: a small body may unpack into a huge one.
        async for part in answer.aiter_raw():
            body += part[: BODY_BYTES_MAX - len(body)]
            if len(body) >= BODY_BYTES_MAX:
                break
    finally:
        await answer.aclose()
    return Answer(
        status=answer.status_code,
        retry_after=answer.headers.get("retry-after"),
        body=body.decode("utf-8", "replace"),
    )


def unreachable(error: Exception) -> TryLater:
    """No answer. The error's words name no address of ours: it may hold a secret."""
    words = " ".join(str(error).split())
    return TryLater(Reason.UNREACHABLE, None, f"{type(error).__name__}: {words}"[:DETAIL_CHARACTERS_MAX])


def _retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds; the header is a number of them or a date, and nonsense is as none."""
    if header is None:
        return None
    try:
        seconds = float(header) if header.strip().isdigit() else _until(header, now)
    except (ValueError, TypeError):
        return None
    return min(RETRY_AFTER_SECONDS_MAX, max(0.0, seconds))


def _until(date: str, now: datetime) -> float:
    at = parsedate_to_datetime(date)
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
