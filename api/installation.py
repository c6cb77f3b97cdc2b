"""Everything of one Plumbline on this machine, as services for the supervisor.

A part that the configuration names is used as given and not started (design §8). What the parts must know of one
another goes through the environment, the same way as a person would configure it.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import msgspec

from api.installation_settings import completed, variables_of, world_of
from connectors.source.errors import SourceError
from connectors.source.mapping import mapping_of
from connectors.source.prepare import apply, names_of
from connectors.stack.endpoints import Endpoints
from connectors.stack.ports import HOST, choose_ports
from connectors.stack.private_file import write_private
from connectors.stack.process import Command
from connectors.stack.service import Service
from connectors.stack.stack import LocalStack, StackEndpoints, StackPart
from connectors.topics_admin import ensure_topics
from connectors.world.config import WorldConfig
from streams.settings import Settings

#: Faust waits for events in flight and commits before it ends; connectors and api finish what they carry.
STOP_SECONDS = 20.0
PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to run, and where it will be."""

    services: tuple[Service, ...]
    endpoints: Endpoints
    stack: LocalStack
    #: The settings as the processes see them.
    settings: Settings
    world: WorldConfig | None


async def plan_installation(settings: Settings, home: Path) -> Plan:
    """Claim the home, choose ports, and say what to run. Raises StackError; `plan.stack.release()` gives it back."""
    home = home.absolute()
    stack = LocalStack(home, parts=parts_to_start(settings), kafka_bootstrap=settings.kafka.bootstrap_servers)
    services = await stack.prepare()
    try:
        return _planned(settings, home, stack, services)
    except BaseException:
        stack.release()
        raise


def parts_to_start(settings: Settings) -> frozenset[StackPart]:
    """Of Kafka, Connect and Postgres, what the configuration does not name and needs."""
    parts = set()
    if settings.kafka.bootstrap_servers is None:
        parts.add(StackPart.KAFKA)
    if settings.source.connect_url is None and settings.source.mode == "debezium":
        parts.add(StackPart.CONNECT)
    if settings.source.dsn is None or settings.store.dsn is None:
        parts.add(StackPart.POSTGRES)
    return frozenset(parts)


def _planned(settings: Settings, home: Path, stack: LocalStack, stack_services: tuple[Service, ...]) -> Plan:
    ports = choose_ports(_wanted_ports(settings), home / "own-ports.json")
    api_url = f"http://{HOST}:{ports['api']}"
    world = world_of(settings, home, stack.endpoints, ports, api_url)
    complete = completed(settings, stack.endpoints, ports, world)
    env = {**os.environ, **variables_of(complete, stack.endpoints)}
    before = frozenset(service.name for service in stack_services)
    services = list(stack_services)
    if world is not None:
        services.append(_world_service(world, home, env, ports))
        before |= {"calcom"}
    own = {"connectors": before, "worker": before, "api": before}
    for name, after in own.items():
        services.append(_own_service(name, home, env, after))
    services = [_prepared(service, complete, stack.endpoints) for service in services]
    services = [_ready_by_http(s, f"{api_url}/livez") if s.name == "api" else s for s in services]
    endpoints = _endpoints(complete, stack.endpoints, api_url, ports, world)
    return Plan(services=tuple(services), endpoints=endpoints, stack=stack, settings=complete, world=world)


def _wanted_ports(settings: Settings) -> dict[str, int | None]:
    wanted: dict[str, int | None] = {"api": settings.api.port}
    if settings.calcom.base_url is None:
        wanted |= {"calcom": None, "slack": None}
    return wanted | {"worker-metrics": None, "connectors-metrics": None}


def _own_service(name: str, home: Path, env: Mapping[str, str], after: frozenset[str]) -> Service:
    command = Command(
        name=name,
        argv=(sys.executable, "-m", "api.cli", name),
        log=home / "logs" / f"{name}.log",
        env=env,
        stop_seconds=STOP_SECONDS,
    )
    return Service(command=command, after=after)


def _world_service(world: WorldConfig, home: Path, env: Mapping[str, str], ports: Mapping[str, int]) -> Service:
    config = home / "world.json"
    write_private(config, msgspec.json.encode(world))
    command = Command(
        name="calcom",
        argv=(sys.executable, "-m", "connectors.world.run", "--config", str(config)),
        log=home / "logs" / "calcom.log",
        env=env,
    )
    after = frozenset({"postgres"}) if world.crm_dsn else frozenset()
    service = Service(command=command, after=after)
    return _ready_by_http(service, f"http://{HOST}:{ports['calcom']}/_control/knobs")


def _ready_by_http(service: Service, url: str) -> Service:
    async def is_ready() -> bool:
        async with httpx.AsyncClient(timeout=PROBE_SECONDS) as client:
            return (await client.get(url)).status_code == httpx.codes.OK

    return replace(service, is_ready=is_ready)


def _prepared(service: Service, settings: Settings, stack: StackEndpoints) -> Service:
    """What must be there before a part starts: topics before the worker, the prepared source before Debezium."""

    async def prepare() -> None:
        await ensure_topics(settings.kafka)
        if service.name == "connectors" and stack.admin_dsn and _is_local(settings, stack):
            await _prepare_source(settings, stack.admin_dsn)

    return replace(service, prepare=prepare) if service.name in ("worker", "connectors", "api") else service


def _is_local(settings: Settings, stack: StackEndpoints) -> bool:
    """Only our own example database is prepared without being asked."""
    return settings.source.dsn is not None and settings.source.dsn.get_secret_value() == stack.reader_dsn


async def _prepare_source(settings: Settings, admin_dsn: str) -> None:
    if settings.source.dsn is None:
        raise SourceError("source.dsn is missing")
    names, password = names_of(settings.source.dsn.get_secret_value())
    await apply(admin_dsn, mapping=mapping_of(settings.source), names=names, password=password)


def _endpoints(
    settings: Settings,
    stack: StackEndpoints,
    api_url: str,
    ports: Mapping[str, int],
    world: WorldConfig | None,
) -> Endpoints:
    admin = next(key for key in settings.api_keys if key.role == "admin" and "*" in key.tenants)
    store = settings.store.dsn
    source = stack.source_dsn or (settings.source.dsn and settings.source.dsn.get_secret_value())
    return Endpoints(
        api_url=api_url,
        api_key=admin.key.get_secret_value(),
        kafka_bootstrap=stack.kafka_bootstrap,
        connect_url=settings.source.connect_url,
        source_dsn=source or None,
        store_dsn=store.get_secret_value() if store else None,
        calcom_url=settings.calcom.base_url,
        slack_url=f"http://{HOST}:{ports['slack']}" if world is not None else None,
    )
