"""How much a key may ask in any minute; strangers are counted by where they come from.

Counted by each process for itself: with n replicas a key has up to n times as much.
"""

import math
import time
from collections.abc import Mapping
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from secrets import token_bytes

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.keys import Keys
from api.problems import Problem, problem_response

STRANGERS_PER_MINUTE = 120
#: Addresses share this many counters, so that no number of addresses needs more memory.
STRANGER_COUNTERS = 1024
#: A provider hands out networks of this size; addresses within are one client.
IPV6_NETWORK_BITS = 64
#: Probes, and doors that check signatures and have bounds of their own.
UNLIMITED = ("/livez", "/readyz", "/metrics")
DOORS = ("/webhooks/", "/integrations/")


class RateLimited:
    """ASGI middleware: 429 beyond the limit, and on every limited answer how much is left."""

    def __init__(self, app: ASGIApp, keys: Keys, requests_per_minute: int) -> None:
        self._app = app
        self._keys = keys
        self._for_keys = RateLimitItemPerMinute(requests_per_minute, namespace="key")
        self._for_strangers = RateLimitItemPerMinute(STRANGERS_PER_MINUTE, namespace="stranger")
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        # Nobody outside can choose addresses that share a counter with somebody else's.
        self._secret = token_bytes(16)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] in UNLIMITED or scope["path"].startswith(DOORS):
            await self._app(scope, receive, send)
            return
        allowed, left = self._count(scope)
        if not allowed:
            problem = Problem(429, "too-many-requests", _told(left), headers={"Retry-After": left["RateLimit-Reset"]})
            problem.headers.update(left)
            await problem_response(Request(scope), problem)(scope, receive, send)
            return

        async def with_left(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(left)
            await send(message)

        await self._app(scope, receive, with_left)

    def _count(self, scope: Scope) -> tuple[bool, Mapping[str, str]]:
        caller = self._keys.known(Headers(scope=scope).get("authorization"))
        item = self._for_strangers if caller is None else self._for_keys
        who = self._counter(scope) if caller is None else caller.name
        allowed = self._limiter.hit(item, who)
        window = self._limiter.get_window_stats(item, who)
        seconds = max(1, math.ceil(window.reset_time - time.time()))
        return allowed, {
            "RateLimit-Limit": str(item.amount),
            "RateLimit-Remaining": str(max(0, window.remaining)),
            "RateLimit-Reset": str(seconds),
        }

    def _counter(self, scope: Scope) -> str:
        digest = blake2b(_network(scope).encode(), key=self._secret, digest_size=8).digest()
        return str(int.from_bytes(digest) % STRANGER_COUNTERS)


def _network(scope: Scope) -> str:
    """The client's address, or the network that stands for it."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(int(address) >> (128 - IPV6_NETWORK_BITS))
    return host


def _told(left: Mapping[str, str]) -> str:
    return (
        f"Allowed are {left['RateLimit-Limit']} requests in any 60 s. The next is free in {left['RateLimit-Reset']} s."
    )
