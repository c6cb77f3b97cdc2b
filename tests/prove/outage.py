"""Cal.com answers no read for two minutes, under load: one umbrella alert an account, no orphan that is none, and
everything judged within a minute of its return.

    python -m tests.prove.outage [--home /tmp/outage] [--seconds 120]

The whole demo with its traffic and planted faults; the application's writes and Cal.com's webhooks go on meanwhile,
so that suspicions pile up that nobody can prove. Exit 1 if a promise is broken.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from api.demo import Demo
from api.demo_order import DemoOrder, settings_for
from api.demo_view import View
from api.up import Running, start_everything
from connectors.world.instants import parse
from connectors.world.ledger import Fault, read_ledger
from connectors.world.score import Score
from streams.model.rule import SOURCE_RULES
from streams.settings import Settings

#: Traffic before the outage, and after it.
BEFORE_SECONDS, AFTER_SECONDS = 60, 100
JUDGED_SECONDS_MAX = 60
SOURCES: frozenset[str] = frozenset(SOURCE_RULES)


async def prove(home: Path, seconds: int) -> bool:
    """Run it; whether every promise was kept."""
    order = DemoOrder(seconds=BEFORE_SECONDS + seconds + AFTER_SECONDS)
    home.mkdir(parents=True, exist_ok=True)
    running = await start_everything(settings_for(order, Settings()), home)
    view = View()
    try:
        demo = Demo(running, home, view)
        playing = asyncio.create_task(demo.run(order))
        left, returned = await _outage(running, seconds)
        result = await playing
        messages = await _messages(running)
    finally:
        await asyncio.shield(running.stop())
    return _told(list(demo.alerts.episodes.values()), result, home, left, returned, messages)


async def _outage(running: Running, seconds: int) -> tuple[int, int]:
    """Take Cal.com's reads away for so long; when they went and came back, in milliseconds."""
    async with httpx.AsyncClient(base_url=str(running.plan.endpoints.calcom_url), timeout=10) as world:
        await asyncio.sleep(BEFORE_SECONDS)
        (await world.post("/_control/knobs", json={"reads_away": True})).raise_for_status()
        left = round(time.time() * 1000)
        await asyncio.sleep(seconds)
        (await world.post("/_control/knobs", json={"reads_away": False})).raise_for_status()
        return left, round(time.time() * 1000)


async def _messages(running: Running) -> int:
    """Messages to Slack that began with Cal.com's absence."""
    async with httpx.AsyncClient(base_url=str(running.plan.endpoints.slack_url), timeout=10) as slack:
        items: list[dict[str, Any]] = (await slack.get("/_control/messages")).json()["items"]
    return sum("source_stalled" in str(item["body"]) for item in items)


def _told(alerts: list[Any], result: Score, home: Path, left: int, returned: int, messages: int) -> bool:
    umbrella = [alert for alert in alerts if alert["rule"] in SOURCES]
    names = {alert["id"] for alert in umbrella}
    ended = [(parse(alert["resolved_at"]) - returned) / 1000 for alert in umbrella if alert["resolved_at"]]
    print(f"away for {(returned - left) / 1000:.0f} s: {len(names)} umbrella alerts, {messages} messages to Slack")
    print(f"{len(ended)} of {len(umbrella)} over, the last {max(ended, default=0):.1f} s after the return")
    false = [one for one in result.false_alarms if one not in names]
    waits = _waits(alerts, home, left, returned)
    known = [wait for wait in waits if wait is not None]
    print(f"faults that began meanwhile and stood: {len(waits)}, told: {len(known)}")
    print(f"the last of them {max(known, default=0):.1f} s after the return; false alarms: {len(false)} {false[:5]}")
    judged = len(known) == len(waits) and max(known, default=0) <= JUDGED_SECONDS_MAX
    return bool(names) and len(ended) == len(umbrella) and not false and judged


def _waits(alerts: list[Any], home: Path, left: int, returned: int) -> list[float | None]:
    """Of each fault that began in the outage and stands long enough: seconds from the return until it was told."""
    told = {(a["rule"], a["tenant"], a["subject"]["id"]): (parse(a["readable_at"]) - returned) / 1000 for a in alerts}
    faults = [entry for entry in read_ledger(home / "ledger.jsonl") if isinstance(entry, Fault) and entry.counts]
    return [
        told.get((fault.rule, fault.tenant, fault.subject.id))
        for fault in faults
        if left <= parse(fault.complete_at) <= returned
        and (fault.ended_at is None or parse(fault.ended_at) > returned + JUDGED_SECONDS_MAX * 1000)
    ]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="an empty folder; without it one that is removed afterwards")
    parser.add_argument("--seconds", type=int, default=120, help="of the outage")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="plumbline-outage-") as folder:
        home = (given.home or Path(folder)).absolute()
        raise SystemExit(0 if asyncio.run(prove(home, given.seconds)) else 1)


if __name__ == "__main__":
    main()
