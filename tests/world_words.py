"""The words of the contracts with the simulated Cal.com: a server, a client of it, a receiver of its webhooks."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.world.calcom.server import calcom_app
from connectors.world.calcom.state import CalcomState
from connectors.world.config import WorldConfig, default_accounts
from connectors.world.instants import DAY, now, with_millis
from connectors.world.knobs import FATE_HEADER, Knobs
from connectors.world.serving import serving

#: Nothing is late, lost or wrong unless a test says so.
STILL = Knobs(
    webhook_delay_seconds_max=0.02,
    webhook_repeat=0,
    webhook_reorder=0,
    replica_lag_seconds_max=0,
    early_announcement_seconds_max=0,
    slow_seconds_max=0,
)
PATIENCE_SECONDS = 5
START = (now() // 60_000) * 60_000 + DAY


class Receiver:
    """Takes webhooks; answers with `status`."""

    def __init__(self) -> None:
        self.status = 202
        self.arrived: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    def app(self) -> Starlette:
        async def take(request: Request) -> Response:
            self.arrived.put_nowait((dict(request.headers), await request.body()))
            return Response(status_code=self.status)

        return Starlette(routes=[Route("/webhooks/calcom/{account}", take, methods=["POST"])])

    async def next(self) -> tuple[dict[str, str], bytes]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.arrived.get()

    async def next_told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((await self.next())[1])
        return told


class Cal:
    """A client of the simulated Cal.com, as one account's application or as Plumbline."""

    def __init__(self, state: CalcomState, http: httpx.AsyncClient, receiver: Receiver) -> None:
        self.state, self.http, self.receiver = state, http, receiver
        self.first, self.second = state.config.accounts

    async def get(self, path: str, key: str | None = None, **params: str | int) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.first.api_key}", "cal-api-version": "2024-08-13"}
        return await self.http.get(path, headers=headers, params=params)

    async def post(
        self, path: str, body: dict[str, Any] | None = None, fate: dict[str, Any] | None = None
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.first.app_key}", "cal-api-version": "2024-08-13"}
        if fate is not None:
            headers[FATE_HEADER] = json.dumps(fate)
        return await self.http.post(path, json=body or {}, headers=headers)

    async def book(self, kind: int = 0, fate: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        body = {
            "start": with_millis(START + len(self.state.bookings) * 3_600_000),
            "eventTypeId": self.first.event_type_ids[kind],
            "attendee": {"name": "Marta Lindqvist", "email": "marta@mail.example", "timeZone": "Europe/Lisbon"},
        }
        return await self.post("/v2/bookings", {**body, **more}, fate)

    async def booked(self, kind: int = 0, **more: Any) -> dict[str, Any]:
        """A booking whose webhook has arrived."""
        answer = await self.book(kind, **more)
        assert answer.status_code == 201
        await self.receiver.next()
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def status_of(self, uid: str) -> str:
        return str((await self.get(f"/v2/bookings/{uid}")).json()["data"]["status"])


@asynccontextmanager
async def calcom(generation: str = "legacy", **config: Any) -> AsyncIterator[Cal]:
    receiver = Receiver()
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(serving(receiver.app()))
        accounts = tuple(replace(account, generation=generation) for account in default_accounts(door, tenants=2))
        state = CalcomState(WorldConfig(accounts=accounts, knobs=STILL, **config))
        url = await stack.enter_async_context(serving(calcom_app(state)))
        stack.push_async_callback(state.deliveries.close)
        yield Cal(state, await stack.enter_async_context(httpx.AsyncClient(base_url=url)), receiver)
