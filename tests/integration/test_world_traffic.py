"""The world's traffic on a real Postgres: what the ledger says is wrong is wrong, and nothing else is for long."""

import asyncio
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest

from connectors.stack.stack import LocalStack
from connectors.world.calcom.server import calcom_app
from connectors.world.config import WorldConfig, default_accounts
from connectors.world.faults.schedule import schedule
from connectors.world.instants import SECOND, parse
from connectors.world.ledger import GRACE_SECONDS, SHORTENED, Fault, read_ledger
from connectors.world.run import World
from connectors.world.serving import serving
from tests.world_audit import Truth, Wrong

pytestmark = pytest.mark.stack

#: Ordinary life and traps are in order again after so long; the shortest grace that waits at all is 2 s.
TRANSIENT_SECONDS_MAX = 2.0
ORDER = {"seconds": 62, "seed": 5, "rate": 120, "faults_per_rule": 5, "lost_webhooks": 0.02}
#: Stories begin within 12 s of such a run and take up to 16 s.
PATIENCE_SECONDS = 120


@pytest.fixture
async def crm_dsn(stack: LocalStack) -> AsyncIterator[str]:
    """A database of its own: other tests' rows are none of this world's business."""
    assert stack.endpoints.admin_dsn is not None
    admin = await asyncpg.connect(stack.endpoints.admin_dsn)
    await admin.execute("CREATE DATABASE world_test")
    dsn = urlunsplit(urlsplit(stack.endpoints.admin_dsn)._replace(path="/world_test"))
    connection = await asyncpg.connect(dsn)
    await connection.execute((files("connectors.source") / "example_crm.sql").read_text(encoding="utf-8"))
    await connection.close()
    yield dsn
    await admin.execute("DROP DATABASE world_test WITH (FORCE)")
    await admin.close()


class Watch:
    """Since when each inconsistency has been seen without a break, and for how long at most."""

    def __init__(self, world: World, connection: asyncpg.Connection) -> None:
        self._world, self._connection = world, connection
        self.since: dict[Wrong, int] = {}
        self.longest: dict[Wrong, int] = {}

    async def look(self) -> None:
        appointments = await self._connection.fetch("SELECT * FROM appointments")
        calls = await self._connection.fetch("SELECT * FROM calls")
        truth = Truth(self._world.calcom.bookings, appointments, calls)
        self.since = {wrong: self.since.get(wrong, truth.now) for wrong in truth.wrongs()}
        for wrong, since in self.since.items():
            self.longest[wrong] = max(self.longest.get(wrong, 0), truth.now - since)

    def lasting(self) -> set[Wrong]:
        return {wrong for wrong, millis in self.longest.items() if millis > _transient_seconds(wrong) * SECOND}


def _transient_seconds(wrong: Wrong) -> float:
    return GRACE_SECONDS[wrong.rule] if wrong.rule in SHORTENED else TRANSIENT_SECONDS_MAX


async def test_the_ledger_is_the_truth(crm_dsn: str, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    world = World(WorldConfig(accounts=default_accounts(None), crm_dsn=crm_dsn, ledger=str(ledger)))
    due = sum(each.way is not None for each in schedule(5, 62, 5, 9))
    connection = await asyncpg.connect(crm_dsn)
    watch = Watch(world, connection)
    async with serving(calcom_app(world.calcom, world.routes())) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.post("/_control/traffic", json=ORDER)).status_code == 202
        assert (await http.post("/_control/traffic", json=ORDER)).status_code == 409
        async with asyncio.timeout(PATIENCE_SECONDS):
            while world.status()["faults"] != due:
                await watch.look()
        await watch.look()
        entries = read_ledger(ledger)
        status = (await http.get("/_control/world")).json()
        await world.close()
    await connection.close()
    faults = {_key(each): each for each in entries if isinstance(each, Fault)}
    assert status["spoilt"] == 0
    assert len(faults) == due
    assert watch.lasting() - set(faults) == set()
    remaining = {key: fault for key, fault in faults.items() if fault.ended_at is None}
    assert set(remaining) <= set(watch.since)
    # No fault is in the ledger before it is there to be seen, nor long after.
    assert all(watch.since[key] - parse(fault.complete_at) < SECOND for key, fault in remaining.items())


def _key(fault: Fault) -> Wrong:
    return Wrong(fault.rule, fault.tenant, fault.subject.kind, fault.subject.id)
