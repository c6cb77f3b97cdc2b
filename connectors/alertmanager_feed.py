"""The feed of Alertmanager: what stands in the store and is led there by the routes, one process at a time."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from connectors.leadership import lead
from connectors.notify.alertmanager import NAME, Alertmanager, alertmanager_channels, keep_fed
from connectors.parts import Parts
from connectors.store.database import Database
from connectors.store.standing import standing_alerts
from streams.alerts.alert import Alert
from streams.configured_notices import notice_policy
from streams.model.ids import Instant
from streams.notices.planning import Policy
from streams.notices.routing import Led, led_to


def alertmanager_tasks(parts: Parts) -> dict[str, Callable[[], Awaitable[object]]]:
    """The feed's task, where an Alertmanager is configured."""
    channels = alertmanager_channels(parts.settings)
    if not channels:
        return {}
    fed = partial(fed_alerts, parts.database, notice_policy(parts.settings))
    feeding = partial(_feed, channels[0], fed)
    return {"alertmanager-feed": partial(lead, parts.store_dsn, "alertmanager", feeding)}


async def fed_alerts(database: Database, policy: Policy) -> AsyncIterator[Sequence[Alert]]:
    """What stands and is led to Alertmanager now, in batches, most urgent first. Raises StoreUnavailable."""
    now = Instant(int(time.time() * 1000))

    def is_led(alert: Alert) -> bool:
        return led_to(NAME, alert, policy.labels_of(alert.tenant), policy.routes, now) is Led.NOW

    async with aclosing(standing_alerts(database)) as batches:
        async for batch in batches:
            yield tuple(filter(is_led, batch))


async def _feed(channel: Alertmanager, fed: Callable[[], AsyncIterator[Sequence[Alert]]], _: Any) -> None:
    try:
        await keep_fed(channel, fed)
    finally:
        await channel.close()
