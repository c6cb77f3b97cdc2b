"""Kafka Connect in distributed mode with one worker: connectors are given over REST, as in production."""

from dataclasses import dataclass
from pathlib import Path

import httpx

from connectors.stack.ports import HOST
from connectors.stack.process import Command
from connectors.stack.service import Service

HEAP = "-Xmx384m"
GROUP = "plumbline-connect"
PROBE_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectWorker:
    """The worker's files, port and command."""

    folder: Path
    logs: Path
    java: Path
    class_path: str
    port: int
    bootstrap: str

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def service(self, *, after: frozenset[str]) -> Service:
        command = Command(
            name="connect",
            argv=(
                str(self.java),
                HEAP,
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",  # no files in the shared temporary folder
                "-XX:TieredStopAtLevel=1",  # ready sooner; a few hundred changes a second need no more
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-Dorg.slf4j.simpleLogger.log.io.debezium=info",
                "-Dorg.slf4j.simpleLogger.showDateTime=true",
                "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
                "-cp",
                self.class_path,
                "org.apache.kafka.connect.cli.ConnectDistributed",
                str(self._properties_file),
            ),
            log=self.logs / "connect.log",
        )
        return Service(command=command, prepare=self._prepare, is_ready=self._is_ready, after=after)

    def properties(self) -> dict[str, str]:
        """The worker's configuration; the connector's own is connectors/source/connector.json."""
        return {
            "bootstrap.servers": self.bootstrap,
            "group.id": GROUP,
            "listeners": self.url,
            "rest.advertised.host.name": HOST,
            "plugin.discovery": "service_load",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "key.converter.schemas.enable": "false",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
            "config.storage.topic": f"{GROUP}-configs",
            "config.storage.replication.factor": "1",
            "offset.storage.topic": f"{GROUP}-offsets",
            "offset.storage.replication.factor": "1",
            "offset.storage.partitions": "1",
            "status.storage.topic": f"{GROUP}-status",
            "status.storage.replication.factor": "1",
            "status.storage.partitions": "1",
            # How much is sent twice after a crash, and how far the slot lags behind.
            "offset.flush.interval.ms": "1000",
            # One worker: nobody else's tasks to wait for, and a killed predecessor is forgotten soon
            # (6 s is the least that a broker accepts).
            "scheduled.rebalance.max.delay.ms": "0",
            "session.timeout.ms": "6000",
            "heartbeat.interval.ms": "2000",
        }

    @property
    def _properties_file(self) -> Path:
        return self.folder / "connect.properties"

    async def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._properties_file.write_text(
            "".join(f"{key}={value}\n" for key, value in self.properties().items()), encoding="utf-8"
        )

    async def _is_ready(self) -> bool:
        # `/` answers before the worker has joined its group; `/connectors` is 404 with HTML until then.
        async with httpx.AsyncClient(base_url=self.url, timeout=PROBE_TIMEOUT_SECONDS) as client:
            return (await client.get("/connectors")).status_code == httpx.codes.OK
