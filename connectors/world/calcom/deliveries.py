"""Webhooks on their way: signed, delayed, lost, repeated and overtaken, as the knobs and a request's fate say."""

import asyncio
import hashlib
import hmac
import random
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import msgspec
from msgspec.structs import replace

from connectors.world.instants import now
from connectors.world.knobs import Fate, Knobs

#: The newer sender tries so often (calcom.md §2); the older one once.
ATTEMPTS_PIPELINE = 3
RETRY_FIRST_SECONDS, RETRY_FACTOR = 0.5, 1.8
RETRIED = frozenset({0, 408, 429, 500, 502, 503, 504})
LOG_MAX = 20_000


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of an account. No secret is sent as the literal `no-secret-provided`."""

    id: str
    account: str
    url: str
    secret: str | None = None
    generation: str = "mixed"
    active: bool = True
    triggers: tuple[str, ...] = ()
    template: str | None = None
    #: One of an event type or a team delivers, and stands in no list that the account is shown.
    listed: bool = True


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log. `status` is the receiver's last answer, 0 for none, None while under way."""

    account: str
    trigger: str
    uid: str | None
    style: str
    at: int
    outcome: str
    status: int | None = None
    attempts: int = 0


class Parcel(msgspec.Struct, frozen=True):
    """What is to be sent: `build` makes the body when it leaves, None if there is nothing left to say."""

    subscription: Subscription
    trigger: str
    uid: str | None
    style: str
    build: Callable[[], bytes]


def signature(body: bytes, secret: str | None) -> str:
    """Lower-case hex HMAC-SHA256 of the exact bytes (calcom.md §2)."""
    if secret is None:
        return "no-secret-provided"
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Deliveries:
    """Sends parcels in the background and keeps a log. `close` stops what is under way."""

    def __init__(self, knobs: Callable[[], Knobs], rng: random.Random) -> None:
        self._knobs = knobs
        self._rng = rng
        self._tasks: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient(timeout=10, follow_redirects=False)
        self.log: list[Delivery] = []
        self.delivered_count = 0

    def send(self, parcel: Parcel, fate: Fate) -> None:
        """Draws what becomes of it, and sets off."""
        knobs = self._knobs()
        if self._is_lost(fate, knobs):
            self._note(parcel, "lost")
            return
        delay, held = self._delay(fate, knobs)
        self._start(self._deliver(parcel, delay, "held back" if held else "sent"))
        again = self._repeat_after(fate, knobs)
        if again is not None:
            # The newer sender's second body is the first one's, also where the row went on meanwhile.
            kept = parcel.build()
            self._start(self._deliver(replace(parcel, build=lambda: kept), delay + again, "repeated"))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    def _start(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(sending)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _is_lost(self, fate: Fate, knobs: Knobs) -> bool:
        if fate.webhook is not None or fate.delay_seconds is not None:
            return fate.webhook == "lose"
        return self._rng.random() < knobs.webhook_lose

    def _delay(self, fate: Fate, knobs: Knobs) -> tuple[float, bool]:
        delay = self._rng.uniform(knobs.webhook_delay_seconds_min, knobs.webhook_delay_seconds_max)
        if fate.delay_seconds is not None:
            return fate.delay_seconds, False
        if fate.webhook != "sure" and self._rng.random() < knobs.webhook_reorder:
            return self._rng.uniform(delay, max(delay, knobs.webhook_reorder_seconds_max)), True
        return delay, False

    def _repeat_after(self, fate: Fate, knobs: Knobs) -> float | None:
        if fate.repeat_after_seconds is not None:
            return fate.repeat_after_seconds
        if fate.webhook != "sure" and self._rng.random() < knobs.webhook_repeat:
            return self._rng.uniform(0.01, 3.0)
        return None

    async def _deliver(self, parcel: Parcel, delay: float, outcome: str) -> None:
        await asyncio.sleep(delay)
        body = parcel.build()
        most = ATTEMPTS_PIPELINE if parcel.style == "pipeline" else 1
        pause, status, attempt = RETRY_FIRST_SECONDS, 0, 0
        for attempt in range(1, most + 1):
            status = await self._post(parcel.subscription, body)
            if status not in RETRIED or attempt == most:
                break
            await asyncio.sleep(pause)
            pause *= RETRY_FACTOR
        if 200 <= status < 300:
            self.delivered_count += 1
        self._note(parcel, outcome, status, attempt)

    async def _post(self, subscription: Subscription, body: bytes) -> int:
        headers = {
            "X-Cal-Signature-256": signature(body, subscription.secret),
            "X-Cal-Webhook-Version": "2021-10-20",
            "Content-Type": "application/json",
        }
        try:
            answer = await self._http.post(subscription.url, content=body, headers=headers)
        except httpx.HTTPError:
            return 0
        return answer.status_code

    def _note(self, parcel: Parcel, outcome: str, status: int | None = None, attempts: int = 0) -> None:
        self.log.append(
            Delivery(
                account=parcel.subscription.account,
                trigger=parcel.trigger,
                uid=parcel.uid,
                style=parcel.style,
                at=now(),
                outcome=outcome,
                status=status,
                attempts=attempts,
            )
        )
        del self.log[:-LOG_MAX]
