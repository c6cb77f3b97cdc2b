"""One Kafka broker, controller included (KRaft), on 127.0.0.1."""

import asyncio
import socket
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes

from connectors.stack.ports import HOST
from connectors.stack.process import Command, run_to_end
from connectors.stack.service import Service

#: A test's or a small demo's worth; the page cache does the rest.
HEAP = "-Xmx512m"
PROBE_TIMEOUT_MS = 2_000


@dataclass(frozen=True, slots=True)
class ExtraListener:
    """A second way in: clients that come by `port` are told to go on by `advertised_port`.

    A delaying TCP proxy on the advertised port makes a broker that is far away, for whoever enters there.
    """

    port: int
    advertised_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """The broker's files, ports and commands."""

    folder: Path
    logs: Path
    java: Path
    class_path: str
    port: int
    controller_port: int
    extra: ExtraListener | None = None

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    def service(self) -> Service:
        command = Command(
            name="kafka",
            argv=self._java("kafka.Kafka", str(self._properties_file), heap=HEAP),
            log=self.logs / "kafka.log",
        )
        return Service(command=command, prepare=self._prepare, is_ready=self._is_ready)

    def properties(self) -> dict[str, str]:
        """The broker's configuration. Topics are made by their owner, never by a typing error."""
        listeners = {"PLAINTEXT": (self.port, self.port), "CONTROLLER": (self.controller_port, 0)}
        if self.extra:
            listeners["EXTRA"] = (self.extra.port, self.extra.advertised_port)
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listeners": ",".join(f"{name}://{HOST}:{port}" for name, (port, _) in listeners.items()),
            "advertised.listeners": ",".join(
                f"{name}://{HOST}:{port}" for name, (_, port) in listeners.items() if port
            ),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in listeners),
            "log.dirs": str(self._data),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1",
            # 50 by default, each with files to open at every start.
            "offsets.topic.num.partitions": "8",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            # A killed broker may not come back before its old session is over (9 s by default).
            "broker.session.timeout.ms": "5000",
            "broker.heartbeat.interval.ms": "500",
            "num.network.threads": "2",
            "num.io.threads": "4",
        }

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _properties_file(self) -> Path:
        return self.folder / "server.properties"

    async def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._properties_file.write_text(
            "".join(f"{key}={value}\n" for key, value in self.properties().items()), encoding="utf-8"
        )
        if not (self._data / "meta.properties").exists():
            await self._format()

    async def _format(self) -> None:
        cluster = urlsafe_b64encode(token_bytes(16)).decode().rstrip("=").replace("-", "A")
        tool = ("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._properties_file))
        await run_to_end(Command(name="kafka-format", argv=self._java(*tool), log=self.logs / "kafka-format.log"))

    def _java(self, *main: str, heap: str = "-Xmx128m") -> tuple[str, ...]:
        return (
            str(self.java),
            heap,
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",  # no files in the shared temporary folder
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
            "-cp",
            self.class_path,
            *main,
        )

    async def _is_ready(self) -> bool:
        return await asyncio.to_thread(_listens, self.port) and await _serves(self.bootstrap)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


async def _serves(bootstrap: str) -> bool:
    """Whether the broker answers a metadata request; listening alone says too little."""
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=PROBE_TIMEOUT_MS)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    finally:
        await admin.close()
