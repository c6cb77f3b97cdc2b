"""The api process: API and webhook door on one port, or the door on a port of its own."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Iterator, Mapping

import uvicorn
from fastapi import FastAPI

from api.app import create_app, create_door_app
from api.door.producer import door_producer
from api.door.refusals import Refusals
from api.door.routes import build_router as build_door
from api.health import Check, KafkaCheck
from api.readiness import database_check, worker_check
from api.services import Services, services_of
from api.slack_actions import build_router as build_slack_actions
from api.stalling import StallGuarded
from connectors.store.migrate import migrate
from streams.settings import Settings

logger = logging.getLogger(__name__)

#: Requests that are under way at the end are given this long.
SHUTDOWN_SECONDS = 5
BACKLOG = 512


class _Server(uvicorn.Server):
    """uvicorn's server without its own signals: several run in one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's business."""
        yield


def run_api(settings: Settings, *, checks: Mapping[str, Check] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ValueError for a configuration without store or broker."""
    asyncio.run(serve_api(settings, checks=checks))


async def serve_api(settings: Settings, *, checks: Mapping[str, Check] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C; `checks` of the caller join `/readyz`."""
    services = services_of(settings)
    producer, kafka = door_producer(settings), KafkaCheck(settings)
    refusals = Refusals()
    door = build_door(settings, producer, refusals)
    own_port = settings.api.door_port
    app = create_app(
        services,
        checks={**_checks(settings), "kafka": kafka, **(checks or {})},
        routers=() if own_port is not None else (door,),
    )
    servers = [_server(app, settings.api.host, settings.api.port or 0)]
    if own_port is not None:
        servers.append(_server(create_door_app(door, build_slack_actions(services)), settings.api.host, own_port))
    beside = [
        asyncio.create_task(_migrate(services), name="migrate"),
        asyncio.create_task(refusals.keep(services.database), name="refusals"),
    ]
    await producer.start()
    try:
        await _serve_all(servers, services.readers.close)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await producer.stop()
        await kafka.close()


def _checks(settings: Settings) -> dict[str, Check]:
    return {"worker": worker_check(settings), "database": database_check(settings)}


def _server(app: FastAPI, host: str, port: int) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=StallGuarded,
            backlog=BACKLOG,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )


async def _serve_all(servers: list[_Server], end_streams: Callable[[], None]) -> None:
    def stop() -> None:
        end_streams()
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    async with asyncio.TaskGroup() as tasks:
        for server in servers:
            tasks.create_task(_serve(server, stop))


async def _serve(server: _Server, stop_all: Callable[[], None]) -> None:
    try:
        await server.serve()
    finally:
        stop_all()  # one without the other is no service


async def _migrate(services: Services) -> None:
    """In the background: the door must be open also while the store is away."""
    try:
        await migrate(services.database.dsn)
    except Exception:
        logger.exception("the store could not be migrated; /readyz says what is missing")
