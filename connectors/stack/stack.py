"""The local stack as one thing: Kafka and Postgres at the same time, Connect once Kafka serves."""

import asyncio
import fcntl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from connectors.stack.connect import ConnectWorker
from connectors.stack.databases import LocalDatabases
from connectors.stack.errors import HomeInUse
from connectors.stack.jar_download import ensure_jars
from connectors.stack.jars import Part
from connectors.stack.java import java_command
from connectors.stack.kafka import Broker, ExtraListener
from connectors.stack.ports import HOST, choose_ports
from connectors.stack.service import Service
from connectors.stack.supervisor import Supervisor


class StackPart(StrEnum):
    """What the stack can start."""

    KAFKA = "kafka"
    CONNECT = "connect"
    POSTGRES = "postgres"


ALL_PARTS = frozenset(StackPart)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackEndpoints:
    """Where the parts are; None for one that was not asked for."""

    kafka_bootstrap: str
    #: The second listener's own port, before any proxy.
    kafka_extra_bootstrap: str | None
    connect_url: str | None
    #: Superuser, database `crm`: prepares the source.
    admin_dsn: str | None
    #: The example application's writing role.
    source_dsn: str | None
    #: The role that Plumbline reads with; connectors.source.prepare.apply makes it.
    reader_dsn: str | None
    #: Plumbline's own database, as its owner.
    store_dsn: str | None


class LocalStack:
    """The stack of one home folder. Data, ports and passwords stay the same from start to start.

    `kafka_bootstrap` names a broker that is not ours, when `parts` has no KAFKA.
    `kafka_extra_advertised_port` adds a second listener (kafka.ExtraListener).
    Use `start` and `stop`, or hand the services of `await prepare()` to a Supervisor of your own and call
    `release` at the end.
    """

    def __init__(
        self,
        home: Path,
        *,
        parts: frozenset[StackPart] = ALL_PARTS,
        kafka_port: int | None = None,
        connect_port: int | None = None,
        postgres_port: int | None = None,
        kafka_extra_port: int | None = None,
        kafka_extra_advertised_port: int | None = None,
        kafka_bootstrap: str | None = None,
        cache: Path | None = None,
    ) -> None:
        self.home = home.absolute()
        self._parts = parts
        self._ports = {
            StackPart.KAFKA: kafka_port,
            StackPart.CONNECT: connect_port,
            StackPart.POSTGRES: postgres_port,
        }
        self._extra_port = kafka_extra_port
        self._advertised = kafka_extra_advertised_port
        self._foreign_bootstrap = kafka_bootstrap or ""
        self._cache = cache
        self._lock: IO[str] | None = None
        self._endpoints: StackEndpoints | None = None
        self._supervisor: Supervisor | None = None

    @property
    def endpoints(self) -> StackEndpoints:
        """Known after `prepare`, reachable after `start`."""
        assert self._endpoints is not None, "prepare or start the stack first"
        return self._endpoints

    @property
    def supervisor(self) -> Supervisor:
        """Of a stack that was started by `start`."""
        assert self._supervisor is not None, "start the stack first"
        return self._supervisor

    async def start(self) -> None:
        """Start the parts; return when all of them serve. Raises StackError; nothing is left running."""
        self._supervisor = Supervisor(await self.prepare())
        try:
            await self._supervisor.start()
        except BaseException:
            self.release()
            raise

    async def stop(self) -> None:
        """Stop what `start` started: Connect, then Kafka and Postgres."""
        if self._supervisor is not None:
            await self._supervisor.stop()
        self.release()

    async def prepare(self) -> tuple[Service, ...]:
        """Claim the home, fetch the jars, choose ports and write nothing else; the services to run.

        Raises StackError, its subclass saying why.
        """
        self._claim()
        try:
            return await self._plan()
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Give the home back. The kernel does it for a process that dies."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _claim(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        lock = (self.home / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise HomeInUse(self.home) from error
        self._lock = lock

    async def _plan(self) -> tuple[Service, ...]:
        ports = choose_ports(self._wanted_ports(), self.home / "ports.json")
        services: list[Service] = []
        broker = worker = databases = None
        if self._parts & {StackPart.KAFKA, StackPart.CONNECT}:
            java = java_command()
            paths, cache = await asyncio.to_thread(ensure_jars, self._cache)
        if StackPart.KAFKA in self._parts:
            broker = self._broker(java, paths.of(Part.BROKER, cache), ports)
            services.append(broker.service())
        bootstrap = broker.bootstrap if broker else self._foreign_bootstrap
        if StackPart.POSTGRES in self._parts:
            databases = LocalDatabases.of(self.home, self._logs, ports["postgres"])
            services.append(databases.service())
        if StackPart.CONNECT in self._parts:
            worker = self._connect(java, paths.of(Part.CONNECT, cache), ports["connect"], bootstrap)
            services.append(worker.service(after=frozenset({str(StackPart.KAFKA)} if broker else ())))
        self._endpoints = StackEndpoints(
            kafka_bootstrap=bootstrap,
            kafka_extra_bootstrap=f"{HOST}:{broker.extra.port}" if broker and broker.extra else None,
            connect_url=worker.url if worker else None,
            admin_dsn=databases.admin_dsn if databases else None,
            source_dsn=databases.crm_dsn if databases else None,
            reader_dsn=databases.reader_dsn if databases else None,
            store_dsn=databases.store_dsn if databases else None,
        )
        return tuple(services)

    def _wanted_ports(self) -> dict[str, int | None]:
        """Only those of the parts that run: another's configured port may well be taken, by it."""
        wanted: dict[str, int | None] = {part.value: self._ports[part] for part in StackPart if part in self._parts}
        if StackPart.KAFKA in self._parts:
            wanted["kafka-controller"] = None
            if self._advertised is not None:
                wanted["kafka-extra"] = self._extra_port
        return wanted

    def _broker(self, java: Path, class_path: str, ports: dict[str, int]) -> Broker:
        extra = None if self._advertised is None else ExtraListener(ports["kafka-extra"], self._advertised)
        return Broker(
            folder=self.home / "kafka",
            logs=self._logs,
            java=java,
            class_path=class_path,
            port=ports["kafka"],
            controller_port=ports["kafka-controller"],
            extra=extra,
        )

    def _connect(self, java: Path, class_path: str, port: int, bootstrap: str) -> ConnectWorker:
        return ConnectWorker(
            folder=self.home / "connect",
            logs=self._logs,
            java=java,
            class_path=class_path,
            port=port,
            bootstrap=bootstrap,
        )

    @property
    def _logs(self) -> Path:
        return self.home / "logs"
