"""`/livez` and `/readyz`: alive is answering at all; ready is every check without a reason against it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from fastapi import APIRouter
from starlette.responses import Response

from api.responses import json_response
from connectors.store.database import Database, StoreUnavailable
from connectors.store.migrate import missing_migrations
from streams.kafka_connection import connection_arguments
from streams.settings import Settings

CHECK_SECONDS_MAX = 3.0
KAFKA_REQUEST_MS_MAX = 2_000

#: A check says what is wrong, or None.
Check = Callable[[], Awaitable[str | None]]


ALIVE = {"alive": True}
READY = {"ready": True, "reasons": [], "checks": {"store": {"ready": True, "reason": None}}}
NOT_READY = {
    "ready": False,
    "reasons": ["store: the store cannot be reached"],
    "checks": {"store": {"ready": False, "reason": "the store cannot be reached"}},
}


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """One check."""

    ready: bool
    reason: str | None


def build_router(checks: Mapping[str, Check]) -> APIRouter:
    """Both routes; no key needed, nothing secret said."""
    router = APIRouter(tags=["health"])

    @router.get(
        "/livez",
        summary="Whether the process answers",
        description="No key needed. It asks nothing else: for what restarts a process that is stuck.",
        responses=_documented(ALIVE),
        response_model=None,
    )
    async def livez() -> Response:
        return json_response(ALIVE)

    @router.get(
        "/readyz",
        summary="Whether everything works, and what does not",
        description="No key needed. 200 if every check passes, else 503 with the reasons.",
        responses=_documented(READY) | {503: {**_documented(NOT_READY)[200], "description": "What does not work."}},
        response_model=None,
    )
    async def readyz() -> Response:
        names = sorted(checks)
        results = dict(zip(names, await asyncio.gather(*(_checked(checks[name]) for name in names)), strict=True))
        ready = all(result.ready for result in results.values())
        reasons = [f"{name}: {result.reason}" for name, result in results.items() if result.reason]
        answer = {"ready": ready, "reasons": reasons, "checks": results}
        return json_response(answer, status=200 if ready else 503)

    return router


def _documented(example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "What was found.", "content": {"application/json": {"example": example}}}}


def store_check(database: Database) -> Check:
    """Whether the store answers."""

    async def check() -> str | None:
        try:
            async with database.connection() as connection:
                await connection.fetchval("SELECT 1")
        except StoreUnavailable as away:
            return str(away)
        return None

    return check


def migrations_check(database: Database) -> Check:
    """Whether the store has every migration that this code knows."""

    async def check() -> str | None:
        try:
            async with database.connection() as connection:
                missing = await missing_migrations(connection)
        except StoreUnavailable:
            return "not known: the store is away"
        return f"missing: {', '.join(missing)}" if missing else None

    return check


class KafkaCheck:
    """Whether the broker answers a request; keeps one connection."""

    def __init__(self, settings: Settings) -> None:
        self._connection = connection_arguments(settings.kafka)
        self._client: Any = None

    async def __call__(self) -> str | None:
        """None, or what is wrong."""
        try:
            if self._client is None:
                client = AIOKafkaAdminClient(**self._connection, request_timeout_ms=KAFKA_REQUEST_MS_MAX)
                try:
                    await client.start()
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            await self._client.describe_cluster()
        except (KafkaError, OSError) as error:
            await self.close()
            return str(error) or type(error).__name__
        return None

    async def close(self) -> None:
        """Let go of the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


async def _checked(check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            reason = await check()
    except TimeoutError:
        reason = f"no answer within {CHECK_SECONDS_MAX:.0f} s"
    except Exception as error:
        reason = f"the check failed: {type(error).__name__}"
    return CheckResult(ready=reason is None, reason=reason)
