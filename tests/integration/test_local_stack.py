"""The local stack on real parts: it serves, restarts, explains, and leaves nothing behind."""

import asyncio
import json
import os
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from connectors.stack.errors import HomeInUse, PortTaken
from connectors.stack.stack import LocalStack, StackPart
from connectors.stack.supervisor import Backoff, Supervisor
from tests.integration.waiting import until

pytestmark = pytest.mark.stack

POSTGRES_ONLY = frozenset({StackPart.POSTGRES})
KAFKA_ONLY = frozenset({StackPart.KAFKA})

# The words of this specification -----------------------------------------------------


@pytest.fixture
def home(stack_home: Path, request: pytest.FixtureRequest) -> Path:
    return stack_home / request.node.name[:60]


@asynccontextmanager
async def started(local: LocalStack) -> AsyncIterator[LocalStack]:
    await local.start()
    try:
        yield local
    finally:
        await local.stop()


async def connect(dsn: str | None) -> asyncpg.Connection:
    assert dsn is not None
    return await asyncpg.connect(dsn)


async def ask(dsn: str | None, question: str) -> object:
    connection = await connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def named(home: Path) -> Iterator[psutil.Process]:
    """Every process that works for this home."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if str(home) in " ".join(process.cmdline()) or str(home) in process.cwd():
                yield process


# The specification -------------------------------------------------------------------


async def test_all_parts_serve_on_this_machine_only(stack: LocalStack) -> None:
    endpoints = stack.endpoints
    assert await ask(endpoints.source_dsn, "SELECT to_regclass('public.appointments')::text") == "appointments"
    assert await ask(endpoints.store_dsn, "SELECT current_database()") == "plumbline"
    async with httpx.AsyncClient(base_url=endpoints.connect_url or "") as client:
        assert (await client.get("/connectors")).json() == []
    assert endpoints.kafka_bootstrap.startswith("127.0.0.1:")
    assert set(stack.supervisor.pids()) == {"kafka", "connect", "postgres"}


async def test_the_application_needs_its_password(stack: LocalStack) -> None:
    wrong = (stack.endpoints.source_dsn or "").replace("//app:", "//app:wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)


async def test_secrets_are_for_their_owner_only(stack: LocalStack) -> None:
    assert stat.S_IMODE((stack.home / "passwords.json").stat().st_mode) == 0o600


async def test_a_port_that_is_taken_is_an_error_that_names_it(stack: LocalStack, home: Path) -> None:
    taken = int(stack.endpoints.kafka_bootstrap.rpartition(":")[2])
    with pytest.raises(PortTaken, match=f"port {taken}, configured for kafka"):
        await LocalStack(home, parts=KAFKA_ONLY, kafka_port=taken).start()


async def test_a_home_has_one_stack_at_a_time(stack: LocalStack) -> None:
    with pytest.raises(HomeInUse):
        await LocalStack(stack.home).start()


async def test_rows_and_addresses_are_there_again_after_a_restart(home: Path) -> None:
    async with started(LocalStack(home, parts=POSTGRES_ONLY)) as first:
        await ask(first.endpoints.source_dsn, "INSERT INTO calls (company_id) VALUES (1) RETURNING id")
    async with started(LocalStack(home, parts=POSTGRES_ONLY)) as second:
        assert second.endpoints == first.endpoints
        assert await ask(second.endpoints.source_dsn, "SELECT company_id FROM calls") == 1


async def test_it_stops_while_somebody_holds_a_transaction_open(home: Path) -> None:
    local = LocalStack(home, parts=POSTGRES_ONLY)
    await local.start()
    holder = await connect(local.endpoints.source_dsn)
    await holder.execute("BEGIN; LOCK TABLE calls")
    async with asyncio.timeout(10):
        await local.stop()
    assert not list(named(home))
    holder.terminate()


async def test_a_killed_postgres_is_started_again_and_its_new_pid_told(home: Path) -> None:
    told: list[dict[str, list[int]]] = []
    local = LocalStack(home, parts=POSTGRES_ONLY)
    supervisor = Supervisor(
        await local.prepare(),
        on_change=lambda pids: told.append(dict(pids)),
        backoff=Backoff(first_seconds=0.05),
    )
    await supervisor.start()
    try:
        [pid] = told[-1]["postgres"]
        psutil.Process(pid).kill()
        await until(lambda: len(told) >= 3)
        assert told[-1]["postgres"] not in ([], [pid])
        assert await ask(local.endpoints.source_dsn, "SELECT count(*) FROM calls") == 0
    finally:
        await supervisor.stop()
        local.release()


async def test_a_killed_starter_leaves_no_java_and_no_postgres_behind(home: Path) -> None:
    script = """
