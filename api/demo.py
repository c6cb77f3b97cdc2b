"""`plumbline demo`: up, traffic with planted faults, a live view, and the score against the ledger of truth."""

import asyncio
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec

from api.demo_order import DemoOrder, settings_for
from api.demo_story import Story
from api.demo_view import View
from api.demo_watch import AlertWatch, VerdictWatch, forever
from api.up import Running, start_everything
from connectors.stack.errors import StackError
from connectors.world.ledger import Fault, LedgerReader, read_ledger
from connectors.world.report import markdown
from connectors.world.score import Score, score
from streams.settings import Settings

#: After planting, so long at most for what only the poll can find.
DRAIN_SECONDS_MAX = 100.0
#: And so long at least, in which a false alarm would show itself.
DRAIN_SECONDS_MIN = 20.0
LOOK_SECONDS = 0.5
MARKER = "demo"
#: What an installation keeps in its home; without its passwords and ports a new one begins with empty tables.
KEPT_BY_UP = (
    "kafka",
    "connect",
    "postgres",
    "passwords.json",
    "ports.json",
    "ledger.jsonl",
    "scoreboard.json",
    "score.md",
)
EXIT_MISSED_OR_FALSE = 1


class HomeHoldsMore(StackError):
    """PLUMBLINE_HOME holds what no demo has made."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            f"{home} holds the data of `plumbline up`, and a demo begins with empty tables: "
            "set PLUMBLINE_HOME to another folder"
        )


class Demo:
    """One run: what is watched, told and scored."""

    def __init__(self, running: Running, home: Path, view: View) -> None:
        endpoints = running.plan.endpoints
        self._world = httpx.AsyncClient(base_url=str(endpoints.calcom_url), timeout=10)
        self._ledger = LedgerReader(home / "ledger.jsonl")
        self._view = view
        self._story = Story()
        self.alerts = AlertWatch(endpoints.api_url, endpoints.api_key)
        self.verdicts = VerdictWatch(endpoints.kafka_bootstrap, running.plan.settings.kafka.topic_prefix)
        self._fresh: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._requests_per_minute = running.plan.settings.calcom.requests_per_minute
        self._began = time.monotonic()

    async def run(self, order: DemoOrder) -> Score:
        """Plant for the order's time, drain, and compare."""
        watching = [
            asyncio.create_task(forever(self.alerts, self._fresh)),
            asyncio.create_task(self.verdicts.run()),
        ]
        try:
            await self._begin(order)
            await self._watch_until(self._began + order.seconds)
            planted = time.monotonic()
            while time.monotonic() < planted + DRAIN_SECONDS_MAX and not await self._is_settled(planted):
                await self._watch_until(time.monotonic() + LOOK_SECONDS)
            await self._story_so_far()
            events = (await self._status())["events"]
            return score(self._ledger.entries(), list(self.alerts.episodes.values()), events)
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            await self.alerts.close()
            await self._world.aclose()

    async def _begin(self, order: DemoOrder) -> None:
        answer = await self._world.post("/_control/traffic", json=order.traffic())
        answer.raise_for_status()
        self._began = time.monotonic()

    async def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = (await self._world.get("/_control/world")).json()
        return status

    async def _watch_until(self, end: float) -> None:
        while True:
            await self._story_so_far()
            left = end - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(LOOK_SECONDS, left))

    async def _story_so_far(self) -> None:
        entries = self._ledger.entries()
        faults = [entry for entry in entries if isinstance(entry, Fault)]
        while not self._fresh.empty():
            self._view.line(self._story.found(faults, self._fresh.get_nowait()))
        for line in self._story.quiet(entries, self.verdicts.cleared, round(time.time() * 1000)):
            self._view.line(line)
        self._view.figures(await self._figures(len(faults)))

    async def _figures(self, planted: int) -> dict[str, str]:
        status = await self._status()
        requests = (await self._world.get("/_control/requests")).json()
        own = {key: count for key, count in requests.items() if ":" not in key}
        minutes = max((time.monotonic() - self._began) / 60, 1 / 60)
        busiest = max(own.values(), default=0) / minutes
        return {
            "compared through": self.verdicts.compared_through or "–",
            "bookings": f"{status['bookings']}, events {status['events']} ({status['events'] / minutes / 60:.1f}/s)",
            "Cal.com quota": f"busiest key {busiest:.0f} of {self._requests_per_minute} requests/min",
            "faults": f"planted {planted}, suspected {self.verdicts.counts['suspected']}, "
            f"cleared {self.verdicts.counts['cleared']}, told {len(self.alerts.episodes)}, "
            f"open {self.alerts.open_count()}",
            "traps": str(status["traps"]),
        }

    async def _is_settled(self, planted: float) -> bool:
        """Every fault that still stands is told, and a false alarm had time to come."""
        if time.monotonic() < planted + DRAIN_SECONDS_MIN:
            return False
        so_far = score(self._ledger.entries(), list(self.alerts.episodes.values()))
        return not so_far.missed


async def run_demo(settings: Settings, home: Path, order: DemoOrder) -> int:
    """0 if nothing was missed and nothing was false, else 1."""
    home = home.absolute()
    _begin_empty(home)
    view = View()
    view.console.print(f"Starting Kafka, Debezium, Postgres, Cal.com's simulator and Plumbline in {home} …")
    running = await start_everything(settings_for(order, settings), home)
    try:
        view.console.print(
            f"Planting faults for {order.seconds} s (seed {order.seed}). API {running.plan.endpoints.api_url}"
        )
        with view:
            result = await Demo(running, home, view).run(order)
    finally:
        await asyncio.shield(running.stop())
    (home / "scoreboard.json").write_bytes(msgspec.json.format(msgspec.json.encode(result.board), indent=2))
    (home / "score.md").write_text(markdown(result.board), encoding="utf-8")
    view.score(result.board)
    _tell(result, home, view)
    return 0 if result.passed else EXIT_MISSED_OR_FALSE


def _begin_empty(home: Path) -> None:
    """A demo clears away what an earlier demo left, and nothing else."""
    if not (home / MARKER).exists() and any((home / kept).exists() for kept in KEPT_BY_UP):
        raise HomeHoldsMore(home)
    for left in KEPT_BY_UP:
        if (home / left).is_dir():
            shutil.rmtree(home / left)
        else:
            (home / left).unlink(missing_ok=True)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).touch()


def _tell(result: Score, home: Path, view: View) -> None:
    faults = {entry.id: entry for entry in read_ledger(home / "ledger.jsonl") if isinstance(entry, Fault)}
    for missed in result.missed:
        fault = faults[missed]
        view.console.print(
            f"[bold red]MISSED[/] {fault.rule} {fault.subject.kind} {fault.subject.id} (company {fault.tenant}, "
            f"{fault.way}), complete {fault.complete_at}, bookings {fault.booking_uid}"
        )
    for false in result.false_alarms:
        view.console.print(f"[bold red]FALSE[/] alert {false}")
    verdict = "nothing missed, nothing false" if result.passed else "see above"
    view.console.print(
        f"{len(faults)} faults planted: {verdict}. Score: {home / 'scoreboard.json'}, as a table: score.md"
    )
