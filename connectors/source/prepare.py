"""`plumbline source prepare` and `remove`: run a plan on the monitored database, or print it."""

import os
from urllib.parse import unquote, urlsplit

import asyncpg
import stamina

from connectors.source.errors import LockBusy, SlotInUse, SourceError
from connectors.source.inspection import SourceNames, inspect, quoted
from connectors.source.mapping import SourceMapping, mapping_of
from connectors.source.plan import plan_preparation, plan_removal
from connectors.source.registration import Registration
from connectors.source.rest import ConnectRest
from connectors.source.steps import LOCK_TIMEOUT, Mode, Plan, Step
from streams.settings import ConfigurationError, Settings

#: The role that may create ours; never needed afterwards, so never in the configuration.
ADMIN_VARIABLE = "PLUMBLINE_SOURCE_ADMIN_DSN"
LOCK_ATTEMPTS = 20
FREE_SECONDS = 10.0


async def apply(
    admin_dsn: str, *, mapping: SourceMapping, names: SourceNames, password: str, streaming: bool = True
) -> Plan:
    """Prepare the database; a second run changes nothing. Says what was run. `streaming` as in `plan_preparation`.

    Raises SourceError: what is asked cannot be done, or a table was busy all the time.
    """
    connection = await asyncpg.connect(admin_dsn)
    try:
        plan = plan_preparation(await inspect(connection, mapping, names), names, password, streaming=streaming)
        for step in plan.steps:
            await _run(connection, step)
        return plan
    finally:
        await connection.close()


async def remove(admin_dsn: str, *, names: SourceNames) -> Plan:
    """Take everything out again: slot, publication, replica identities, index, schema, role.

    Delete the connector first. Raises SourceError.
    """
    connection = await asyncpg.connect(admin_dsn)
    try:
        state = await inspect(connection, None, names)
        if state.role_exists:
            await _end_sessions(connection, names)
        if state.slot_exists:
            await _drop_slot(connection, names.slot)
        plan = plan_removal(state, names)
        for step in plan.steps:
            await _run(connection, step)
        return plan
    finally:
        await connection.close()


def names_of(dsn: str) -> tuple[SourceNames, str]:
    """(names, password) for a source.dsn: its user is the role that is made. Raises ConfigurationError."""
    parts = urlsplit(dsn)
    if not parts.username or not parts.password:
        raise ConfigurationError("source.dsn: allowed is postgresql://role:password@host:port/database")
    return SourceNames(role=unquote(parts.username)), unquote(parts.password)


async def run_prepare(settings: Settings, apply_it: bool) -> int:
    """The command: print the SQL, or run it. The exit code."""
    names, password = names_of(_dsn(settings))
    mapping, streaming = mapping_of(settings.source), settings.source.mode == "debezium"
    try:
        if apply_it:
            plan = await apply(_admin_dsn(), mapping=mapping, names=names, password=password, streaming=streaming)
            return _told(plan)
        return _printed(await _planned(mapping, names, streaming=streaming))
    except SourceError as error:
        raise ConfigurationError(str(error)) from error


async def run_remove(settings: Settings, apply_it: bool) -> int:
    """The command: print the SQL, or run it. The exit code."""
    names, _ = names_of(_dsn(settings))
    try:
        if not apply_it:
            return _printed(await _planned(None, names))
        await _delete_connector(settings)
        return _told(await remove(_admin_dsn(), names=names))
    except SourceError as error:
        raise ConfigurationError(str(error)) from error


async def _delete_connector(settings: Settings) -> None:
    """Before its slot goes, with its offsets: a new slot under old offsets would skip what lies between."""
    if settings.source.connect_url is None:
        return
    registration = Registration(
        dsn=_dsn(settings),
        mapping=mapping_of(settings.source),
        partitions=settings.kafka.partitions,
        topic_prefix=settings.kafka.topic_prefix,
    )
    async with ConnectRest(str(settings.source.connect_url)) as connect:
        await connect.delete(registration.connector)


async def _planned(mapping: SourceMapping | None, names: SourceNames, *, streaming: bool = True) -> Plan:
    connection = await asyncpg.connect(_admin_dsn())
    try:
        state = await inspect(connection, mapping, names)
    finally:
        await connection.close()
    if mapping is None:
        return plan_removal(state, names)
    return plan_preparation(state, names, "<the password in source.dsn>", streaming=streaming)


async def _run(connection: asyncpg.Connection, step: Step) -> None:
    match step.mode:
        case Mode.ALONE:
            await connection.execute(step.sql)
        case Mode.PLAIN:
            async with connection.transaction():
                await connection.execute(step.sql)
        case Mode.LOCKING:
            await _run_locking(connection, step)


async def _run_locking(connection: asyncpg.Connection, step: Step) -> None:
    """ALTER TABLE queues behind an open reader, and the application's writes queue behind it: so it gives up
    after 0.5 s and tries again later, however often."""
    busy = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
    try:
        async for attempt in stamina.retry_context(on=busy, attempts=LOCK_ATTEMPTS, timeout=120, wait_max=4.0):
            with attempt:
                async with connection.transaction():
                    await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                    await connection.execute(step.sql)
    except busy as error:
        raise LockBusy(step.purpose, LOCK_ATTEMPTS) from error


async def _end_sessions(connection: asyncpg.Connection, names: SourceNames) -> None:
    """Whoever still works as our role, the walsender too; without LOGIN none comes back."""
    await connection.execute(f"ALTER ROLE {quoted(names.role)} NOLOGIN")
    await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", names.role)


async def _drop_slot(connection: asyncpg.Connection, slot: str) -> None:
    try:
        async for attempt in stamina.retry_context(
            on=asyncpg.ObjectInUseError, attempts=None, timeout=FREE_SECONDS, wait_max=0.5
        ):
            with attempt:
                await connection.execute("SELECT pg_drop_replication_slot($1)", slot)
    except asyncpg.ObjectInUseError as error:
        raise SlotInUse(slot) from error


def _dsn(settings: Settings) -> str:
    if settings.source.dsn is None:
        raise ConfigurationError("source.dsn: missing; `plumbline up` prepares its own example by itself")
    return settings.source.dsn.get_secret_value()


def _admin_dsn() -> str:
    if dsn := os.environ.get(ADMIN_VARIABLE):
        return dsn
    raise ConfigurationError(
        f"{ADMIN_VARIABLE}: not set; allowed is the connection string of a role that may create roles and "
        "publications and owns the tables, used now and not kept"
    )


def _printed(plan: Plan) -> int:
    print(plan.script(), end="")
    return 0


def _told(plan: Plan) -> int:
    for line in (
        *(f"note: {note}" for note in plan.notes),
        *(f"done: {step.purpose}" for step in plan.steps),
    ):
        print(line)
    return 0
