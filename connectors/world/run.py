"""The world's process: `python -m connectors.world.run --config <json>`.

Prints one JSON line once everything answers: {"ready": true, "calcom_url", "slack_url"}. Ends on SIGTERM
or SIGINT.
"""

import argparse
import asyncio
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.world.app.calcom_api import AccountApi
from connectors.world.app.crm import Crm
from connectors.world.app.practice import Practice
from connectors.world.calcom.server import calcom_app
from connectors.world.calcom.state import CalcomState
from connectors.world.config import WorldConfig, read_config
from connectors.world.knobs import Knobs
from connectors.world.ledger import Ledger
from connectors.world.serving import serving
from connectors.world.slack import Slack
from connectors.world.traffic import Traffic, TrafficOrder, Turned


class World:
    """Cal.com, the application's traffic and its ledger, as one process holds them."""

    def __init__(self, config: WorldConfig) -> None:
        self.config = config
        self.calcom = CalcomState(config)
        self.crm: Crm | None = None
        self.ledger: Ledger | None = None
        self.traffic: Traffic | None = None
        self._apis: list[AccountApi] = []

    def routes(self) -> list[Route]:
        return [
            Route("/_control/traffic", self._start, methods=["POST"]),
            Route("/_control/traffic", self._stop, methods=["DELETE"]),
            Route("/_control/world", self._status),
        ]

    async def close(self) -> None:
        if self.traffic is not None:
            await self.traffic.stop()
        for api in self._apis:
            await api.close()
        if self.crm is not None:
            await self.crm.close()
        if self.ledger is not None:
            self.ledger.close()
        await self.calcom.deliveries.close()

    async def _open(self, base_url: str) -> Traffic | None:
        """The application, opened when traffic is first asked for. None if the configuration names none."""
        if self.traffic is None and self.config.crm_dsn and self.config.ledger:
            self.crm = await Crm.open(self.config.crm_dsn)
            self.ledger = Ledger(Path(self.config.ledger))
            accounts = self.config.accounts
            practices = []
            for account, neighbour in zip(accounts, (*accounts[1:], accounts[0]), strict=True):
                api = AccountApi(base_url, account)
                self._apis.append(api)
                practices.append(Practice(account, api, self.crm, neighbour.tenant))
            self.traffic = Traffic(practices, self.ledger, self._turned())
        return self.traffic

    def _turned(self) -> Turned:
        return Turned(lambda: self.calcom.knobs, self._turn, lambda: len(self.calcom.bookings))

    def _turn(self, knobs: Knobs) -> None:
        self.calcom.knobs = knobs

    async def _start(self, request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.body() or b"{}", type=TrafficOrder)
        except msgspec.MsgspecError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        try:
            traffic = await self._open(str(request.base_url))
        except (OSError, asyncpg.PostgresError) as error:
            return JSONResponse({"error": f"the application's database: {error}"}, status_code=503)
        if traffic is None:
            return JSONResponse({"error": "no crm_dsn or no ledger is configured"}, status_code=409)
        if not traffic.start(order):
            return JSONResponse({"error": "traffic is running"}, status_code=409)
        return JSONResponse(self.status(), status_code=202)

    async def _stop(self, _: Request) -> Response:
        if self.traffic is not None:
            await self.traffic.stop()
        return JSONResponse(self.status())

    async def _status(self, _: Request) -> Response:
        return JSONResponse(self.status())

    def status(self) -> dict[str, object]:
        """How far it is. `events` counts what the product was shown: row changes and webhooks delivered."""
        traffic, ledger, crm = self.traffic, self.ledger, self.crm
        rows = crm.writes_count if crm else 0
        return {
            "phase": traffic.phase if traffic else "idle",
            "started_at": traffic.started_at if traffic else None,
            "bookings": len(self.calcom.bookings),
            "stories": traffic.stories_count if traffic else 0,
            "spoilt": traffic.spoilt_count + traffic.planter_spoilt_count if traffic else 0,
            "faults": ledger.faults_count if ledger else 0,
            "ended": ledger.ended_count if ledger else 0,
            "traps": ledger.traps_count if ledger else 0,
            "events": rows + self.calcom.deliveries.delivered_count,
            "rows_written": rows,
            "webhooks_delivered": self.calcom.deliveries.delivered_count,
            "ledger": self.config.ledger,
        }


async def run_world(config: WorldConfig, stopped: asyncio.Event) -> None:
    """Serves until `stopped`. Raises OSError if a port is taken."""
    world = World(config)
    async with AsyncExitStack() as stack:
        calcom = await stack.enter_async_context(serving(calcom_app(world.calcom, world.routes()), config.calcom_port))
        slack = None
        if config.slack_port is not None:
            receiver = Slack()
            stack.push_async_callback(receiver.close)
            slack = await stack.enter_async_context(serving(receiver.app(), config.slack_port))
        stack.push_async_callback(world.close)
        print(json.dumps({"ready": True, "calcom_url": calcom, "slack_url": slack}), flush=True)
        await stopped.wait()


async def main(config: WorldConfig) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    await run_world(config, stopped)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m connectors.world.run", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="a WorldConfig as JSON")
    asyncio.run(main(read_config(parser.parse_args().config)))
