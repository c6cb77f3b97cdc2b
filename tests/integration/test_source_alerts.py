"""Alerts about sources in the store: who sees them, who hears of them, and what does not end them."""

from collections.abc import AsyncIterator
from datetime import UTC

import pytest

from connectors.notify.audience import Audience
from connectors.notify.dispatch import Dispatcher
from connectors.notify.slack import SlackWebhook
from connectors.stack.stack import LocalStack
from connectors.store.notices import StoredNotices
from connectors.store.queries import one_alert
from connectors.store.relay import Relay
from connectors.world.serving import serving
from connectors.world.slack import Slack
from streams.alerts.alert import Alert
from streams.model.records import Restatement
from streams.model.rule import AlertStatus
from streams.notices.planning import Policy
from tests.integration.alerting import Ground, iso_minutes, new_ground, running
from tests.integration.waiting import until
from tests.source_words import Source

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
async def ground(stack: LocalStack) -> AsyncIterator[Ground]:
    async with new_ground(stack) as made:
        yield made


async def stored(ground: Ground, source: Source, tenants: tuple[str, ...] | None = None) -> Alert | None:
    await ground.store.apply(source.findings)
    return await one_alert(ground.database, source.findings[0].alert_id, tenants)


async def test_what_the_worker_restates_ends_no_alert_about_a_source(ground: Ground) -> None:
    source = Source("webhooks:restating", ("restating",)).is_("stalled", 0)
    await stored(ground, source)
    empty = [Restatement(tenant="restating", at=iso_minutes(at), open=()) for at in (5, 10, 15)]
    await ground.store.apply(empty)
    alert = await stored(ground, source)
    assert alert is not None
    assert alert.status is AlertStatus.OPEN


async def test_an_alert_of_all_tenants_is_seen_by_keys_for_all_tenants_only(ground: Ground) -> None:
    source = Source("calcom:shared", ("3", "9")).is_("stalled", 0)
    assert await stored(ground, source, ("3", "9")) is None
    assert await stored(ground, source) is not None


async def test_an_alert_of_one_tenants_account_is_seen_by_its_key(ground: Ground) -> None:
    source = Source("calcom:own", ("3",)).is_("stalled", 0)
    assert await stored(ground, source, ("3",)) is not None
    assert await stored(ground, source, ("9",)) is None


async def test_it_reaches_slack_and_so_does_its_end(ground: Ground) -> None:
    receiver = Slack()
    audience = Audience(name_of=lambda _: "all companies", zone_of=lambda _: UTC)
    source = Source().is_("stalled", 0, why="no heartbeat for 15 s")
    async with serving(receiver.app()) as url:
        channel = SlackWebhook(f"{url}/services/T/B/x", audience)
        log = StoredNotices(ground.database, Policy())
        dispatcher = Dispatcher(ground.settings, log, [channel])
        async with running(Relay(ground.settings, ground.dsn).run, dispatcher.run):
            await ground.store.apply(source.findings)
            await until(lambda: _about_database(receiver))
            await ground.store.apply(source.is_("live", 20).findings[1:])
            await until(lambda: len(_about_database(receiver)) == 2)
    opened, over = _about_database(receiver)
    assert opened.startswith("🔴 A source is silent. (P3, all companies) · Change feed of your database: no heartbeat")
    assert over.startswith("✅ Recovered: A source is silent (all companies)")


def _about_database(receiver: Slack) -> list[str]:
    return [text for message in receiver.messages if "source database" in (text := str(message.body["text"]))]
