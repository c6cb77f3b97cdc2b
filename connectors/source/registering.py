"""Keeps Debezium registered and running: its connector is made, compared, and restarted where it failed or stopped."""

import asyncio

import structlog
from prometheus_client import Counter

from connectors.source.errors import SourceError
from connectors.source.mapping import mapping_of
from connectors.source.prepare import names_of
from connectors.source.registration import Registration, register
from connectors.source.rest import STOPPED, ConnectRest
from streams.settings import Settings

_log = structlog.get_logger(__name__)

#: How often Connect is asked how the connector fares. Its word alone is never trusted for "the feed is live".
CHECK_SECONDS = 5.0

RESTARTS = Counter("plumbline_connector_restarts_total", "Restarts of what failed of the connector.", ["connector"])


def registration_of(settings: Settings) -> Registration:
    """What the configuration says of the connector. Raises SourceError without `source.dsn`."""
    if settings.source.dsn is None:
        raise SourceError("source.dsn is missing: Debezium needs the role that `plumbline source prepare` made")
    dsn = settings.source.dsn.get_secret_value()
    return Registration(
        dsn=dsn,
        mapping=mapping_of(settings.source),
        partitions=settings.kafka.partitions,
        replication_factor=settings.kafka.replication_factor,
        topic_prefix=settings.kafka.topic_prefix,
        names=names_of(dsn)[0],
    )


async def keep_registered(settings: Settings) -> None:
    """For ever: register, and restart what failed. Raises what Connect refuses; it is then tried again."""
    if settings.source.connect_url is None:
        _log.warning("no Kafka Connect configured: nothing feeds the database's changes", key="source.connect_url")
        await asyncio.Event().wait()
    registration = registration_of(settings)
    async with ConnectRest(str(settings.source.connect_url)) as connect:
        while True:
            if await register(connect, registration):
                _log.info("connector registered", connector=registration.connector)
            state = await connect.state(registration.connector)
            if state is not None and state.connector.state == STOPPED:
                # A slot was replaced and the resume went astray. Who wants it still pauses it.
                _log.warning("connector is stopped, resuming it", connector=registration.connector)
                await connect.resume(registration.connector)
            if state is not None and (failure := state.failure):
                _log.warning("connector failed, restarting it", connector=registration.connector, failure=failure[:500])
                await connect.restart_failed(registration.connector)
                RESTARTS.labels(registration.connector).inc()
            await asyncio.sleep(CHECK_SECONDS)
