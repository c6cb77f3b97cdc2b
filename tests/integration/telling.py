"""The words of tests about who is told what: a Slack of one's own, notifiers on the real store, and what came of it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from connectors.notify.channel import Channel
from connectors.notify.dispatch import Dispatcher, keep_deciding
from connectors.notify.planner import Planner
from connectors.notify.speaker import way_of
from connectors.store.notice_tellings import BaselineTiming, Lease
from connectors.store.notices import StoredNotices
from connectors.store.relay import Relay
from connectors.world.serving import serving
from connectors.world.slack import Slack, SlackKnobs
from streams.model.records import Finding
from streams.model.rule import Rule
from streams.notices.pacing import Allowance
from streams.notices.planning import Policy
from tests.alert_words import finding
from tests.integration.alerting import Ground, running
from tests.integration.speaking import ALONE, webhook
from tests.integration.waiting import until

#: Gathering as in life, but in seconds.
QUICK = Lease(
    allowance=Allowance(gather_ms=2_000, sources_ms=2_000, storm_ms=4_000), baseline=BaselineTiming(quiet_seconds=0.5)
)
#: Each has findings about one booking, so any number of groups can be made of them.
RULES = tuple(rule for rule in Rule if rule not in (Rule.SOURCE_STALLED, Rule.COVERAGE_GAP))


@asynccontextmanager
async def slack() -> AsyncIterator[tuple[Slack, str]]:
    """A Slack, and the address of its incoming webhook."""
    receiver = Slack()
    async with serving(receiver.app()) as url:
        yield receiver, f"{url}/services/T/B/x"


@asynccontextmanager
async def notifying(
    ground: Ground, channels: Sequence[Channel], policy: Policy | None = None, lease: Lease = QUICK
) -> AsyncIterator[None]:
    """Relay, dispatcher and what decides again, as the connectors run them."""
    log = StoredNotices(ground.database, policy or Policy(), lease=lease)
    dispatcher = Dispatcher(ground.settings, log, channels)
    async with running(
        Relay(ground.settings, ground.dsn).run, dispatcher.run, lambda: keep_deciding(log, channels, again_seconds=1.0)
    ):
        yield


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What the log says in the end: how many notices are how far, and in how many messages they were told."""

    states: dict[str, int]
    messages: int


async def story(ground: Ground, kind: str = "opened") -> Story:
    """Of all notices of a kind; states with their reason."""
    rows = await ground.query(
        "SELECT state, coalesce(reason, '') AS reason, count(*) AS n FROM notices WHERE kind = $1 GROUP BY 1, 2", kind
    )
    [told] = await ground.query(
        "SELECT count(DISTINCT telling) AS n FROM notices WHERE kind = $1 AND state = 'sent'", kind
    )
    return Story(states={f"{row['state']} {row['reason']}".strip(): row["n"] for row in rows}, messages=told["n"])


async def all_decided(ground: Ground, notices: int, seconds: float = 60.0) -> None:
    """So many notices are in the log, and none waits."""

    async def asked() -> bool:
        rows = await ground.query("SELECT count(*) AS n, count(finished_at) AS finished FROM notices")
        return bool(rows[0]["n"] == rows[0]["finished"] == notices)

    await until(asked, seconds)


def of_one_cause(number: int, **more: Any) -> Finding:
    """The same trouble with another booking: an event type that nobody syncs any more."""
    return finding("opened", 1, subject=f"flood{number}", event_type_id="4773493", **more)


async def flood(ground: Ground, findings: int, seconds: float) -> float:
    """So many findings of one cause, spread evenly; how many seconds storing them took."""
    began, batch = time.monotonic(), max(1, findings // 10)
    for first in range(0, findings, batch):
        await ground.store.apply([of_one_cause(number) for number in range(first, min(first + batch, findings))])
        due = began + seconds * (first + batch) / findings
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    return time.monotonic() - began


async def first_notices(ground: Ground, receiver: Slack, notices: int) -> list[float]:
    """How many seconds each of so many alerts took from being stored to being told."""
    waits = []
    for number in range(notices):
        before = len(receiver.messages)
        rule = RULES[number % len(RULES)]
        await ground.store.apply([finding("opened", 1, subject=f"first{number}", rule=rule)])
        stored = time.monotonic()
        await arrived(receiver, before + 1)
        waits.append(time.monotonic() - stored)
    return waits


async def outage(ground: Ground, receiver: Slack, seconds: float) -> tuple[int, int]:
    """Slack is down so long, while alerts of three rules open and some of them end: how many opened, how many ended."""
    receiver.knobs = SlackKnobs(down=True)
    began, opened, ended = time.monotonic(), 0, 0
    while time.monotonic() - began < seconds:
        rule = RULES[opened % 3]
        story_of_one = {"subject": f"out{opened}", "rule": rule}
        await ground.store.apply([finding("opened", 1, **story_of_one)])
        opened += 1
        if opened % 5 == 0:
            await ground.store.apply([finding("resolved", 5, proved=1, **story_of_one)])
            ended += 1
        await asyncio.sleep(seconds / 40)
    await until(lambda: ground.query("SELECT 1 FROM notices WHERE attempts > 0 AND reason = 'unreachable'"))
    receiver.knobs = SlackKnobs()
    return opened, ended


async def kills(ground: Ground, receiver: Slack, url: str, rounds: int) -> int:
    """So often a speaker is killed after its message came and before it knows; how many messages came."""
    log = StoredNotices(ground.database, Policy(), lease=ALONE)
    planner = Planner(ground.settings, log, [way_of(webhook(url))])
    async with running(Relay(ground.settings, ground.dsn).run, planner.run):
        for number in range(rounds):
            async with speaking(ground, url):
                # What the one before it left behind comes first.
                await all_decided(ground, number)
                receiver.knobs = SlackKnobs(hold_seconds=60)
                before = len(receiver.messages)
                await ground.store.apply([finding("opened", 1, subject=f"kill{number}")])
                await arrived(receiver, before + 1)
            receiver.knobs = SlackKnobs()
        async with speaking(ground, url):
            await all_decided(ground, rounds)
    return len(receiver.messages)


async def arrived(receiver: Slack, messages: int) -> None:
    """So many messages came."""
    await until(lambda: len(receiver.messages) >= messages, 60)


@asynccontextmanager
async def speaking(ground: Ground, url: str) -> AsyncIterator[None]:
    """A process that only speaks, under a short lease; at the end it is killed."""
    speaker = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.integration.speaking", ground.dsn, url)
    try:
        yield
    finally:
        speaker.kill()
        await speaker.wait()


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]
