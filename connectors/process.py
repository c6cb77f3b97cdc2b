"""The connectors process: everything that touches the outside, put together here and nowhere else.

Each part is a supervised task of its own. What crashes is started again and takes nothing along; what needs to be
one of a kind (reading Cal.com, the outbox relay) holds a lock in the store, so any number of processes may run.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
import structlog
from prometheus_client import start_http_server

from connectors.alertmanager_feed import alertmanager_tasks
from connectors.calcom.accounts import known_tenants
from connectors.calcom.breaker import BreakerPolicy
from connectors.calcom.intake import GROUP as CALCOM_GROUP
from connectors.calcom.intake import Intake, decode_question
from connectors.calcom.queue import QuestionQueue
from connectors.calcom.verifier import read_calcom
from connectors.clock_health import clock_is_fresh
from connectors.crm.database import CrmDatabase
from connectors.crm.rows import GROUP as ROWS_GROUP
from connectors.crm.rows import RowsReader
from connectors.dead_letters import DeadLetters
from connectors.kafka_records import RecordSender, open_consumer, open_producer
from connectors.leadership import lead
from connectors.notify.channel import Channel
from connectors.notify.channels import channels_of
from connectors.notify.dispatch import Dispatcher, keep_deciding
from connectors.notify.slack.configured import bots_places
from connectors.parts import Parts
from connectors.recheck import serve_rechecks
from connectors.reporting import report_tasks
from connectors.slack_presses import Presses
from connectors.slack_socket import hears_through_socket, listen_to_slack
from connectors.source.registering import keep_registered
from connectors.store.alerts import AlertStore
from connectors.store.counts import keep_counts
from connectors.store.database import Database
from connectors.store.findings_consumer import FindingsConsumer
from connectors.store.migrate import migrate
from connectors.store.notices import StoredNotices
from connectors.store.pruning import keep_pruned
from connectors.store.rechecks import finish_rechecks, take_rechecks
from connectors.store.relay import Relay
from connectors.store.sync_failures import SyncFailures
from connectors.store.upkeep import let_time_pass
from connectors.store.webhook_consumer import LedgerPolicy, keep_webhook_ledger
from connectors.store.webhook_ledger import WebhookLedger
from connectors.supervision import supervised
from connectors.sweeping import sweep_database, tell_complete
from connectors.tenant_mapping import has_unmapped, map_tenants
from connectors.topics_admin import KafkaUnreachable, ensure_topics
from connectors.unmapped.mapping import keep_unmapped
from connectors.unmapped.store import UnmappedStore
from connectors.validating import answer_rows
from connectors.watchdog import ping_while_healthy
from connectors.watching import WatchPolicy, watch_sources
from streams.configured import alert_pages
from streams.configured_notices import notice_policy
from streams.model.records import AnyQuestion
from streams.settings import Settings
from streams.topics import Topic

log = structlog.get_logger()

#: A port for Prometheus, should one be wanted.
METRICS_PORT = "PLUMBLINE_METRICS_PORT"
STORE_CONNECTIONS_MAX = 6
STORE_SECONDS_MAX = 10.0
TRY_AGAIN_SECONDS = 1.0

Part = Callable[[], Awaitable[object]]


async def run_connectors(
    settings: Settings,
    *,
    policy: BreakerPolicy | None = None,
    watch: WatchPolicy | None = None,
    ledger: LedgerPolicy | None = None,
) -> None:
    """Carry until cancelled. The policies of Cal.com's breakers, the watchers and the webhooks' ledger are for tests.

    Waits for a broker and a store that are away. Raises TopicsUnusable for topics that cannot be used.
    """
    if port := os.environ.get(METRICS_PORT):
        start_http_server(int(port))
    await _until_topics(settings)
    async with _parts(settings) as parts, asyncio.TaskGroup() as group:
        tasks = _tasks(parts, policy or BreakerPolicy(), watch or WatchPolicy(), ledger or LedgerPolicy())
        for name, part in tasks.items():
            group.create_task(supervised(name, part), name=name)
        log.info("connectors started")


def _tasks(parts: Parts, policy: BreakerPolicy, watch: WatchPolicy, ledger: LedgerPolicy) -> dict[str, Part]:
    """Every task by name: the whole process at a glance."""
    settings, database = parts.settings, parts.database
    store = _alert_store(settings, database)
    reading = partial(_read_calcom, parts, policy, watch.account.audit_seconds)
    answering = partial(answer_rows, settings, parts.crm, parts.pool)
    tasks: dict[str, Part] = {
        "questions": partial(_take_questions, parts),
        "calcom": partial(lead, parts.store_dsn, "calcom", reading),
        "rows": partial(_read_rows, parts),
        "rechecks": partial(_serve_rechecks, parts),
        "coverage": partial(lead, parts.store_dsn, "coverage", partial(watch_sources, parts, watch)),
        "findings": FindingsConsumer(settings, database, store).run,
        "relay": Relay(settings, parts.store_dsn).run,
        "passing-time": partial(let_time_pass, store, settings.notices.acknowledge_hours),
        "pruning": partial(keep_pruned, database),
        "counts": partial(keep_counts, database),
        "passes": partial(lead, parts.store_dsn, "passes", partial(sweep_database, parts)),
        "validations": partial(lead, parts.store_dsn, "validations", answering),
        "webhook-ledger": partial(lead, parts.store_dsn, "webhook-ledger", partial(_keep_ledger, parts, ledger)),
    }
    tasks |= report_tasks(parts) | alertmanager_tasks(parts)
    if settings.source.mode == "debezium":
        tasks["debezium"] = partial(keep_registered, settings)
    if has_unmapped(settings):
        tasks["unmapped"] = partial(keep_unmapped, settings, UnmappedStore(parts.pool))
    if channels := channels_of(settings):
        log_of_notices = StoredNotices(parts.database, notice_policy(settings))
        tasks["notices"] = Dispatcher(settings, log_of_notices, channels).run
        tasks["notices-kept-back"] = partial(
            lead, parts.store_dsn, "notices", partial(_decide_notices, log_of_notices, channels)
        )
    if hears_through_socket(settings.slack):
        presses = Presses(database, store, channels=tuple(bots_places(settings)), api_url=settings.slack.api_url)
        tasks["slack-socket"] = partial(listen_to_slack, settings.slack, presses)
    if settings.watchdog.ping_url is not None:
        healthy = partial(clock_is_fresh, settings, settings.worker.group)
        tasks["watchdog"] = partial(ping_while_healthy, settings.watchdog.ping_url, healthy)
    return tasks


def _alert_store(settings: Settings, database: Database) -> AlertStore:
    return AlertStore(
        database,
        timezone_of=settings.timezone_of,
        account_of=settings.only_account_of,
        pages=alert_pages(settings),
    )


async def _take_questions(parts: Parts) -> None:
    async with open_consumer(parts.settings, Topic.VERIFICATIONS, CALCOM_GROUP) as consumer:
        await Intake(
            consumer=consumer,
            queue=QuestionQueue(parts.pool),
            known_tenants=known_tenants(parts.settings),
            publish=partial(parts.sender.send, Topic.BOOKINGS),
            dead_letter=partial(_dead_letter, parts),
        ).run()


async def _read_calcom(parts: Parts, policy: BreakerPolicy, audit_seconds: float, listener: Any) -> None:
    await read_calcom(
        parts.settings,
        pool=parts.pool,
        listener=listener,
        publish=partial(parts.sender.send, Topic.BOOKINGS),
        policy=policy,
        audit_seconds=audit_seconds,
        expect=WebhookLedger(parts.database).expect,
        tell_complete=partial(tell_complete, parts),
        hand_on=SyncFailures(parts.database).keep_trouble,
    )


async def _keep_ledger(parts: Parts, policy: LedgerPolicy, _: Any) -> None:
    await keep_webhook_ledger(parts.settings, parts.database, policy)


async def _read_rows(parts: Parts) -> None:
    publish = partial(parts.sender.send, Topic.ROWS)
    async with (
        open_consumer(parts.settings, Topic.VERIFICATIONS, ROWS_GROUP) as consumer,
        asyncio.TaskGroup() as group,
    ):
        if has_unmapped(parts.settings):
            mapping = partial(lead, parts.store_dsn, "tenants", partial(map_tenants, parts, parts.crm))
            group.create_task(supervised("tenants", mapping))
        await RowsReader(consumer=consumer, database=parts.crm, publish=publish, decode=decode_question).run()


async def _serve_rechecks(parts: Parts) -> None:
    async def ask(question: AnyQuestion) -> None:
        await parts.sender.send(Topic.VERIFICATIONS, question.tenant, question)

    await serve_rechecks(partial(take_rechecks, parts.database), partial(finish_rechecks, parts.database), ask)


async def _decide_notices(log_of_notices: StoredNotices, channels: Sequence[Channel], _: Any) -> None:
    await keep_deciding(log_of_notices, channels)


async def _dead_letter(parts: Parts, record: Any, error: str) -> None:
    await parts.letters.send(record, reason="not_a_question", error=error)


async def _until_topics(settings: Settings) -> None:
    while True:
        try:
            return await ensure_topics(settings.kafka)
        except KafkaUnreachable as away:
            log.warning("waiting for Kafka", reason=str(away))
            await asyncio.sleep(TRY_AGAIN_SECONDS)


@asynccontextmanager
async def _parts(settings: Settings) -> AsyncIterator[Parts]:
    assert settings.store.dsn is not None, "the command line demands store.dsn"
    dsn = settings.store.dsn.get_secret_value()
    await migrate(dsn)
    database = Database(dsn, name="plumbline-connectors")
    pool = await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=STORE_CONNECTIONS_MAX,
        command_timeout=STORE_SECONDS_MAX,
        timeout=STORE_SECONDS_MAX,
        # The queue's statement takes longer to plan than to run; its arguments change nothing about the plan.
        server_settings={"plan_cache_mode": "force_generic_plan"},
    )
    crm = CrmDatabase(settings.source)
    try:
        async with open_producer(settings) as producer:
            prefix = settings.kafka.topic_prefix
            yield Parts(
                settings=settings,
                store_dsn=dsn,
                database=database,
                pool=pool,
                crm=crm,
                producer=producer,
                sender=RecordSender(producer, prefix),
                letters=DeadLetters(producer, prefix),
            )
    finally:
        await crm.close()
        pool.terminate()
        await database.close()
