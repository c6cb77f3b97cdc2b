"""What Alertmanager is fed with: everything that stands and is led there, however much is over."""

from collections.abc import AsyncIterator
from itertools import chain
from typing import Any

import pytest

from connectors.alertmanager_feed import alertmanager_tasks, fed_alerts
from connectors.parts import Parts
from connectors.stack.stack import LocalStack
from connectors.store.alerts import AlertStore
from connectors.store.database import Database
from connectors.store.standing import STANDING, standing_alerts
from connectors.world.serving import serving
from streams.alerts.actions import Acknowledge, PersonsAction, Snooze
from streams.configured_notices import notice_policy
from streams.settings import Settings
from tests.alert_words import INSTALLED, at, finding
from tests.integration.alerting import running
from tests.integration.storing import new_store
from tests.integration.waiting import until
from tests.notice_receivers import AlertmanagerReceiver

pytestmark = pytest.mark.stack


class Stored:
    """A store, and what would be fed from it."""

    def __init__(self, settings: Settings) -> None:
        assert settings.store.dsn is not None
        self.settings = settings
        self.database = Database(settings.store.dsn.get_secret_value())
        self.store = AlertStore(self.database, timezone_of=settings.timezone_of)

    async def does(self, subject: str, action: PersonsAction) -> None:
        named = finding("opened", 1, subject=subject).alert_id
        await self.store.act(named, action, actor="ana", tenants=None, versions=None)

    async def fed(self, **settings: Any) -> set[str]:
        policy = notice_policy(Settings.model_validate(settings))
        return {str(alert.booking_uid) async for batch in fed_alerts(self.database, policy) for alert in batch}


@pytest.fixture(scope="module")
async def one_store(postgres: LocalStack) -> AsyncIterator[Stored]:
    made = Stored(await new_store(postgres))
    async with made.database.connection() as connection:
        await connection.execute("UPDATE installation SET installed_at = to_timestamp($1::float8 / 1000)", INSTALLED)
    yield made
    await made.database.close()


@pytest.fixture
async def stored(one_store: Stored) -> Stored:
    async with one_store.database.connection() as connection:
        await connection.execute("TRUNCATE data_consistency_alerts CASCADE")
    return one_store


async def test_what_is_open_or_acknowledged_stands_and_nothing_else(stored: Stored) -> None:
    old = finding("opened", 1, subject="old", began=-31 * 24 * 60, starts=None)
    over = [finding("opened", 1, subject="over"), finding("resolved", 5, proved=1, subject="over")]
    await stored.store.apply([*(finding("opened", 1, subject=name) for name in ("open", "seen", "silent")), old, *over])
    await stored.does("seen", Acknowledge())
    await stored.does("silent", Snooze(until=at(600)))
    assert await stored.fed() == {"open", "seen"}


async def test_many_come_in_batches_the_most_urgent_first(stored: Stored) -> None:
    starts = {"soon": 20.0, "later": 600.0, "much later": 3_000.0} | {f"some {n}": 300.0 for n in range(4)}
    await stored.store.apply([finding("opened", 1, subject=name, starts=start) for name, start in starts.items()])
    read = standing_alerts(stored.database, batch_max=3)
    batches = [[str(alert.booking_uid) for alert in batch] async for batch in read]
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert (batches[0][0], batches[-1][-1]) == ("soon", "much later")
    assert set(chain(*batches)) == set(starts)


async def test_what_routes_lead_elsewhere_is_not_fed(stored: Stored) -> None:
    await stored.store.apply([finding("opened", 1, subject=tenant, tenant=tenant) for tenant in ("3", "9")])
    routes = [{"channels": ["alertmanager"], "tenants": ["9"]}, {"channels": ["slack"]}]
    assert await stored.fed(routes=routes) == {"9"}
    assert await stored.fed() == {"3", "9"}


async def test_the_process_that_leads_pushes_it_at_once(stored: Stored) -> None:
    await stored.store.apply([finding("opened", 1)])
    receiver = AlertmanagerReceiver()
    async with serving(receiver.app()) as url:
        parts = Parts(
            settings=Settings.model_validate({"alertmanager": {"url": url}}),
            store_dsn=stored.database.dsn,
            database=stored.database,
            **dict.fromkeys(("pool", "crm", "producer", "sender", "letters")),
        )
        async with running(*alertmanager_tasks(parts).values()):
            await until(lambda: len(receiver.firing()) == 1)


async def test_it_is_read_by_an_index_of_its_own(stored: Stored) -> None:
    async with stored.database.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        values = (0, "00000000-0000-0000-0000-000000000000", 200)
        plan = await connection.fetch("EXPLAIN " + STANDING, *values)
    said = "\n".join(row[0] for row in plan)
    assert "alerts_to_feed" in said
    assert "Sort" not in said
