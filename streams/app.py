"""The worker: Faust's app with our driver, the agent, the clock. The composition root of `plumbline worker`."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import faust
import structlog
from faust.types import TP

from streams.agent import bind_agent
from streams.configured import Decode, decoder_from, disabled_rules, judgement_from
from streams.driver import ExactTransport, end_uncommitted
from streams.engine import Partition
from streams.outbound import Outbound
from streams.owned import Ownership
from streams.positions import Positions
from streams.settings import Settings
from streams.ticker import Ticker
from streams.topics import INPUTS, topic_name
from streams.worker_metrics import serve_metrics

log = structlog.get_logger()

COMMIT_SECONDS = 1.0
COMMIT_EVERY = 20_000
SESSION_SECONDS = 10.0
HEARTBEAT_SECONDS = 2.0
REBALANCE_SECONDS = 30.0
POLL_SECONDS_MAX = 300.0
RELEASE_SECONDS_MAX = 8.0


class WorkerApp(faust.App):  # type: ignore[misc]  # Faust publishes no types
    """Faust's app with what the worker needs beside it: its state, its producer, its questions to the broker."""

    ownership: Ownership
    outbound: Outbound
    positions: Positions

    async def flush_state(self) -> None:
        """What must be acknowledged before a commit (driver.py)."""
        await self.ownership.flush()

    async def on_start(self) -> None:
        """Raises KafkaError when no broker answers, InputsDiffer for topics that cannot be used."""
        await asyncio.gather(self.outbound.start(), self.positions.start(), self.positions.check_inputs())
        await super().on_start()

    async def on_shutdown(self) -> None:
        """After the consumer's last commit."""
        await super().on_shutdown()
        await self.positions.stop()
        await self.outbound.stop()

    def _create_directories(self) -> None:
        """None: nothing of ours lies in files, and Faust's would lie in whatever folder we are started in."""

    def _new_transport(self) -> ExactTransport:
        return ExactTransport(self.conf.broker_consumer, self)


def create_app(
    settings: Settings, *, engine: Callable[[], Partition] | None = None, decode: Decode | None = None
) -> WorkerApp:
    """The app of one worker. `engine` and `decode` are those of the settings unless given."""
    judgement = judgement_from(settings)
    app = _faust_app(settings)
    app.outbound, app.positions = Outbound(settings), Positions(settings, app.conf.id)
    app.ownership = Ownership(
        settings,
        engine=engine or (lambda: Partition(judgement)),
        decode=decode or decoder_from(settings),
        outbound=app.outbound,
        positions=app.positions,
    )
    bind_agent(app, settings, app.ownership)
    _bind_assignment(app, settings, app.ownership)
    _bind_clock(app, Ticker(app.ownership, app.outbound, app.positions, f"{app.conf.id}-{os.getpid()}"))
    return app


class Worker(faust.Worker):  # type: ignore[misc]  # Faust publishes no types
    """Faust's runner with our logs instead of its own."""

    def _setup_logging(self) -> None:
        """Logs were set up by the command line."""


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or Ctrl-C. Ends with code 70 when something could not be carried through."""
    for rule, columns in disabled_rules(settings).items():
        log.warning("rule switched off: columns are not mapped", rule=rule, columns=sorted(columns))
    app = create_app(settings)
    serve_metrics(app.ownership)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    Worker(app, loop=loop, redirect_stdouts=False, quiet=True).execute_from_commandline()


def _faust_app(settings: Settings) -> WorkerApp:
    kafka = settings.kafka
    return WorkerApp(
        settings.worker.app_id,
        version=settings.worker.version,
        broker=[f"kafka://{server.strip()}" for server in str(kafka.bootstrap_servers).split(",")],
        broker_credentials=_credentials(settings),
        processing_guarantee="at_least_once",
        store="memory://",
        topic_partitions=kafka.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        stream_wait_empty=True,
        broker_commit_interval=COMMIT_SECONDS,
        broker_commit_every=COMMIT_EVERY,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_rebalance_timeout=REBALANCE_SECONDS,
        broker_max_poll_interval=POLL_SECONDS_MAX,
        producer_acks=-1,
        producer_request_timeout=60,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        autodiscover=False,
    )


def _credentials(settings: Settings) -> Any:
    kafka = settings.kafka
    if kafka.security_protocol == "PLAINTEXT":
        return None
    from aiokafka.helpers import create_ssl_context

    context = create_ssl_context(cafile=kafka.ssl_cafile, certfile=kafka.ssl_certfile, keyfile=kafka.ssl_keyfile)
    if kafka.security_protocol == "SSL":
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=kafka.sasl_username,
        password=kafka.sasl_password.get_secret_value() if kafka.sasl_password else None,
        mechanism=kafka.sasl_mechanism,
        ssl_context=context if kafka.security_protocol == "SASL_SSL" else None,
    )


def _bind_assignment(app: WorkerApp, settings: Settings, ownership: Ownership) -> None:
    names = {topic_name(topic, settings.kafka.topic_prefix) for topic in INPUTS}

    async def assigned(_: Any, partitions: set[TP], **__: Any) -> None:
        ownership.assign(_together({tp for tp in partitions if tp.topic in names}, names))

    async def revoked(_: Any, __: set[TP], **___: Any) -> None:
        try:
            async with asyncio.timeout(RELEASE_SECONDS_MAX):
                await ownership.release()
        except Exception as error:
            # Nothing past the last commit is lost: the next owner replays it.
            log.warning("state was not written at a revoke", error=repr(error))

    app.on_partitions_assigned.connect(assigned, weak=False)
    app.on_partitions_revoked.connect(revoked, weak=False)


def _together(partitions: set[TP], names: set[str]) -> set[int]:
    """The numbers owned, the same for every input; else two workers would each see half of a tenant."""
    by_topic: dict[str, set[int]] = defaultdict(set)
    for tp in partitions:
        by_topic[tp.topic].add(tp.partition)
    owned = {name: by_topic[name] for name in names}
    if len({frozenset(numbers) for numbers in owned.values()}) > 1:
        end_uncommitted(f"the inputs' partitions are not assigned together: {dict(sorted(owned.items()))}")
    return next(iter(owned.values()), set())


def _bind_clock(app: WorkerApp, ticker: Ticker) -> None:
    @app.task()  # type: ignore[untyped-decorator]  # Faust publishes no types
    async def clock(_: Any = None) -> None:
        try:
            await ticker.run()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            end_uncommitted(f"the clock stopped: {error!r}")
