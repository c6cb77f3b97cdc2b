"""What the notices promise, in full: `python -m tests.prove.notices [--findings 1000] [--down 120] [--kills 50]`.

Starts a Kafka and a Postgres of its own, with the notifiers as they run in life and a Slack that can be down or hold
its answers. Exit 1 where a promise was not kept.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx

from api.app import create_app
from api.services import services_of
from connectors.stack.stack import LocalStack, StackPart
from connectors.store.notice_tellings import Lease
from connectors.world.slack import Slack
from tests.integration.alerting import Ground, new_ground
from tests.integration.speaking import ALONE, webhook
from tests.integration.telling import (
    all_decided,
    first_notices,
    flood,
    kills,
    notifying,
    outage,
    p95,
    slack,
    story,
)

MESSAGES_MAX = 5
FIRST_SECONDS_MAX = 1.0
Proof = Callable[[Ground, Slack, str], Coroutine[Any, Any, bool]]


def many_findings(findings: int) -> Proof:
    """One cause, ten seconds."""

    async def proof(ground: Ground, receiver: Slack, url: str) -> bool:
        async with notifying(ground, [webhook(url)], lease=Lease()):
            began = time.monotonic()
            took = await flood(ground, findings, 10.0)
            await all_decided(ground, findings, 180)
            said, seconds = len(receiver.messages), time.monotonic() - began
        found = await _in_the_api(ground)
        states = (await story(ground)).states
        print(f"{findings} findings of one cause within {took:.1f} s: {said} messages within {seconds:.0f} s, "
              f"{found} alerts in the API, log: {states}")  # fmt: skip
        return said <= MESSAGES_MAX and found == findings

    return proof


def firsts(notices: int) -> Proof:
    """How soon people hear."""

    async def proof(ground: Ground, receiver: Slack, url: str) -> bool:
        async with notifying(ground, [webhook(url)], lease=ALONE):
            # The first one waits for the consumer to join its group.
            waits = (await first_notices(ground, receiver, notices + 1))[1:]
        print(f"first notice after its alert was stored, {notices} times: p50 {statistics.median(waits):.3f} s, "
              f"p95 {p95(waits):.3f} s, longest {max(waits):.3f} s")  # fmt: skip
        return p95(waits) <= FIRST_SECONDS_MAX

    return proof


def down(seconds: float) -> Proof:
    """Nothing lost, nothing twice."""

    async def proof(ground: Ground, receiver: Slack, url: str) -> bool:
        async with notifying(ground, [webhook(url)], lease=Lease()):
            opened, ended = await outage(ground, receiver, seconds)
            back = time.monotonic()
            await all_decided(ground, opened + ended, 300)
            after = time.monotonic() - back
        told, said = await story(ground), len(receiver.messages)
        sent = sum(count for state, count in told.states.items() if state.startswith("sent"))
        print(f"Slack down for {seconds:.0f} s, {opened} alerts opened, {ended} of them over again: {said} messages "
              f"({told.messages} in the log) within {after:.0f} s after it was back, log: {told.states}")  # fmt: skip
        return said == told.messages and sent == opened - ended

    return proof


def killed(rounds: int) -> Proof:
    """At most one extra a kill, none lost."""

    async def proof(ground: Ground, receiver: Slack, url: str) -> bool:
        began = time.monotonic()
        messages = await kills(ground, receiver, url, rounds)
        states = (await story(ground)).states
        print(f"{rounds} kills between send and record within {time.monotonic() - began:.0f} s: {messages} messages "
              f"about {rounds} alerts, log: {states}")  # fmt: skip
        return rounds <= messages <= 2 * rounds and states == {"sent": rounds}

    return proof


async def prove(proofs: list[Proof]) -> bool:
    """Each on a store and topics of its own."""
    with tempfile.TemporaryDirectory(prefix="plumbline-notices-") as home:
        Path(home).chmod(0o755)
        stack = LocalStack(Path(home) / "stack", parts=frozenset({StackPart.KAFKA, StackPart.POSTGRES}))
        await stack.start()
        try:
            kept = []
            for proof in proofs:
                async with new_ground(stack) as ground, slack() as (receiver, url):
                    kept.append(await proof(ground, receiver, url))
            return all(kept)
        finally:
            await stack.stop()


async def _in_the_api(ground: Ground) -> int:
    """How many alerts the API lists, page by page."""
    app, found, cursor = create_app(services_of(ground.settings)), 0, ""
    headers = {"authorization": "Bearer key-of-ops"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api") as client:
        while cursor is not None:
            page = (await client.get(f"/v1/alerts?limit=200{cursor and f'&cursor={cursor}'}", headers=headers)).json()
            found, cursor = found + len(page["items"]), page["next_cursor"]
    return found


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--findings", type=int, default=1_000, help="of one cause, within 10 s")
    arguments.add_argument("--firsts", type=int, default=200, help="alerts whose first notice is timed")
    arguments.add_argument("--down", type=float, default=120.0, help="seconds")
    arguments.add_argument("--kills", type=int, default=50)
    given = arguments.parse_args()
    proofs = [many_findings(given.findings), firsts(given.firsts), down(given.down), killed(given.kills)]
    return 0 if asyncio.run(prove(proofs)) else 1


if __name__ == "__main__":
    sys.exit(main())