import asyncio, json, sys
from pathlib import Path
from connectors.stack.stack import LocalStack, StackPart

async def main():
    local = LocalStack(Path(sys.argv[1]), parts=frozenset({StackPart.KAFKA, StackPart.POSTGRES}))
    await local.start()
    print("PIDS", json.dumps(local.supervisor.pids()), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
    root = Path(__file__).parents[2]
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(home), stdout=asyncio.subprocess.PIPE, cwd=root
    )
    assert starter.stdout is not None
    line = b""
    while not line.startswith(b"PIDS"):
        line = await asyncio.wait_for(starter.stdout.readline(), 60)
    pids = [pid for group in json.loads(line[4:]).values() for pid in group]
    offspring = [child for pid in pids for child in psutil.Process(pid).children(recursive=True)]
    assert len(pids) == 2
    assert offspring  # Postgres' own
    starter.kill()
    await starter.wait()
    await until(lambda: not [pid for pid in pids if psutil.pid_exists(pid)])
    await until(lambda: not [child for child in offspring if child.is_running()])
    assert not list(named(home))


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed only for root")
async def test_root_may_keep_its_home_to_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    home.chmod(0o700)
    async with started(LocalStack(home / "inner", parts=POSTGRES_ONLY)) as first:
        [pid] = first.supervisor.pids()["postgres"]
        assert psutil.Process(pid).uids().real != 0
        elsewhere = Path((home / "inner" / "postgres" / "elsewhere").read_text())
        assert elsewhere.stat().st_mode & 0o777 == 0o700
    async with started(LocalStack(home / "inner", parts=POSTGRES_ONLY)) as second:
        assert await ask(second.endpoints.store_dsn, "SELECT 1") == 1
    (home / "inner" / "postgres" / "elsewhere").unlink()
    async with started(LocalStack(home / "inner", parts=POSTGRES_ONLY)):
        assert not elsewhere.exists()  # nobody's any more
        last = Path((home / "inner" / "postgres" / "elsewhere").read_text())
    shutil.rmtree(last)


async def test_a_second_listener_leads_through_the_advertised_port(home: Path) -> None:
    passed, target = 0, asyncio.get_running_loop().create_future()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal passed
        passed += 1
        there, back = await asyncio.open_connection(*await target)
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    # Listening before the broker starts: a port that is only chosen may be somebody else's by then.
    async with await asyncio.start_server(forward, "127.0.0.1", 0) as server:
        advertised = server.sockets[0].getsockname()[1]
        async with started(LocalStack(home, parts=KAFKA_ONLY, kafka_extra_advertised_port=advertised)) as local:
            host, _, port = (local.endpoints.kafka_extra_bootstrap or "").rpartition(":")
            target.set_result((host, int(port)))
            await _one_record_through(f"{host}:{advertised}")
    assert passed >= 2  # the first contact, and the broker it was told of


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def _one_record_through(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("far", 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    await producer.send_and_wait("far", b"away")
    await producer.stop()
    consumer = AIOKafkaConsumer("far", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    record = await asyncio.wait_for(consumer.getone(), 30)
    await consumer.stop()
    assert record.value == b"away"
