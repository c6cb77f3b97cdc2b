"""The whole worker as the bench runs it: `plumbline worker`, watched through its own metrics and its commits."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from api.bench.offsets import Offsets, read_all
from api.bench.program import Program
from connectors.stack.ports import HOST, free_port
from streams.model.records import Finding, FindingRecord
from streams.settings_sections import KafkaSettings
from streams.topics import Topic
from streams.worker_metrics import METRICS_PORT

APP_ID = "bench-worker"
DATA = (Topic.APPOINTMENTS, Topic.CALLS, Topic.WEBHOOKS)
POLL_SECONDS = 0.2
#: Only ours: the others read all of /proc at each look, at the cost of the program that is measured.
_ASKED = ("worker_events_total", "worker_judged_total", "worker_rounds_total", "worker_state_entries")

_findings = msgspec.json.Decoder(FindingRecord)


class State:
    """What the worker says of itself at one instant."""

    def __init__(self, figures: Mapping[tuple[str, str], float]) -> None:
        self._figures = figures

    @property
    def events(self) -> int:
        """Records of the data topics worked through."""
        return sum(round(self._figures.get(("plumbline_worker_events", topic), 0)) for topic in DATA)

    def counted(self, kind: str) -> int:
        return round(self._figures.get(("plumbline_worker_events", kind), 0))

    @property
    def judged(self) -> int:
        return round(self._figures.get(("plumbline_worker_judged", "judged"), 0))

    @property
    def rounds(self) -> list[int]:
        """By partition that is loaded: how often all causes that were due were judged."""
        return [round(value) for (name, _), value in self._figures.items() if name == "plumbline_worker_rounds"]

    @property
    def entries(self) -> int:
        wanted = "plumbline_worker_state_entries"
        return round(sum(value for (name, _), value in self._figures.items() if name == wanted))


class WatchedWorker:
    """A running worker, its state, and whether it is through."""

    def __init__(self, kafka: KafkaSettings, program: Program, port: int, client: httpx.AsyncClient) -> None:
        self._kafka = kafka
        self.program = program
        query = "&".join(f"name[]=plumbline_{name}" for name in _ASKED)
        self._url = f"http://{HOST}:{port}/metrics?{query}"
        self._client = client
        self._offsets = Offsets(kafka, APP_ID)
        self.state = State({})

    async def look(self) -> State:
        """Ask it; what it said last while it does not answer."""
        try:
            text = (await self._client.get(self._url)).text
        except httpx.HTTPError:
            return self.state
        self.state = State(
            {
                (family.name, next(iter(sample.labels.values()), "")): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
                if sample.name.startswith("plumbline_worker") and not sample.name.endswith("_created")
            }
        )
        return self.state

    async def has_begun(self) -> bool:
        return (await self.look()).events > 0

    async def has_ticked(self) -> bool:
        """A first tick passed, and something was judged."""
        return (await self.look()).judged > 0

    async def has_read(self, events: int) -> bool:
        """Every record went through, and so a tick may pass."""
        return (await self.look()).events >= events

    async def has_judged(self, events: int) -> bool:
        """In every partition a tick passed, which stands behind every record, and all that was due was judged."""
        state = await self.look()
        return state.events >= events and len(state.rounds) == self._kafka.partitions and all(state.rounds)

    async def has_committed(self) -> bool:
        return await self._offsets.all_committed(DATA)


async def findings_on(kafka: KafkaSettings) -> int:
    """How many findings the workers have sent; the restatements of what is open are none."""
    return sum(isinstance(_findings.decode(value), Finding) for value in await read_all(kafka, Topic.FINDINGS))


@asynccontextmanager
async def worker(kafka: KafkaSettings, folder: Path, name: str) -> AsyncIterator[WatchedWorker]:
    """Started as `plumbline up` starts it; stopped at the end."""
    port = free_port()
    env = {
        "PLUMBLINE_KAFKA__BOOTSTRAP_SERVERS": str(kafka.bootstrap_servers),
        "PLUMBLINE_KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
        "PLUMBLINE_KAFKA__PARTITIONS": str(kafka.partitions),
        "PLUMBLINE_WORKER__APP_ID": APP_ID,
        METRICS_PORT: str(port),
    }
    program = Program(name, ("api.cli", "worker"), folder, env)
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            yield WatchedWorker(kafka, program, port, client)
    finally:
        await program.stop()
