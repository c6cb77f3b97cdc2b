"""What time does to alerts in the store: snoozes end, acknowledgements expire, each told once."""

from collections.abc import AsyncIterator

import pytest

from connectors.stack.stack import LocalStack
from connectors.store.alerts import AlertStore, wall_clock
from connectors.store.database import Database
from connectors.store.queries import history_of, one_alert
from streams.alerts.actions import Acknowledge, PersonsAction, SnoozeUntilChanged
from streams.alerts.alert import Alert, Through
from streams.model.ids import Instant
from tests.alert_words import drifted, finding
from tests.integration.storing import new_store

pytestmark = pytest.mark.stack

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
async def database(postgres: LocalStack) -> AsyncIterator[Database]:
    dsn = (await new_store(postgres)).store.dsn
    assert dsn is not None
    made = Database(dsn.get_secret_value())
    yield made
    await made.close()


def at_hour(database: Database, hours: float) -> AlertStore:
    """The store, so many hours from now."""
    now = wall_clock()
    return AlertStore(database, clock=lambda: Instant(round(now + hours * HOUR_MS)))


async def done(database: Database, subject: str, action: PersonsAction, through: Through = "api") -> str:
    """The id of a new alert to which somebody did this."""
    store, opened = AlertStore(database), finding("opened", 1, subject=subject)
    await store.apply([opened])
    await store.act(opened.alert_id, action, actor="ana", tenants=None, versions=None, through=through)
    return opened.alert_id


async def kept(database: Database, alert_id: str) -> Alert:
    found = await one_alert(database, alert_id, None)
    assert found is not None
    return found


async def last_told(database: Database, alert_id: str) -> str:
    """The action that goes with the alert's newest change onto its topic."""
    async with database.connection() as connection:
        return str(
            await connection.fetchval(
                "SELECT action FROM outbox WHERE alert_id = $1::uuid ORDER BY id DESC LIMIT 1", alert_id
            )
        )


async def test_an_acknowledgement_expires_once_and_is_told(database: Database) -> None:
    acknowledged = await done(database, "forgotten", Acknowledge())
    assert await at_hour(database, 23).expire_acknowledgements(24) == 0
    assert await at_hour(database, 25).expire_acknowledgements(0) == 0
    assert await at_hour(database, 25).expire_acknowledgements(24) == 1
    assert await at_hour(database, 25).expire_acknowledgements(24) == 0
    alert = await kept(database, acknowledged)
    assert (alert.status, alert.acknowledged_by) == ("open", None)
    assert await last_told(database, acknowledged) == "acknowledgement_expired"


async def test_a_snooze_until_it_changes_ends_with_the_change_and_is_told(database: Database) -> None:
    asleep = await done(database, "4fQ", SnoozeUntilChanged())
    await AlertStore(database).apply([drifted(3, "x")])
    assert (await kept(database, asleep)).status == "open"
    assert await last_told(database, asleep) == "snooze_ended"


async def test_a_snooze_until_it_changes_ends_by_itself_at_last(database: Database) -> None:
    asleep = await done(database, "never changes", SnoozeUntilChanged())
    assert await at_hour(database, 89 * 24).end_snoozes() == 0
    assert await at_hour(database, 90 * 24 + 1).end_snoozes() == 1
    assert (await kept(database, asleep)).status == "open"


async def test_the_history_keeps_by_what_way_a_word_came(database: Database) -> None:
    acknowledged = await done(database, "pressed", Acknowledge(), through="slack")
    lines = await history_of(database, acknowledged)
    assert [(line.actor, line.through) for line in lines] == [("plumbline", "machine"), ("ana", "slack")]
